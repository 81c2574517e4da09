"""Keeping the schedule of one process: each request starts at its intended time, whatever became of those before."""

from contextlib import closing
from typing import Final

import gevent  # type: ignore[import-untyped]  # ships no types

from loadtest.generator.alarm import Alarm
from loadtest.generator.users import Session

_DROPPED: Final = "dropped: too many requests in flight"


def keep_schedule(session: Session) -> None:
    """Start everything, each in a greenlet of its own, until the end or until told to halt; then say so."""
    send, in_flight, began = session.sender.send, session.sender.in_flight, session.began
    with closing(Alarm()) as alarm:
        for index, intended_s in zip(session.share, session.starts, strict=True):
            intended = began + intended_s
            alarm.wait_until(intended)
            if session.halted.is_set():
                break
            if len(in_flight) >= session.max_in_flight:
                session.recorder.add(index, intended_s, None, None, _DROPPED)
            else:
                in_flight[index] = (intended, None)
                gevent.spawn(send, index, intended, began)
    session.done.set()
