"""Who may wait for a worker: a bounded queue that knows how long waiting takes.

A photo that cannot be begun before its deadline is refused at once, with the time after which asking again makes sense:
computed late it would help nobody and make all behind it late as well (docs/decisions/0015-overload.md).
"""

import math
from typing import Final

from service import problems

_WEIGHT: Final = 0.1
"""Of the newest photo in the mean service time: the last ten or twenty decide it."""


class Turn:
    """The place of one request's photos in the queue."""

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline
        self._in_time: bool | None = None

    def begins_in_time(self, now: float) -> bool:
        """Asked for each photo when a worker is free for it, with `time.perf_counter()`. The first answer is for all: a
        batch is taken as a whole or not at all, and only what others put before it can make it late."""
        if self._in_time is None:
            self._in_time = now <= self._deadline
        return self._in_time

    def begins_in_time_after(self, now: float, wait_s: float) -> bool:
        """The same when a worker will be free for it in `wait_s`; but a no is no refusal yet."""
        return now + wait_s <= self._deadline and self.begins_in_time(now)


class Admission:
    """The queue's accounts. They belong to the event loop."""

    def __init__(self, threads: int, queue: int, deadline_s: float) -> None:
        self._threads, self._queue, self._deadline_s = threads, queue, deadline_s
        self.admitted = 0
        """Photos that wait or are worked on."""
        self.service_s = 0.0
        """Mean time that a photo occupies a thread, the newest counting most; 0 until the first was measured."""

    @property
    def waiting(self) -> int:
        """Photos that no thread works on yet."""
        return max(0, self.admitted - self._threads)

    @property
    def wait_s(self) -> float:
        """How long a photo would wait that came now: one thread becomes free every `service_s / threads` seconds."""
        ahead = max(0, self.admitted - self._threads + 1)
        return ahead * self.service_s / self._threads

    def check(self, photos: int = 1) -> None:
        """Problem 503 for so many photos that there is no room for, or no time. When nothing else is there, whatever
        comes is taken: a batch larger than the queue has its turn, and a mean that was wrong once heals."""
        if not self.admitted:
            return
        if self.admitted + photos > self._threads + self._queue:
            raise self.refusal("queue")
        if self.wait_s > self._deadline_s:
            raise self.refusal("deadline")

    def enter(self, photos: int, now: float) -> Turn:
        """Places for so many photos; each is given back by `leave`. Problem 503 as `check`."""
        self.check(photos)
        self.admitted += photos
        return Turn(now + self._deadline_s)

    def leave(self) -> None:
        """One photo is finished, or given up."""
        self.admitted -= 1

    def measured(self, seconds: float) -> None:
        """A photo occupied a worker for so long."""
        self.service_s += (seconds - self.service_s) * (_WEIGHT if self.service_s else 1.0)

    def refusal(self, reason: problems.Overload) -> problems.OverCapacity:
        """The refusal of a photo, to be asked for again when all that is here now is done."""
        return problems.over_capacity(reason, math.ceil(self.wait_s))
