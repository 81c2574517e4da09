"""From a request's path and method to the endpoint that answers it, and from a Problem to its answer.

Every path is a constant, so it is looked up and not matched (docs/decisions/0017-request-path.md).
"""

from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from service import problems
from service.metrics import Metrics
from service.problems import OverCapacity, Problem

Endpoint = Callable[[Request], Awaitable[Response]]
Paths = Mapping[str, Mapping[str, Endpoint]]
"""Endpoints by path and method. What can be got has a HEAD, too."""


class Dispatch:
    """An ASGI app of endpoints. What else they raise than a Problem goes on to whoever calls it."""

    def __init__(self, paths: Paths, metrics: Metrics) -> None:
        self._paths, self._metrics = paths, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            response = await self._endpoint(scope)(Request(scope, receive, send))
        except Problem as problem:
            if isinstance(problem, OverCapacity):
                self._metrics.refusals[problem.reason].inc()
            response = problems.answer(problem, scope["path"], scope["state"]["request_id"])
        await response(scope, receive, send)

    def _endpoint(self, scope: Scope) -> Endpoint:
        path, method = scope["path"], scope["method"]
        methods = self._paths.get(path)
        if methods is None:
            raise problems.nothing_at(path)
        endpoint = methods.get("GET" if method == "HEAD" else method)
        if endpoint is None:
            raise problems.not_allowed(path, sorted({*methods, "HEAD"} if "GET" in methods else methods))
        return endpoint
