"""Stock Locust: users that wait for their answer. tests/loopback/test_harness.py holds ours against it.

In a directory of its own, because Locust puts that first on the path.
"""

from locust import FastHttpUser, task

from loadtest.photos.prepared import load_photos
from lookout import contract

PHOTO = load_photos()[0]


class Waiting(FastHttpUser):
    """Sends the next photo when the last answer is there."""

    @task
    def detect(self) -> None:
        """One photo."""
        self.client.post(
            contract.DETECT_PATH,
            data=PHOTO.data,  # type: ignore[arg-type]  # its documentation says "String/bytes"
            headers={"Content-Type": PHOTO.content_type},
        )
