"""How a worker waits: it looks for what comes soon, and sleeps otherwise."""

import os
import socket
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from service import worker
from service.frames import Frame, receive, send
from tests.unit.service.conftest import WorkerThread

NAP_S = 0.1


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """When the worker looked in vain."""
    seen: list[float] = []
    monkeypatch.setattr(os, "sched_yield", lambda: seen.append(time.perf_counter()))
    return seen


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """To a worker that takes NAP_S for whatever it is asked."""

    def nap(*_: object) -> Frame:
        time.sleep(NAP_S)
        return Frame({})

    monkeypatch.setattr(worker, "_load", lambda _: SimpleNamespace(batch=1))
    monkeypatch.setattr(worker, "_DO", {"nap": nap})
    ours, its = socket.socketpair()
    thread = WorkerThread(its)
    its.close()
    with ours:
        send(ours, Frame({"share": 0}))
        assert receive(ours) == Frame({"ready": True, "batch": 1}, [])
        yield ours
    assert thread.wait(5) == 0


def _ask(connection: socket.socket, after_s: float = 0.0) -> None:
    time.sleep(after_s)
    send(connection, Frame({"do": "nap"}))
    assert receive(connection) is not None


def test_after_a_short_wait_it_looks_for_the_next_and_not_for_long(
    connection: socket.socket, looks: list[float]
) -> None:
    _ask(connection)
    _ask(connection)
    ended = time.perf_counter()
    time.sleep(4 * NAP_S)
    assert looks
    assert max(looks) - ended < NAP_S / 2


def test_after_a_long_wait_it_sleeps(connection: socket.socket, looks: list[float]) -> None:
    _ask(connection)
    _ask(connection, after_s=NAP_S)
    time.sleep(NAP_S)
    assert not looks
