"""One worker as the HTTP process sees it: started, asked, heard, and ended."""

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Protocol, cast

from lookout.errors import LookoutError
from service import messages
from service.admission import Turn
from service.frames import Frame, Reader, pieces
from service.memory import PixelRoom
from service.settings import LONGEST_REQUEST_S

MODULE: Final = "service.worker"
_ROOT: Final = Path(__file__).resolve().parents[1]
_ENDS_WITHIN_S: Final = 5.0
_LOOKS: Final = 12
"""How often a worker is looked after while a photo may take its longest."""


class Process(Protocol):
    """What runs a worker."""

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, negative for a signal. subprocess.TimeoutExpired when it has not ended in `timeout` s."""
        ...

    def kill(self) -> None:
        """End it now."""
        ...


def launch(connection: socket.socket) -> Process:
    """Start a worker on the other side of `connection`, which the caller then closes."""
    descriptor = connection.fileno()
    path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
    return subprocess.Popen(
        [sys.executable, "-m", MODULE, str(descriptor)],
        pass_fds=[descriptor],
        env={**os.environ, "PYTHONPATH": path},
        stdin=subprocess.DEVNULL,
    )


class Job:
    """A frame for a worker, and the answer to come."""

    def __init__(self, frame: Frame, turn: Turn | None) -> None:
        self.frame, self.turn, self.entered_s = frame, turn, time.perf_counter()
        self.answer: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        """Cancelled when nobody waits for it any more."""

    def give_up(self) -> None:
        """Nobody will look at the answer; of no effect on one that was looked at."""
        if not self.answer.cancel() and not self.answer.cancelled():
            self.answer.exception()  # or asyncio would complain that nobody looked


class Worker(asyncio.Protocol):
    """It answers frames in the order in which it is asked, but for those that it was handed together.

    All of it belongs to the event loop.
    """

    def __init__(self, room: PixelRoom, answered: Callable[[Job, Frame], None], lost: Callable[["Worker"], None]):
        self._room, self._answered, self._lost = room, answered, lost
        self._loop = asyncio.get_running_loop()
        self._reader, self._granted = Reader(), 0
        self.gone = False
        """Whether it has ended, or was told to."""
        self._ready: asyncio.Future[None] = self._loop.create_future()
        self._process: Process | None = None
        self._transport: asyncio.Transport | None = None
        self._descriptor = -1
        self._looks: asyncio.TimerHandle | None = None
        self.batch = 1
        """Photos that it takes together, once it has started."""
        self.in_hand: deque[Job] = deque()
        """What it works on, and what it will work on next; or the photos that it was handed together."""
        self.since_s = 0.0
        """Since when it works on that, as `time.perf_counter` says; 0 while it has nothing in hand."""

    async def start(self, first: Frame) -> None:
        """Return once it has done what the first frame says. LookoutError when it cannot."""
        ours, its = socket.socketpair()
        try:
            with its:
                self._process = launch(its)
        except OSError as error:
            ours.close()
            raise LookoutError(f"a worker cannot be started: {error}") from error
        ours.setblocking(False)
        self._descriptor = ours.fileno()
        await self._loop.create_unix_connection(lambda: self, sock=ours)
        self._send(first)
        await self._ready
        self._look_after()

    def fileno(self) -> int:
        """Of the socket on which it answers, for `select.poll`, as long as it is there."""
        return self._descriptor

    def ask(self, job: Job) -> None:
        """Hand it one more frame."""
        self.in_hand.append(job)
        self._send(job.frame)
        if len(self.in_hand) == 1:
            self._begins()

    def ask_together(self, jobs: Sequence[Job]) -> None:
        """Hand it at most `batch` photos when it has nothing in hand; it answers them in any order."""
        self.in_hand.extend(jobs)
        if self._transport is not None:
            frames = [messages.run(len(jobs)), *(job.frame for job in jobs)]
            self._transport.writelines([piece for frame in frames for piece in pieces(frame)])
        self._begins()

    async def end(self) -> int:
        """Let it finish what it works on, and return its exit code once it has ended; 0 when it was never started."""
        if self._transport is not None:
            self._transport.close()
        if self._process is None:
            return 0
        try:
            return await asyncio.to_thread(self._process.wait, _ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return await asyncio.to_thread(self._process.wait)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Of asyncio."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Of asyncio."""
        for frame in self._reader.feed(data):
            self._hear(frame)

    def connection_lost(self, exc: Exception | None) -> None:
        """Of asyncio. It has ended, or was told to."""
        del exc
        self.gone = True
        if self._looks is not None:
            self._looks.cancel()
        self._give_room_back()
        if not self._ready.done():
            self._ready.set_exception(LookoutError("a worker ended before it was ready"))
        else:
            self._lost(self)

    def _hear(self, frame: Frame) -> None:
        said = frame.header
        if "room" in said:
            self._give_room_back()
            self._room.ask(said["room"], lambda count: self._loop.call_soon_threadsafe(self._grant, count))
        elif "ready" in said:
            self.batch = said["batch"]
            self._ready.set_result(None)
        elif "failed" in said:
            self._ready.set_exception(LookoutError(said["failed"]))
        else:
            self._give_room_back()
            place = said.get("place", 0)
            job = self.in_hand[place]
            del self.in_hand[place]
            self._begins()
            self._answered(job, frame)

    def _begins(self) -> None:
        self.since_s = time.perf_counter() if self.in_hand else 0.0

    def _look_after(self) -> None:
        """End a worker from which no answer comes back: nobody waits for it any more."""
        if self.gone or self._process is None:
            return
        if self.in_hand and time.perf_counter() - self.since_s > LONGEST_REQUEST_S:
            self._process.kill()
        else:  # a timer for each photo would be dearer
            self._looks = self._loop.call_later(LONGEST_REQUEST_S / _LOOKS, self._look_after)

    def _grant(self, count: int) -> None:
        if self.gone:
            self._room.give_back(count)
            return
        self._granted = count
        self._send(Frame({"granted": count}))

    def _give_room_back(self) -> None:
        if self._granted:
            self._room.give_back(self._granted)
            self._granted = 0

    def _send(self, frame: Frame) -> None:
        if self._transport is not None:
            self._transport.writelines(pieces(frame))
