"""An alarm never rings early, and one that is late lets others run."""

import time
from contextlib import closing

import gevent  # type: ignore[import-untyped]  # ships no types

from loadtest.generator.alarm import Alarm


def test_never_rings_early() -> None:
    with closing(Alarm()) as alarm:
        for wait_s in (0.0001, 0.001, 0.0123, 0.05):
            instant = time.perf_counter() + wait_s
            alarm.wait_until(instant)
            assert time.perf_counter() >= instant


def test_others_run_while_it_waits_and_when_its_time_has_passed() -> None:
    ran: list[str] = []
    with closing(Alarm()) as alarm:
        gevent.spawn(ran.append, "while waiting")
        alarm.wait_until(time.perf_counter() + 0.01)
        gevent.spawn(ran.append, "when late")
        alarm.wait_until(time.perf_counter() - 1)
    assert ran == ["while waiting", "when late"]
