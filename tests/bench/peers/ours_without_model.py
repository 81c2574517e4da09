"""Our own service, whole, with a model that does nothing: bentoml serve …peers.ours_without_model:Detector."""

import os
from typing import Any
from unittest.mock import patch

from tests.bench.peers.nothing import Nothing


def _open(*_: Any, **__: Any) -> Nothing:
    return Nothing()


# As service/service.py, which comes too late for it here: the client library looks once, when it is imported.
os.environ.pop("PROMETHEUS_MULTIPROC_DIR", None)
# Before the service is imported, for good; AttributeError here once the detector opens its sessions by another name.
patch("service.detector.open_session", _open).start()

from service.service import Detector  # noqa: E402  # see above

__all__ = ["Detector"]
