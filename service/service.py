"""The BentoML service: one thin class that mounts the app. `bentoml serve service.service:Detector` runs it.

One HTTP process with one compute thread a core: workers that share a listening socket leave cores idle, because
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
from service import app as detector_app  # noqa: E402
from service import model_location, settings  # noqa: E402

SETTINGS = settings.from_environment()
app = detector_app.create_app(model_location.find(SETTINGS), SETTINGS, model_location.bento_tag())


@bentoml.service(
    name=contract.DETECTOR,
    workers=1,
    # BentoML's own /livez, /readyz, /metrics and index go under this prefix; _AppOnly shuts them altogether.
    path_prefix="/bentoml",
    traffic={"timeout": settings.LONGEST_REQUEST_S},
    metrics={"enabled": False},
    logging={"access": {"enabled": False}},
)
class Detector:
    """Object detection over HTTP; see /docs."""


class _AppOnly:
    """ASGI middleware within BentoML's own: the app answers every request. BentoML's paths would come before it, and
    not all of them under the prefix: /schema.json is there whatever one sets."""

    def __init__(self, bentoml_app: ASGIApp) -> None:
        self._bentoml_app = bentoml_app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Only the process's start and end are BentoML's."""
        await (app if scope["type"] == "http" else self._bentoml_app)(scope, receive, send)


# Mounted for its start and end. Not by `mount_asgi_app`: that would put the app, too, under the prefix.
Detector.mount_apps.append((app, "/", "lookout"))  # type: ignore[attr-defined]  # the decorator's type says class
Detector.add_asgi_middleware(_AppOnly)  # type: ignore[attr-defined]  # as above
