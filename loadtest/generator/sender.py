"""One request from start to record: the part that open and closed loop share."""

import errno
import logging
import os
import time
from collections.abc import Callable
from typing import Any, Final

import gevent  # type: ignore[import-untyped]  # ships no types
from geventhttpclient.response import HTTPParseError

from loadtest.generator.answers import WrongAnswerError, check_answer, check_any, transport_kind
from loadtest.generator.client import Client
from loadtest.generator.recorder import Recorder
from loadtest.photos.prepared import choices, prepared
from loadtest.result import DROPPED, UNFINISHED
from loadtest.settings import LoadSettings

Report = Callable[..., Any]

_OWN_LIMITS: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL, errno.ENOBUFS, errno.ENOMEM})
"""Out of descriptors, ports or memory: no request was sent, and the server is not to blame."""


class Sender:
    """Sends photos, judges answers, records both; `report` is Locust's request event."""

    def __init__(self, settings: LoadSettings, recorder: Recorder, report: Report) -> None:
        self._settings = settings
        self._recorder = recorder
        self._report = report
        headers = {name: value.get_secret_value() for name, value in settings.headers.items()}
        self._client = Client(settings.url, settings.path, headers)
        self._photos, weights = prepared(settings.photos)
        self._choices = choices(weights, settings.seed)
        self._requests = [self._client.request(photo) for photo in self._photos]
        self.in_flight: dict[int, tuple[float, float | None]] = {}
        """Intended and real start of each request without an answer, in seconds of the steady clock, by number."""

    @property
    def photo_names(self) -> list[str]:
        """Of the photos it sends."""
        return [photo.name for photo in self._photos]

    def send(self, index: int, intended: float, began: float) -> str | None:
        """Start request `index` now and return its error; times are seconds of the steady clock.

        `began` is the schedule's zero. Whoever spawns it puts it in flight, so that the count is right at once.
        """
        started = time.perf_counter()
        self.in_flight[index] = (intended, started)
        choice = self._choices[index % len(self._choices)]
        error: str | None = None
        length = 0
        try:
            with gevent.Timeout(self._settings.timeout_s):
                answer = self._client.exchange(self._requests[choice])
            ended = time.perf_counter()
            length = len(answer.body)
            if self._settings.expect == "any":
                check_any(answer.status)
            else:
                found = check_answer(answer.status, answer.content_type, answer.body, self._photos[choice])
                self._recorder.model(found.model.model_dump(mode="json"))
        except gevent.Timeout:
            ended, error = time.perf_counter(), "timeout"
        except WrongAnswerError as wrong:
            error = wrong.kind
        except (OSError, HTTPParseError, ValueError) as failed:  # ValueError: bytes that are no header
            ended, error = time.perf_counter(), _kind(failed)
        except Exception as mistake:  # of this side: no figure of the server's may come of it
            logging.exception("request %d", index)
            error = f"{DROPPED}: {type(mistake).__name__} in the generator"
        if self.in_flight.pop(index, None) is None:  # given up on when the run was told to end
            return error
        if error is not None and error.startswith(DROPPED):
            self._recorder.add(index, intended - began, None, None, error)
            return error
        self._recorder.add(index, intended - began, (started - intended) * 1000, (ended - started) * 1000, error)
        self._report(
            request_type="POST",
            name=self._settings.path,
            response_time=(ended - intended) * 1000,
            response_length=length,
            exception=None if error is None else WrongAnswerError(error),
            context={},
        )
        return error

    def give_up(self, began: float) -> None:
        """Record what is still without an answer as unfinished."""
        while self.in_flight:
            index, (intended, started) = self.in_flight.popitem()
            lag_s = (started or time.perf_counter()) - intended
            self._recorder.add(index, intended - began, lag_s * 1000, None, UNFINISHED)


def _kind(failed: Exception) -> str:
    if isinstance(failed, OSError) and failed.errno in _OWN_LIMITS:
        return f"{DROPPED}: {os.strerror(failed.errno)}"
    return transport_kind(failed)
