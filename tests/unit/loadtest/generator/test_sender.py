"""What becomes of one request: recorded once, named by its cause, and never blamed on the server when it is our own."""

import errno
import ssl
import time
from collections.abc import Callable
from typing import Any

import gevent  # type: ignore[import-untyped]  # ships no types
import pytest
from geventhttpclient.response import HTTPConnectionClosed

from loadtest.generator import sender as sender_module
from loadtest.generator.client import Answer
from loadtest.generator.recorder import Recorder
from loadtest.generator.sender import Sender
from loadtest.photos.prepared import Photo
from loadtest.settings import LoadSettings

SETTINGS = LoadSettings(expect="any", timeout_s=0.05)


class Client:
    """Stands where the HTTP client does; `exchange` is set by each test."""

    exchange: Callable[[bytes], Answer]

    def __init__(self, *_: object) -> None:
        pass

    def request(self, photo: Photo) -> bytes:
        return photo.data


def _send(monkeypatch: pytest.MonkeyPatch, exchange: Callable[[bytes], Answer]) -> tuple[dict[str, Any], list[Any]]:
    """The recorded columns and what Locust was told."""
    monkeypatch.setattr(sender_module, "Client", Client)
    monkeypatch.setattr(Client, "exchange", staticmethod(exchange), raising=False)
    sent: list[dict[str, Any]] = []
    told: list[Any] = []
    recorder = Recorder(lambda _kind, record: sent.append(record))
    sender = Sender(SETTINGS, recorder, lambda **event: told.append(event["exception"]))
    now = time.perf_counter()
    sender.send(3, now - 0.01, now - 1)
    assert sender.in_flight == {}
    recorder.flush()
    (columns,) = sent
    return columns, told


def test_a_right_answer_counts_from_the_intended_start(monkeypatch: pytest.MonkeyPatch) -> None:
    columns, told = _send(monkeypatch, lambda _: Answer(200, "text/plain", b"thanks"))
    assert columns["index"] == [3]
    assert columns["intended_s"] == [pytest.approx(0.99)]
    assert columns["lag_ms"][0] >= 10
    assert columns["service_ms"][0] < columns["lag_ms"][0]
    assert columns["error"] == [None]
    assert told == [None]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ConnectionRefusedError(), "connection refused"),
        (HTTPConnectionClosed(), "connection closed"),
        (ssl.SSLError(), "TLS"),
        (ValueError("no header"), "no answer: ValueError"),
    ],
)
def test_no_answer_is_named_by_its_cause(monkeypatch: pytest.MonkeyPatch, error: Exception, kind: str) -> None:
    columns, told = _send(monkeypatch, _raising(error))
    assert columns["error"] == [kind]
    assert len(told) == 1


def test_an_answer_that_takes_too_long_is_a_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    columns, _ = _send(monkeypatch, lambda _: gevent.sleep(5))
    assert columns["error"] == ["timeout"]
    assert columns["service_ms"][0] >= 50


def test_a_mistake_of_this_side_is_not_the_servers_and_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    columns, told = _send(monkeypatch, _raising(AttributeError("status")))
    assert columns["error"] == ["dropped: AttributeError in the generator"]
    assert columns["lag_ms"] == [None]
    assert told == []
    assert "AttributeError: status" in caplog.text


@pytest.mark.parametrize("number", [errno.EMFILE, errno.EADDRNOTAVAIL])
def test_running_out_of_descriptors_or_ports_is_the_generators_failure(
    monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    columns, told = _send(monkeypatch, _raising(OSError(number, "")))
    assert columns["error"][0].startswith("dropped: ")
    assert columns["lag_ms"] == columns["service_ms"] == [None]
    assert told == []


def test_what_is_given_up_on_is_recorded_once_as_unfinished(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender_module, "Client", Client)
    monkeypatch.setattr(Client, "exchange", staticmethod(lambda _: gevent.sleep(0.02)), raising=False)
    sent: list[dict[str, Any]] = []
    recorder = Recorder(lambda _kind, record: sent.append(record))
    sender = Sender(SETTINGS, recorder, lambda **_: None)
    now = time.perf_counter()
    request = gevent.spawn(sender.send, 0, now, now)
    gevent.sleep(0.01)
    sender.give_up(now)
    request.join()
    recorder.flush()
    (columns,) = sent
    assert (columns["error"], columns["service_ms"]) == (["unfinished"], [None])


def _raising(error: Exception) -> Callable[[bytes], Answer]:
    def exchange(_: bytes) -> Answer:
        raise error

    return exchange
