"""Our own service, whole, with a model that does nothing: python -m …peers.ours_without_model, as python -m service."""

from typing import Any
from unittest.mock import patch

from service.__main__ import main
from tests.bench.peers.nothing import Nothing


def _open(*_: Any, **__: Any) -> Nothing:
    return Nothing()


if __name__ == "__main__":
    # AttributeError here once the detector opens its sessions by another name.
    with patch("service.detector.open_session", _open):
        main()
