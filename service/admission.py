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
        """Mean time that a photo occupies a thread, of a run of several its part, the newest counting most; 0 until the
        first was measured."""
        self.batch = 1
        """Photos that a thread may take in one run. Whoever hands out runs says so, and tells of them as follows."""
        self.begun = 0
        """Photos in runs."""
        self.idle = False
        """Whether a thread has no run."""

    @property
    def waiting(self) -> int:
        """Photos that no thread works on yet."""
        return max(0, self.admitted - self._at_work)

    @property
    def longest_run(self) -> int:
        """Photos that a run may have now: what comes while a thread is busy with it is in time after it."""
        if self.batch == 1 or not self.service_s:
            return self.batch
        return max(1, min(self.batch, int(self._deadline_s / self.service_s)))

    @property
    def wait_s(self) -> float:
        """How long a photo would wait that came now: for what the next thread to be free has in hand, and for the whole
        runs that go before its own. All threads together do a photo every `service_s / threads` seconds."""
        if self.idle or self.admitted < self._threads:
            return 0.0
        longest = self.longest_run
        ahead = self._at_work / self._threads + self.waiting // longest * longest
        return ahead * self.service_s / self._threads

    def check(self, photos: int = 1) -> None:
        """Problem 503 for so many photos that there is no room for, or no time. When nothing else is there, whatever
        comes is taken: a batch larger than the queue has its turn, and a mean that was wrong once heals."""
        if not self.admitted:
            return
        if self.admitted + photos > self._at_work + self._queue:
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

    def begin(self) -> None:
        """A photo goes into a run."""
        self.begun += 1

    def end(self) -> None:
        """It was answered, or given up; `leave` is to be called as well."""
        self.begun -= 1

    def measured(self, seconds: float) -> None:
        """A photo occupied a thread for so long."""
        self.service_s += (seconds - self.service_s) * (_WEIGHT if self.service_s else 1.0)

    @property
    def _at_work(self) -> int:
        """Photos that are worked on: one a thread, more where they have runs of several."""
        return max(self._threads, self.begun)

    def refusal(self, reason: problems.Overload) -> problems.OverCapacity:
        """The refusal of a photo, to be asked for again when all that is here now is done."""
        return problems.over_capacity(reason, math.ceil(self.wait_s))
