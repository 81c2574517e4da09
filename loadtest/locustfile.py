"""The detector's users, for Locust.

`lookout load run` drives them; plain Locust does too, with its own statistics or its web page:

    locust -f loadtest/locustfile.py --headless --host http://127.0.0.1:8080 --users 4 --run-time 30s --seed 7
"""

import itertools
import time
from typing import Any, ClassVar

from locust import FastHttpUser, constant, events, task
from locust.contrib.fasthttp import LocustBadStatusCode

from loadtest.answers import WrongAnswerError, check_answer, transport_kind
from loadtest.photos import Photo, load_photos, sequence
from loadtest.settings import REQUEST_TIMEOUT_S
from lookout import contract

_PAUSE_AFTER_NO_ANSWER_S = 0.5
"""A refused connection fails in microseconds: without a pause a closed loop would spin on it."""


@events.init_command_line_parser.add_listener  # type: ignore[untyped-decorator]  # Locust leaves it untyped
def _options(parser: Any) -> None:
    parser.add_argument("--seed", type=int, default=1, help="decides which photo each user sends next")


class DetectorUser(FastHttpUser):
    """A closed loop: sends the next photo as soon as the last answer has been checked."""

    wait_time = constant(0)
    insecure = False  # Locust accepts any certificate by default
    max_redirects = 0
    max_retries = 0  # a retry would hide an error
    network_timeout = REQUEST_TIMEOUT_S
    connection_timeout = REQUEST_TIMEOUT_S

    sent: ClassVar[int] = 0
    """Requests sent by all users of this process."""
    _numbers: ClassVar = itertools.count()

    def on_start(self) -> None:
        """Number the user and draw its order of photos."""
        seed = self.environment.parsed_options.seed
        self._photos = sequence(load_photos(), seed, next(self._numbers))

    @task
    def detect(self) -> None:
        """Send one photo and judge the answer."""
        photo = next(self._photos)
        DetectorUser.sent += 1
        # Locust's own start_time is a wall clock, which may jump.
        context = {"started": time.perf_counter()}
        with self.client.post(
            contract.DETECT_PATH,
            data=photo.jpeg,  # type: ignore[arg-type]  # its documentation says "String/bytes"
            headers={"Content-Type": "image/jpeg"},
            context=context,
            catch_response=True,
        ) as response:
            try:
                response.request_meta["context"]["model"] = _judge(response, photo)
            except WrongAnswerError as wrong:
                response.failure(wrong)
            else:
                response.success()
        if response.status_code == 0:
            time.sleep(_PAUSE_AFTER_NO_ANSWER_S)


def _judge(response: Any, photo: Photo) -> dict[str, str]:
    """The model that a correct answer names; WrongAnswerError otherwise."""
    error = response.request_meta["exception"]
    if error is not None and not isinstance(error, LocustBadStatusCode):
        raise WrongAnswerError(transport_kind(error))
    content_type = (response.headers or {}).get("content-type", "")
    answer = check_answer(response.status_code, content_type, response.content or b"", photo)
    model: dict[str, str] = answer.model.model_dump(mode="json")
    return model
