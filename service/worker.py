"""A worker: one process, one thread, one model session. `python -m service.worker FD`, started by worker_process.py.

It speaks frames over the socket that it inherited: first the model it is to load, then one photo after the other, or
several together where that pays (runs.py). It ends when the other side of the socket does, and not by a signal:
whatever is asked for then is still answered.
"""

import gc
import os
import select
import signal
import socket
import sys
import time
import traceback
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from service import allocator, gpu, messages, runs
from service.frames import Frame, receive, send
from service.model.stored import read_card
from service.runtimes import open_session
from service.settings import Settings
from service.work import Room, Work

_WARM_UP_RUNS: Final = 3
_NICE: Final = 10
"""Beside the HTTP process, a tenth of its weight: the kernel lets a process that wakes go before one that computes only
while it has had less than its part of the processor, and else at the clock's next tick, up to 4 ms later
(docs/decisions/0016-workers.md)."""
_LOOKS: Final = 0.2
"""Where the last photo came within this share of the time that the one before took, a worker looks for so long for the
next before it sleeps: to be woken takes a core of a virtual machine a tenth of a millisecond, and the photo's way from
the client has four such sleeps."""


def main() -> None:
    """Serve the socket whose descriptor is the argument."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    os.nice(_NICE)  # before there are other threads, which inherit it
    allocator.give_memory_back()
    serve(socket.socket(fileno=int(sys.argv[1])))


def serve(connection: socket.socket) -> None:
    """Load the model that the first frame names, then answer every frame until the other side has gone."""
    with connection:
        try:
            _Worker(connection).run()
        except (BrokenPipeError, ConnectionResetError):
            return  # it has gone while it was answered


class _Worker:
    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._coming: deque[Frame] = deque()
        """What came while room was waited for."""
        self._busy_s, self._soon = 0.0, False
        """How long the last photo took, and whether the wait for it was short."""
        self._share = self._held = 0
        """Bytes that pixels may take without asking, and those that they may take of this photo."""

    def run(self) -> None:
        first = receive(self._connection)
        if first is None:
            return
        try:
            work = _load(first.header)
        except Exception as error:  # noqa: BLE001  # whatever it is, the process that asked must hear it
            send(self._connection, Frame({"failed": str(error), "trace": traceback.format_exc()}))
            return
        self._share = first.header["share"]
        # What is there now stays: no collection need look through it again.
        gc.collect()
        gc.freeze()
        send(self._connection, Frame({"ready": True, "batch": work.batch}))
        while (frame := self._next()) is not None:
            if "run" in frame.header:
                self._together(work, [self._expected() for _ in range(frame.header["run"])])
                continue
            began = time.perf_counter()
            self._held = self._share
            said = self._done(work, frame)
            del frame  # its photo goes while the next one is waited for
            ended = time.perf_counter()
            self._busy_s = ended - began
            send(self._connection, Frame({**said.header, "busy_s": [began, ended]}, said.parts))
            del said

    def _together(self, work: Work, photos: list[Frame]) -> None:
        """Answer photos that were handed out together; `place` in a header counts those that are not answered yet."""
        unanswered = list(range(len(photos)))

        def alone(frame: Frame) -> Frame:
            self._held = self._share
            return self._done(work, frame)

        for number, said in runs.answers(work, photos, self._share, alone):
            place = unanswered.index(number)
            del unanswered[place]
            send(self._connection, Frame({**said.header, "place": place}, said.parts))

    def _expected(self) -> Frame:
        frame = self._next()
        if frame is None:
            raise BrokenPipeError
        return frame

    def _next(self) -> Frame | None:
        if self._coming:
            return self._coming.popleft()
        began = time.perf_counter()
        if self._soon:
            self._look_until(began + self._busy_s * _LOOKS)
        frame = receive(self._connection)
        self._soon = time.perf_counter() - began < self._busy_s * _LOOKS
        return frame

    def _look_until(self, ends_s: float) -> None:
        """Return once something has come, or it is time to sleep."""
        while not select.select([self._connection], [], [], 0)[0] and time.perf_counter() < ends_s:
            os.sched_yield()

    def _done(self, work: Work, frame: Frame) -> Frame:
        try:
            return _DO[frame.header["do"]](work, frame, self._room)
        except Exception as error:  # noqa: BLE001  # a photo's failure is not the worker's end
            return messages.failed(error)

    def _room(self, count: int) -> None:
        """Small photos stay within the worker's own share; for more the other side is asked, and waited for."""
        if count <= self._held:
            return  # the same photo, decoded once more
        self._held = count
        send(self._connection, Frame({"room": count}))
        while (frame := receive(self._connection)) is not None:
            if "granted" in frame.header:
                return
            self._coming.append(frame)
        raise BrokenPipeError


def _load(header: dict[str, Any]) -> Work:
    """The work that the first frame describes, its session warm. LookoutError when the model cannot be loaded."""
    folder = Path(header["model"])
    stored = read_card(folder)
    settings = Settings.model_validate(header["settings"])
    opening = gpu.open_session if settings.require_gpu else open_session
    work = Work(opening(header["runtime"], folder, stored.card), stored, header["runtime"], settings)
    work.warm_up(_WARM_UP_RUNS)
    return work


def _photo(work: Work, frame: Frame, room: Room) -> Frame:
    image, asked = messages.read_photo(frame)
    return messages.answer(*work.photo(image, asked, room))


def _prepare(work: Work, frame: Frame, room: Room) -> Frame:
    return messages.prepared(work.prepare(frame.parts[0], frame.header["declared"], room))


def _without(work: Work, frame: Frame, _: Room) -> Frame:
    return messages.detections(work.without(*messages.read_without(frame)))


_DO: Final[dict[str, Callable[[Work, Frame, Room], Frame]]] = {
    "photo": _photo,
    "prepare": _prepare,
    "without": _without,
}


if __name__ == "__main__":
    main()
