"""The BentoML service: one thin class that mounts the app. `bentoml serve service.service:Detector` runs it.

One HTTP process, and behind it a worker a core: HTTP processes that share a listening socket leave cores idle, because
keep-alive connections stay with whichever worker accepted them (measured: half the throughput in one run of four).
"""

import os

from service import bento_home

bento_home.use()
# BentoML hands its workers a directory for metrics shared between processes. There is one worker here, and its own
# registry in memory is exact and writes no files.
os.environ.pop("PROMETHEUS_MULTIPROC_DIR", None)

import bentoml  # noqa: E402  # after its home is set
from starlette.types import ASGIApp, Receive, Scope, Send  # noqa: E402

from lookout import contract  # noqa: E402
from service import settings  # noqa: E402
from service.serving import APP  # noqa: E402


@bentoml.service(
    name=contract.DETECTOR,
    workers=1,
    # BentoML's own /livez, /readyz, /metrics and index go under this prefix; _AppFirst shuts them altogether.
    path_prefix="/bentoml",
    traffic={"timeout": settings.LONGEST_REQUEST_S},
    metrics={"enabled": False},
    logging={"access": {"enabled": False}},
)
class Detector:
    """Object detection over HTTP; see /docs."""


class _AppFirst:
    """ASGI middleware: the app answers every request, and BentoML has the process's start and end.

    BentoML's own paths would come before the app's, not all of them under the prefix (/schema.json). Its middleware
    would make spans that nobody collects, a third of a request's Python time, and a timer of 60 s for each request that
    nothing cancels: what these held made garbage collections of 80 ms frequent (p99 without a model 47 to 95 ms).
    """

    def __init__(self, bentoml_app: ASGIApp) -> None:
        self._bentoml_app = bentoml_app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass it on to whose it is."""
        if scope["type"] == "http":
            await APP(scope, receive, send)
            return
        whole = scope["app"]
        if not isinstance(whole.middleware_stack, _AppFirst):  # it is called within them: from now on, before them
            whole.middleware_stack = _AppFirst(whole.middleware_stack)
        await self._bentoml_app(scope, receive, send)


# Mounted for its start and end. Not by `mount_asgi_app`: that would put the app, too, under the prefix.
Detector.mount_apps.append((APP, "/", "lookout"))  # type: ignore[attr-defined]  # the decorator's type says class
Detector.add_asgi_middleware(_AppFirst)  # type: ignore[attr-defined]  # as above
