"""The compute threads: work is done in turn, and what nobody waits for any more is not begun."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import TypeVar

from service import problems
from service.admission import Admission, Turn
from service.problems import Problem

T = TypeVar("T")

Gone = Callable[[], Awaitable[object]]
"""Returns once the client has left; waits until then."""


class Compute:
    """A fixed number of threads and the queue before them, first come, first served."""

    def __init__(self, threads: int, admission: Admission) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="compute")
        self._admission = admission

    async def each(self, works: Sequence[Callable[[float], T]], gone: Gone | None = None) -> list[T | Problem]:
        """Results, or the problems raised, of a request's photos in order; each work hears when its photo arrived.

        Problem 503 when there is no room or no time for them. What waits when `gone` returns is not begun.
        """
        loop, arrived = asyncio.get_running_loop(), time.perf_counter()
        turn = self._admission.enter(len(works), arrived)
        must_wait = self._admission.waiting > 0
        # Each with a context of its own: two threads cannot be in one, and the request's trace is in it.
        jobs = [self._pool.submit(copy_context().run, self._take, partial(work, arrived), turn) for work in works]
        answers = [asyncio.wrap_future(job, loop=loop) for job in jobs]
        for answer in answers:
            answer.add_done_callback(lambda _: self._admission.leave())
        # The client is watched only while there is something to spare it: watching costs a task.
        watcher = loop.create_task(_cancel_when(gone, jobs)) if gone and must_wait else None
        try:
            return _outcomes(await asyncio.gather(*answers, return_exceptions=True))
        finally:
            if watcher is not None:
                watcher.cancel()

    async def beside(self, work: Callable[[], T]) -> T:
        """Run a short piece of work in turn with the photos, without a place among them."""
        return await asyncio.wrap_future(self._pool.submit(work))

    def close(self) -> None:
        """Finish what is running and stop the threads."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _take(self, work: Callable[[], T], turn: Turn) -> T:
        """On a compute thread."""
        started = time.perf_counter()
        if not turn.begins_in_time(started):
            raise self._admission.refusal("late")
        try:
            return work()
        finally:
            self._admission.measured(time.perf_counter() - started)


async def _cancel_when(gone: Gone, jobs: Sequence[Future[T]]) -> None:
    await gone()
    for job in jobs:
        job.cancel()  # of no effect on what has begun


def _outcomes(found: Sequence[T | BaseException]) -> list[T | Problem]:
    outcomes: list[T | Problem] = []
    for one in found:
        if isinstance(one, asyncio.CancelledError):
            raise problems.client_gone() from one
        if isinstance(one, problems.OverCapacity):
            raise one  # the whole request came too late
        if isinstance(one, BaseException) and not isinstance(one, Problem):
            raise one
        outcomes.append(one)
    return outcomes
