"""The proof at the end of `up`: a bundled photo through the production door, and its boxes back."""

import time
from typing import Final

from client import DetectorClient, RefusedError, UnreachableError
from lookout.errors import LookoutError
from service.model import photos

_PHOTO: Final = "chelsea"
_ANSWER_WITHIN_S: Final = 30.0


def detect(port: int, token: str | None = None) -> str:
    """Detect on the bundled photo at 127.0.0.1:`port`; returns a line such as `cat 0.93 in 21 ms`.

    `token` where the service asks for one.

    The door opens when the cluster's DNS knows the Service, so the first seconds may refuse. LookoutError when there
    is no good answer within half a minute, or when nothing is detected.
    """
    photo = photos.sample_photos()[_PHOTO]
    deadline = time.monotonic() + _ANSWER_WITHIN_S
    with DetectorClient(f"http://127.0.0.1:{port}", token) as detector:
        while True:
            started = time.monotonic()
            try:
                detections = detector.detect(photo).detections
                break
            except (UnreachableError, RefusedError) as error:
                if time.monotonic() > deadline:
                    raise LookoutError(error.message, "see: lookout release status, lookout logs prod") from error
                time.sleep(0.2)
    if not detections:
        raise LookoutError(f"nothing was detected on the bundled photo {_PHOTO}", "see: lookout model evaluate")
    found = ", ".join(f"{one.label} {one.score:.2f}" for one in detections)
    return f"{found} in {(time.monotonic() - started) * 1000:.0f} ms"
