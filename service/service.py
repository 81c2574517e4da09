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

from lookout import contract  # noqa: E402
from service import app as detector_app  # noqa: E402
from service import model_location, settings  # noqa: E402

SETTINGS = settings.from_environment()
app = detector_app.create_app(model_location.find(SETTINGS), SETTINGS, model_location.bento_tag())


@bentoml.service(
    name=contract.DETECTOR,
    workers=1,
    # BentoML's own /livez, /readyz, /metrics and index go under this prefix, so that the app's own answer.
    path_prefix="/bentoml",
    traffic={"timeout": settings.LONGEST_REQUEST_S},
    metrics={"enabled": False},
    logging={"access": {"enabled": False}},
)
class Detector:
    """Object detection over HTTP; see /docs."""


# Not `mount_asgi_app`: that would put the app, too, under the prefix.
Detector.mount_apps.append((app, "/", "lookout"))  # type: ignore[attr-defined]  # the decorator's type says class
