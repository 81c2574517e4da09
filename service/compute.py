"""The workers and the queue before them: work is done in turn, and what nobody waits for any more is not begun.

A worker is a process with one compute thread, so that neither the interpreter of the others nor the connections' is in
its way, and what kills it, a decoder's fault or the kernel for want of memory, takes one photo with it and no more, or
those that share a run with it. Workers whose model does better on several photos at once take what waits together.
"""

import asyncio
import logging
import math
import select
import time
from collections import deque
from collections.abc import Sequence
from typing import Final

from lookout.errors import LookoutError
from service import messages, problems
from service.admission import Admission
from service.frames import Frame
from service.intake import WhenLeft
from service.memory import PixelRoom
from service.metrics import Metrics
from service.observation import event
from service.problems import OverCapacity, Problem
from service.worker_process import Job, Worker

_AHEAD_BYTES: Final = 262_144
"""A worker gets its next photo while it works on one, so that it need not wait for this process between them: when both
are at most so large. What is handed out waits for that worker, and large photos take long."""
_GATHER_MS: Final = 5
"""While photos are refused, so long may who comes next wait for those after him: each look at the connections takes a
core from a worker, and one look at several of them costs little more than at one (docs/decisions/0015-overload.md)."""
_LONGEST_PAUSE_S: Final = 30.0


class WorkerError(Exception):
    """A worker failed at a photo, by a fault of ours."""


class Compute:
    """So many workers and the queue before them, first come, first served. It belongs to the event loop."""

    def __init__(self, threads: int, first: Frame, admission: Admission, room: PixelRoom, metrics: Metrics) -> None:
        """Every worker is sent `first`."""
        self._threads, self._first, self._admission, self._room = threads, first, admission, room
        self._metrics = metrics
        self._queue: deque[Job] = deque()
        self._workers: list[Worker] = []
        metrics.workers.set_function(lambda: len(self._workers))
        self._replacing: set[asyncio.Task[None]] = set()
        self._gathering = self._closed = False

    @property
    def alive(self) -> bool:
        """Whether there is a worker to do anything."""
        return bool(self._workers)

    async def start(self) -> None:
        """Return once all workers have loaded the model. LookoutError when one cannot; then all have ended."""
        started = [self._worker() for _ in range(self._threads)]
        outcomes = await asyncio.gather(*(one.start(self._first) for one in started), return_exceptions=True)
        failed = [one for one in outcomes if isinstance(one, BaseException)]
        if any(one.gone for one in started):
            failed.append(LookoutError("a worker ended while others were not ready yet"))
        if failed:
            self._closed = True
            await asyncio.gather(*(one.end() for one in started))
            raise failed[0]
        self._workers = started
        self._admission.batch = started[0].batch  # all have the same model

    def check(self) -> None:
        """Before a request's body is read: Problem 503 when there is no room or no time for one more photo. Nothing is
        held for it yet, or slow clients would hold all there is."""
        try:
            self._admission.check()
        except OverCapacity:
            if not self._gathering:
                self._gathering = True
                asyncio.get_running_loop().call_soon(self._gather)
            raise

    async def each(self, frames: Sequence[Frame], when_left: WhenLeft | None = None) -> list[Frame | Problem]:
        """Answers, or the problems, of a request's photos in order.

        Problem 503 when there is no room or no time for them. What waits when the client leaves is not begun.
        """
        turn = self._admission.enter(len(frames), time.perf_counter())
        jobs = [Job(frame, turn) for frame in frames]
        for job in jobs:
            job.answer.add_done_callback(lambda _: self._admission.leave())
        self._queue.extend(jobs)
        self._hand_out()
        if when_left is not None:
            when_left(lambda: self._forget(jobs))
        try:
            return [await _outcome(job) for job in jobs]
        finally:
            for job in jobs:
                job.give_up()
            if when_left is not None:
                when_left(None)  # it would hold the photos as long as the answer is read

    async def beside(self, frame: Frame) -> Frame | Problem:
        """The answer to a short piece of work, in turn with the photos, without a place among them."""
        job = Job(frame, None)
        self._queue.append(job)
        self._hand_out()
        return await _outcome(job)

    async def close(self) -> None:
        """Finish what the workers have in hand and end them."""
        self._closed = True
        for task in self._replacing:
            task.cancel()
        await asyncio.gather(*self._replacing, return_exceptions=True)
        await asyncio.gather(*(worker.end() for worker in self._workers))

    def _forget(self, jobs: Sequence[Job]) -> None:
        for job in [one for one in self._queue if one in jobs]:  # what has begun is finished
            job.answer.cancel()

    def _gather(self) -> None:
        """Hear nobody but the workers for a moment, and those at once."""
        self._gathering = False
        poll = select.poll()
        for worker in [] if self._closed else self._workers:
            poll.register(worker, select.POLLIN)
        poll.poll(_GATHER_MS)

    def _worker(self) -> Worker:
        return Worker(self._room, self._answered, self._lost)

    def _hand_out(self) -> None:
        if self._admission.batch > 1:
            self._hand_out_runs()
            return
        while self._queue and self._workers:
            # Among busy ones, the next to be free: what it is handed waits for it and for no other.
            job, worker = self._queue[0], min(self._workers, key=lambda one: (len(one.in_hand), one.since_s))
            if job.answer.done():
                self._queue.popleft()
            elif not worker.in_hand:
                self._queue.popleft()
                if job.turn is None or job.turn.begins_in_time(time.perf_counter()):
                    worker.ask(job)
                else:
                    job.answer.set_exception(self._admission.refusal("late"))
            elif len(worker.in_hand) == 1 and self._may_go_ahead(job, worker):
                self._queue.popleft()
                worker.ask(job)
            else:
                return

    def _hand_out_runs(self) -> None:
        """Each worker that has nothing in hand takes its part of what waits."""
        free = [worker for worker in self._workers if not worker.in_hand]
        while free and self._queue:
            if run := self._run():
                free.pop().ask_together(run)
        self._admission.idle = bool(free)

    def _run(self) -> list[Job]:
        """The photos to hand out next, to one worker. Empty when none that waits is still wanted."""
        here = sum(not job.answer.done() for job in self._queue) + sum(len(one.in_hand) for one in self._workers)
        # More than its equal part of all would leave the other workers with less to do.
        most, run = min(self._admission.longest_run, math.ceil(here / len(self._workers))), list[Job]()
        while self._queue and len(run) < max(1, most):
            job = self._queue[0]
            shares = messages.may_share_run(job.frame)
            if run and not shares:
                break
            self._queue.popleft()
            if job.answer.done():
                continue
            if job.turn is not None:
                if not job.turn.begins_in_time(time.perf_counter()):
                    job.answer.set_exception(self._admission.refusal("late"))
                    continue
                self._admission.begin()
                job.answer.add_done_callback(lambda _: self._admission.end())
            run.append(job)
            if not shares:
                break
        return run

    def _may_go_ahead(self, job: Job, worker: Worker) -> bool:
        if max(_size(job.frame), _size(worker.in_hand[0].frame)) > _AHEAD_BYTES:
            return False
        return job.turn is None or job.turn.begins_in_time_after(time.perf_counter(), self._admission.service_s)

    def _answered(self, job: Job, frame: Frame) -> None:
        began, ended = frame.header["busy_s"]
        if job.turn is not None:
            self._admission.measured(ended - began)
            self._metrics.later(self._metrics.queue_wait.observe, began - job.entered_s)
            if "run" in frame.header:
                self._metrics.later(self._metrics.run_photos.observe, frame.header["run"])
        self._hand_out()
        if job.answer.done():
            return  # nobody waits for it any more
        if "error" in frame.header:
            job.answer.set_exception(WorkerError(frame.header["error"]))
        else:
            job.answer.set_result(frame)

    def _lost(self, worker: Worker) -> None:
        if self._closed or worker not in self._workers:
            return  # the start of all workers sees it
        self._workers.remove(worker)
        self._metrics.workers_lost.inc()
        task = asyncio.create_task(self._replace(worker))
        self._replacing.add(task)
        task.add_done_callback(self._replacing.discard)
        for _ in range(min(len(worker.in_hand), worker.batch)):  # not what it was to work on next
            if not (job := worker.in_hand.popleft()).answer.done():
                job.answer.set_exception(WorkerError("the worker ended while it had this photo in hand"))
        self._queue.extendleft(reversed(worker.in_hand))
        if not self._workers:
            for job in self._queue:
                if not job.answer.done():
                    job.answer.set_exception(problems.not_ready("The service starts again."))
            self._queue.clear()
        self._hand_out()

    async def _replace(self, lost: Worker) -> None:
        event(logging.ERROR, "worker-lost", exit_code=await lost.end(), workers=len(self._workers))
        began, pause_s = time.monotonic(), 0.0
        while not await self._started(worker := self._worker()):
            pause_s = min(_LONGEST_PAUSE_S, max(1.0, pause_s * 2))
            await asyncio.sleep(pause_s)
        self._workers.append(worker)
        event(logging.INFO, "worker-replaced", workers=len(self._workers), after_s=round(time.monotonic() - began, 1))
        self._hand_out()

    async def _started(self, worker: Worker) -> bool:
        try:
            await worker.start(self._first)
        except LookoutError as error:
            event(logging.ERROR, "worker-not-started", reason=str(error))
            await worker.end()
            return False
        except asyncio.CancelledError:
            await worker.end()
            raise
        return True


async def _outcome(job: Job) -> Frame | Problem:
    """The answer or the problem of one photo. Raises an error of ours, and Problem where it concerns the request."""
    try:
        answer = await job.answer
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise  # not the photo was given up, but who waits for it
        raise problems.client_gone() from error
    return messages.read_problem(answer) or answer


def _size(frame: Frame) -> int:
    return sum(len(part) for part in frame.parts)
