"""The queue before the workers: in turn, in time, and what happens when a worker does not come back."""

import asyncio
import gc
import select
import socket
import threading
import time
import weakref
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeVar

import pytest

from lookout import contract
from lookout.errors import LookoutError
from service import compute, messages, worker_process
from service.admission import Admission
from service.compute import Compute, WorkerError
from service.frames import Frame, receive, send
from service.memory import TOGETHER_BYTES, PixelRoom
from service.metrics import Metrics
from service.problems import OverCapacity, Problem, bad_image
from service.work import Asked, Kind
from service.worker_process import Job
from tests.unit.service.conftest import until

T = TypeVar("T")
Scenario = Callable[[Compute, Admission], Awaitable[T]]
LARGE = b"x" * 300_000


class Script:
    """Workers that do what a frame's header says, each in a thread; `begun` lists the frames' names in order, `runs`
    those that were handed out together."""

    def __init__(self) -> None:
        self.begun, self.started, self.refuse = list[str](), 0, False
        self.first_ends = False
        """Whether the first worker ends once it is ready, before the others are."""
        self.batch, self.backwards, self.runs = 1, False, list[list[str]]()
        self.may_end, self.may_end_later = threading.Event(), threading.Event()

    def launch(self, connection: socket.socket) -> "Thread":
        self.started += 1
        return Thread(self, connection.dup())

    def together(self, connection: socket.socket, photos: list[Frame]) -> bool:
        """Whether the worker lives on."""
        self.runs.append([one.header["name"] for one in photos])
        left = [*photos]
        while left:
            place = len(left) - 1 if self.backwards else 0
            more = {"place": place} | ({"run": len(photos)} if len(left) == len(photos) else {})
            if not self.answer(connection, left.pop(place), more):
                return False
        return True

    def answer(self, connection: socket.socket, frame: Frame, more: dict[str, int] | None = None) -> bool:
        """Whether the worker lives on."""
        said = frame.header
        self.begun.append(said["name"])
        if said.get("held"):
            assert self.may_end.wait(10)
        if said.get("held longer"):
            assert self.may_end_later.wait(10)
        if said.get("dies"):
            return False
        reply = messages.problem(bad_image("of its own fault")) if said.get("bad") else Frame({"name": said["name"]})
        if said.get("breaks"):
            reply = Frame({"error": "secret"})
        send(connection, Frame({**reply.header, **(more or {}), "busy_s": [1.0, 1.02]}))
        return True


class Thread:
    """One of them, as a Process."""

    def __init__(self, script: Script, connection: socket.socket) -> None:
        self._script, self._connection, self._first = script, connection, script.started == 1
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def wait(self, timeout: float | None = None) -> int:
        self._thread.join(timeout)
        return -9

    def kill(self) -> None:
        raise AssertionError("a worker did not end by itself")

    def _serve(self) -> None:
        with self._connection as connection, suppress(BrokenPipeError):  # not wanted any more
            if receive(connection) is None:
                return
            ready = {"ready": True, "batch": self._script.batch}
            if self._script.first_ends and not self._first:
                assert self._script.may_end.wait(10)
            send(connection, Frame({"failed": "no model"} if self._script.refuse else ready))
            if self._script.first_ends and self._first:
                threading.Timer(0.1, self._script.may_end.set).start()
                return
            while (frame := receive(connection)) is not None:
                photos = [receive(connection) for _ in range(frame.header.get("run", 0))]
                together = [one for one in photos if one is not None]
                if not (
                    self._script.together(connection, together) if photos else self._script.answer(connection, frame)
                ):
                    return


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Script:
    made = Script()
    monkeypatch.setattr(worker_process, "launch", made.launch)
    return made


def run(scenario: Scenario[T], *, threads: int = 1, deadline_s: float = 30.0) -> T:
    """A scenario with so many workers."""

    async def within() -> T:
        admission = Admission(threads=threads, queue=8, deadline_s=deadline_s)
        workers = Compute(threads, Frame({}), admission, PixelRoom(800, threads), Metrics())
        async with asyncio.timeout(10):
            await workers.start()
            try:
                return await scenario(workers, admission)
            finally:
                await workers.close()
                assert admission.admitted == 0

    return asyncio.run(within())


def frame(name: str, *what: str, size: int = 10, kind: Kind = "detect") -> Frame:
    asked = Asked(kind, "", 0.5, 20, 0.0, 0.0)
    return Frame({"do": "photo", "asked": asked, "name": name, **dict.fromkeys(what, True)}, [b"x" * size])


class Client:
    """One that may leave; as `when_left`."""

    def __init__(self) -> None:
        self._do: Callable[[], None] | None = None

    def __call__(self, do: Callable[[], None] | None) -> None:
        self._do = do

    def leave(self) -> None:
        assert self._do is not None
        self._do()


def names(answers: list[Frame | Problem]) -> list[str]:
    return [one.name if isinstance(one, Problem) else one.header["name"] for one in answers]


async def soon(holds: Callable[[], bool]) -> None:
    await asyncio.to_thread(until, holds)


def test_answers_in_order_and_tells_a_problem_of_one_photo_from_the_others(script: Script) -> None:
    async def scenario(workers: Compute, _: Admission) -> list[Frame | Problem]:
        return await workers.each([frame("a"), frame("b", "bad"), frame("c")])

    assert names(run(scenario, threads=2)) == ["a", "bad-image", "c"]
    assert script.started == 2


def test_while_it_refuses_it_hears_its_workers_at_once_and_all_others_together(
    script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compute, "_GATHER_MS", 1000)

    async def away_s(workers: Compute) -> float:
        with pytest.raises(OverCapacity):
            workers.check()
        began = time.perf_counter()
        await asyncio.sleep(0)
        return time.perf_counter() - began

    async def scenario(workers: Compute, _: Admission) -> tuple[float, float]:
        tasks = [asyncio.create_task(workers.each([frame("one", "held")])) for _ in range(9)]  # eight may wait
        await soon(lambda: bool(script.begun))
        alone_s = await away_s(workers)
        script.may_end.set()
        until(lambda: bool(select.select([workers._workers[0]], [], [], 0)[0]))
        answered_s = await away_s(workers)
        await asyncio.gather(*tasks)
        return alone_s, answered_s

    alone_s, answered_s = run(scenario)
    assert alone_s >= 0.99
    assert answered_s < 0.5


def test_an_error_of_ours_is_raised_and_gives_its_place_back(script: Script) -> None:
    async def scenario(workers: Compute, _: Admission) -> list[Frame | Problem]:
        with pytest.raises(WorkerError, match="secret"):
            await workers.each([frame("broken", "breaks")])
        return await workers.each([frame("next")])

    assert names(run(scenario)) == ["next"]
    assert script.started == 1


def test_a_worker_has_its_next_photo_at_hand_but_not_behind_a_large_one(script: Script) -> None:
    async def behind(workers: Compute, size: int, waits: int) -> None:
        script.begun.clear()
        script.may_end.clear()
        first = asyncio.create_task(workers.each([frame("first", "held", size=size)]))
        await soon(lambda: script.begun == ["first"])
        others = [asyncio.create_task(workers.each([frame(name)])) for name in ("second", "third")]
        await asyncio.sleep(0.01)
        assert len(workers._queue) == waits
        script.may_end.set()
        assert [names(await one) for one in (first, *others)] == [["first"], ["second"], ["third"]]

    async def scenario(workers: Compute, _: Admission) -> None:
        await behind(workers, 10, waits=1)
        await behind(workers, 300_000, waits=2)

    run(scenario)


def test_a_photo_goes_ahead_to_the_worker_that_is_free_next(script: Script) -> None:
    async def scenario(workers: Compute, _: Admission) -> list[str]:
        async def begun(name: str, *what: str) -> asyncio.Task[list[Frame | Problem]]:
            task = asyncio.create_task(workers.each([frame(name, *what)]))
            await soon(lambda: name in script.begun)
            return task

        tasks = [await begun("first", "held"), await begun("second", "held longer")]
        script.may_end.set()
        await tasks[0]
        tasks.append(await begun("third", "held longer"))  # where the first was
        tasks.append(asyncio.create_task(workers.each([frame("fourth")])))
        await asyncio.sleep(0.01)
        (beside,) = (one for one in workers._workers if len(one.in_hand) == 2)
        found = [job.frame.header["name"] for job in beside.in_hand]
        script.may_end_later.set()
        await asyncio.gather(*tasks)
        return found

    assert run(scenario, threads=2) == ["second", "fourth"]


def test_what_a_client_left_behind_while_it_waited_is_not_computed(script: Script) -> None:
    async def scenario(workers: Compute, admission: Admission) -> None:
        client = Client()
        first = asyncio.create_task(workers.each([frame("first", "held", size=300_000)]))
        await soon(lambda: script.begun == ["first"])
        batch = asyncio.create_task(workers.each([frame("left"), frame("left too")], client))
        last = asyncio.create_task(workers.each([frame("last")]))
        await asyncio.sleep(0.01)
        assert admission.admitted == 4
        client.leave()
        with pytest.raises(Problem) as raised:
            await batch
        assert raised.value.name == "client-gone"
        assert admission.admitted == 2
        script.may_end.set()
        assert names(await first) + names(await last) == ["first", "last"]

    run(scenario)
    assert script.begun == ["first", "last"]


def test_a_photo_that_waited_goes_with_its_answer_and_not_when_garbage_is_collected(
    script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos: list[weakref.ref[Job]] = []

    class Noted(Job):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            photos.append(weakref.ref(self))

    monkeypatch.setattr(compute, "Job", Noted)

    client = Client()

    async def scenario(workers: Compute, _: Admission) -> None:
        first = asyncio.create_task(workers.each([frame("first", "held", size=300_000)]))
        await soon(lambda: script.begun == ["first"])
        second = asyncio.create_task(workers.each([frame("second")], client))
        script.may_end.set()
        await asyncio.gather(first, second)
        await asyncio.sleep(0.01)

    gc.disable()
    try:
        run(scenario)
        assert [photo() for photo in photos] == [None, None]
    finally:
        gc.enable()


def test_what_has_begun_is_finished_although_its_client_left(script: Script) -> None:
    async def scenario(workers: Compute, _: Admission) -> list[Frame | Problem]:
        client = Client()
        both = asyncio.create_task(workers.each([frame("ahead"), frame("begun", "held")], client))
        await soon(lambda: "begun" in script.begun)
        client.leave()
        script.may_end.set()
        return await both

    assert names(run(scenario)) == ["ahead", "begun"]


def test_a_request_that_waited_too_long_is_refused_as_a_whole_and_not_computed(script: Script) -> None:
    async def scenario(workers: Compute, admission: Admission) -> None:
        first = asyncio.create_task(workers.each([frame("first", "held", size=300_000)]))
        await soon(lambda: script.begun == ["first"])
        batch = asyncio.create_task(workers.each([frame("late"), frame("late too")]))
        await asyncio.sleep(0.05)
        assert admission.admitted == 3
        script.may_end.set()
        assert names(await first) == ["first"]
        with pytest.raises(OverCapacity) as raised:
            await batch
        assert raised.value.reason == "late"

    run(scenario, deadline_s=0.03)
    assert script.begun == ["first"]


def test_a_batch_whose_own_photos_take_longer_than_the_deadline_is_finished(script: Script) -> None:
    async def scenario(workers: Compute, _: Admission) -> list[Frame | Problem]:
        script.may_end.set()
        batch = asyncio.create_task(workers.each([frame("one", size=300_000), *[frame("more", size=300_000)] * 3]))
        await soon(lambda: bool(script.begun))
        await asyncio.sleep(0.05)
        return await batch

    assert len(run(scenario, deadline_s=0.03)) == 4


def test_a_photo_that_ends_its_worker_takes_no_other_with_it(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    events = list[tuple[str, object]]()
    monkeypatch.setattr(compute, "event", lambda _, name, **said: events.append((name, said.get("exit_code"))))

    async def scenario(workers: Compute, _: Admission) -> None:
        fatal = asyncio.create_task(workers.each([frame("fatal", "held", "dies")]))
        await soon(lambda: script.begun == ["fatal"])
        at_hand, queued = (asyncio.create_task(workers.each([frame(name)])) for name in ("at hand", "queued"))
        await asyncio.sleep(0.01)
        script.may_end.set()
        with pytest.raises(WorkerError, match="ended"):
            await fatal
        for waiting in (at_hand, queued):  # there was no other worker to wait for
            with pytest.raises(Problem) as raised:
                await waiting
            assert raised.value.status == 503
        assert not workers.alive
        await soon(lambda: workers.alive)
        assert names(await workers.each([frame("after")])) == ["after"]

    run(scenario)
    assert events == [("worker-lost", -9), ("worker-replaced", None)]
    assert script.started == 2


def test_what_a_lost_worker_had_at_hand_goes_to_another(script: Script) -> None:
    async def scenario(workers: Compute, _: Admission) -> None:
        fatal = asyncio.create_task(workers.each([frame("fatal", "held", "dies")]))
        other = asyncio.create_task(workers.each([frame("other", "held")]))
        await soon(lambda: sorted(script.begun) == ["fatal", "other"])
        more = [asyncio.create_task(workers.each([frame(name)])) for name in ("one", "two", "three")]
        await asyncio.sleep(0.01)
        script.may_end.set()
        with pytest.raises(WorkerError):
            await fatal
        assert [names(await one) for one in (other, *more)] == [["other"], ["one"], ["two"], ["three"]]

    run(scenario, threads=2)


def test_a_worker_that_does_not_come_back_is_ended(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = list[str]()

    def kill(_: Thread) -> None:
        ended.append("ended")
        script.may_end.set()  # as a killed process lets go of everything

    monkeypatch.setattr(worker_process, "LONGEST_REQUEST_S", 0.1)
    monkeypatch.setattr(Thread, "kill", kill)

    async def scenario(workers: Compute, _: Admission) -> None:
        assert names(await workers.each([frame("quick")])) == ["quick"]
        await asyncio.sleep(0.2)
        assert ended == []
        with pytest.raises(WorkerError):
            await workers.each([frame("stuck", "held", "dies")])
        assert ended == ["ended"]
        await soon(lambda: workers.alive)
        assert names(await workers.each([frame("next")])) == ["next"]

    run(scenario)


def test_workers_that_cannot_load_the_model_say_why_and_end(script: Script) -> None:
    async def scenario(_: Compute, __: Admission) -> None:
        raise AssertionError("it started")

    script.refuse = True
    with pytest.raises(LookoutError, match="no model"):
        run(scenario, threads=2)


def test_a_process_that_ends_at_once_is_no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(_: Compute, __: Admission) -> None:
        raise AssertionError("it started")

    monkeypatch.setattr(worker_process, "MODULE", "tests.nothing_of_that_name")
    with pytest.raises(LookoutError, match="ended before it was ready"):
        run(scenario)


async def busy(script: Script, workers: Compute, *photos: Frame) -> list[asyncio.Task[list[Frame | Problem]]]:
    """A worker that is held by its first photo, and requests that wait behind it, one for each photo."""
    first = asyncio.create_task(workers.each([frame("first", "held")]))
    await soon(lambda: script.begun == ["first"])
    rest = [asyncio.create_task(workers.each([one])) for one in photos]
    await asyncio.sleep(0.01)
    return [first, *rest]


def test_what_waits_is_taken_together_and_nothing_waits_for_more(script: Script) -> None:
    async def scenario(workers: Compute, admission: Admission) -> str:
        tasks = await busy(script, workers, *[frame(name) for name in "abcdef"])
        assert script.runs == [["first"]]
        assert (admission.waiting, admission.begun) == (6, 1)
        script.may_end.set()
        assert [names(await task) for task in tasks] == [["first"], *[[name] for name in "abcdef"]]
        assert (admission.waiting, admission.begun, admission.idle) == (0, 0, True)
        return workers._metrics.text().decode()

    script.batch = 4
    text = run(scenario)
    assert script.runs == [["first"], ["a", "b", "c", "d"], ["e", "f"]]
    assert f"{contract.METRIC_RUN_PHOTOS}_sum 7.0" in text
    assert f"{contract.METRIC_RUN_PHOTOS}_count 3.0" in text


def test_a_workers_model_that_takes_one_photo_has_no_runs(script: Script) -> None:
    async def scenario(workers: Compute, _: Admission) -> str:
        await workers.each([frame(name) for name in "abc"])
        return workers._metrics.text().decode()

    assert f"{contract.METRIC_RUN_PHOTOS}_count 0.0" in run(scenario)
    assert (script.begun, script.runs) == (["a", "b", "c"], [])


def test_a_requests_photos_are_shared_out_among_the_workers_that_are_free(script: Script) -> None:
    async def scenario(workers: Compute, _: Admission) -> list[Frame | Problem]:
        return await workers.each([frame(name) for name in "abcde"])

    script.batch, script.backwards = 16, True
    assert names(run(scenario, threads=2)) == list("abcde")
    assert sorted(script.runs) == [["a", "b", "c"], ["d", "e"]]


def test_no_worker_takes_more_than_its_part_while_another_is_busy(script: Script) -> None:
    async def scenario(workers: Compute, _: Admission) -> None:
        held = [asyncio.create_task(workers.each([frame(*one)])) for one in (("a", "held"), ("b", "held longer"))]
        await soon(lambda: len(script.begun) == 2)
        rest = [asyncio.create_task(workers.each([frame(name)])) for name in "cdefg"]
        await asyncio.sleep(0.01)
        script.may_end.set()
        await asyncio.gather(*rest)
        script.may_end_later.set()
        await asyncio.gather(*held)

    script.batch = 16
    run(scenario, threads=2)
    assert script.runs[2:] == [["c", "d", "e"], ["f", "g"]]


def test_a_worker_that_ends_while_others_load_the_model_is_a_start_that_failed(script: Script) -> None:
    script.first_ends = True

    async def scenario() -> None:
        workers = Compute(2, Frame({}), Admission(2, 8, 30.0), PixelRoom(800, 2), Metrics())
        with pytest.raises(LookoutError, match="not ready yet"):
            await workers.start()
        assert not workers.alive

    asyncio.run(asyncio.wait_for(scenario(), 10))


def test_large_photos_and_those_to_be_drawn_on_go_alone(script: Script) -> None:
    async def scenario(workers: Compute, _: Admission) -> None:
        large, drawn = frame("large", size=TOGETHER_BYTES + 1), frame("drawn", kind="draw")
        tasks = await busy(script, workers, frame("a"), frame("b"), large, frame("c"), drawn, frame("d"), frame("e"))
        script.may_end.set()
        await asyncio.gather(*tasks)

    script.batch = 16
    run(scenario)
    assert script.runs == [["first"], ["a", "b"], ["large"], ["c"], ["drawn"], ["d", "e"]]


def test_other_work_has_its_turn_among_runs(script: Script) -> None:
    async def scenario(workers: Compute, admission: Admission) -> None:
        tasks = await busy(script, workers, frame("a"), frame("b"))
        beside = asyncio.create_task(workers.beside(Frame({"do": "prepare", "name": "beside"}, [b"x"])))
        last = asyncio.create_task(workers.each([frame("c")]))
        await asyncio.sleep(0.01)
        assert admission.waiting == 3
        script.may_end.set()
        await asyncio.gather(*tasks, beside, last)

    script.batch = 16
    run(scenario)
    assert script.runs == [["first"], ["a", "b"], ["beside"], ["c"]]


def test_no_run_is_longer_than_the_deadline_of_what_comes_behind_it(script: Script) -> None:
    async def scenario(workers: Compute, admission: Admission) -> None:
        tasks = await busy(script, workers, *[frame(name) for name in "abcde"])
        admission.service_s = 12.0  # of a deadline of 30
        script.may_end.set()
        await asyncio.gather(*tasks)

    script.batch = 16
    run(scenario)
    assert script.runs[1] == ["a", "b"]


def test_what_is_not_wanted_any_more_goes_into_no_run(script: Script) -> None:
    async def scenario(workers: Compute, admission: Admission) -> None:
        client = Client()
        (first,) = await busy(script, workers)
        batch = asyncio.create_task(workers.each([frame("left"), frame("left too")], client))
        await asyncio.sleep(0.01)
        client.leave()
        with pytest.raises(Problem) as raised:
            await batch
        assert raised.value.name == "client-gone"
        assert (admission.admitted, admission.waiting) == (1, 0)
        script.may_end.set()
        await first
        assert names(await workers.each([frame("next")])) == ["next"]

    script.batch = 4
    run(scenario)
    assert script.runs == [["first"], ["next"]]


def test_what_waited_too_long_is_refused_and_the_rest_of_the_run_is_not(script: Script) -> None:
    async def scenario(workers: Compute, _: Admission) -> None:
        first, late = await busy(script, workers, frame("late"))
        await asyncio.sleep(0.45)
        in_time = asyncio.create_task(workers.each([frame("in time")]))
        await asyncio.sleep(0.01)
        script.may_end.set()
        with pytest.raises(OverCapacity) as raised:
            await late
        assert raised.value.reason == "late"
        assert names(await first) + names(await in_time) == ["first", "in time"]

    script.batch = 4
    run(scenario, deadline_s=0.4)
    assert script.runs == [["first"], ["in time"]]


def test_a_lost_worker_takes_the_photos_of_its_run_with_it_and_no_others(script: Script) -> None:
    async def scenario(workers: Compute, admission: Admission) -> None:
        held = [asyncio.create_task(workers.each([frame(name, "held")])) for name in ("one", "other")]
        await soon(lambda: len(script.begun) == 2)
        doomed = asyncio.create_task(workers.each([frame("fine"), frame("fatal", "dies"), frame("beside")]))
        await asyncio.sleep(0.01)
        others = [asyncio.create_task(workers.each([frame(name)])) for name in "ab"]
        script.may_end.set()
        with pytest.raises(WorkerError, match="ended"):
            await doomed
        await asyncio.gather(*held, *others)
        assert (admission.admitted, admission.begun) == (0, 0)

    script.batch = 3
    run(scenario, threads=2)
    assert sorted(script.runs[2:]) == [["a", "b"], ["fine", "fatal", "beside"]]
