"""What is answered where nothing else answers: unknown paths, other methods, problems and the framework's refusals."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from service import problems
from service.problems import OverCapacity, Problem


async def nothing_here(request: Request) -> Response:
    """The last route: it also hears of known paths asked with another method."""
    routes = [route for route in request.app.routes if isinstance(route, Route) and route.path == request.url.path]
    allowed = sorted(method for route in routes for method in route.methods or ())
    if allowed:
        ways = ", ".join(allowed)
        raise HTTPException(405, f"{request.url.path} takes {ways}.", headers={"Allow": ways})
    raise HTTPException(404, f"There is nothing at {request.url.path[:100]}; /docs lists what there is.")


async def problem(request: Request, raised: Exception) -> Response:
    """The answer to a Problem, in the shape that the path's clients expect."""
    assert isinstance(raised, Problem)  # noqa: S101  # what Starlette promises by the registration
    if isinstance(raised, OverCapacity):
        request.app.state.service.metrics.refused.labels(raised.reason).inc()
    return problems.answer(raised, request.url.path, request.state.request_id)


async def http_exception(request: Request, error: Exception) -> Response:
    """The answer to a refusal of the framework's own, as a problem with its headers."""
    assert isinstance(error, HTTPException)  # noqa: S101  # as above
    title = "Not found" if error.status_code == 404 else "Not allowed here" if error.status_code == 405 else "Refused"
    response = await problem(request, Problem(error.status_code, "", title, str(error.detail)))
    response.headers.update(error.headers or {})
    return response
