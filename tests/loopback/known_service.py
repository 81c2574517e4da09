"""The real service in a process of its own, with a model that is made up and takes a known time."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from unittest import mock

import numpy as np

from service import __main__ as service_main
from service import worker, worker_process
from service.model import card
from service.model.stored import CARD_FILE, StoredCard
from service.postprocess import Detections
from tests.loopback.service import running

_VARIABLE: Final = "KNOWN_SERVICE_S"


@contextmanager
def known(
    directory: Path, service_s: float, *, stderr: int | None = None, **settings: str
) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """URL and process, as `running` has them; a photo takes `service_s` seconds and hardly any processor time."""
    described = StoredCard(card=card.load(), version="0123456789ab", runtime="litert-int8")
    (directory / CARD_FILE).write_text(described.model_dump_json())
    with (
        mock.patch.dict(os.environ, {_VARIABLE: str(service_s)}),
        running(directory, True, module="tests.loopback.known_service", stderr=stderr, **settings) as service,
    ):
        yield service


class KnownSession:
    """Sees one cat in the middle of whatever it is shown."""

    def prepare(self, image: Any) -> Any:
        """The image as it is, as a batch of one."""
        return image[np.newaxis]

    def infer(self, prepared: Any) -> Any:
        """Sleep for the known time."""
        time.sleep(float(os.environ[_VARIABLE]))
        return prepared

    def finish(self, raw: Any, threshold: float, limit: int) -> Detections:
        """One object, whatever it was."""
        del raw
        box, score, class_id = np.array([[0.2, 0.2, 0.8, 0.8]]), np.array([0.9]), np.array([17])
        return Detections(box.astype(np.float32), score.astype(np.float32), class_id).first(limit, threshold)


if __name__ == "__main__":
    if sys.argv[1].isdigit():  # a worker's socket
        vars(worker)["open_session"] = lambda *_: KnownSession()
        worker.main()
    else:
        vars(worker_process)["MODULE"] = "tests.loopback.known_service"
        service_main.main()
