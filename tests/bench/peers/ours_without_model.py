"""Our own service, whole, with a model that does nothing: python -m …peers.ours_without_model, as python -m service.

Its workers are started as the same module, with the descriptor of their socket for an argument.
"""

import sys
from typing import Any
from unittest.mock import patch

from service import worker
from service.__main__ import main
from tests.bench.peers.nothing import Nothing


def _open(*_: Any, **__: Any) -> Nothing:
    return Nothing()


if __name__ == "__main__":
    # AttributeError here once workers open their sessions, or are started, by another name.
    if sys.argv[1].isdigit():
        with patch("service.worker.open_session", _open):
            worker.main()
    else:
        with patch("service.worker_process.MODULE", "tests.bench.peers.ours_without_model"):
            main()
