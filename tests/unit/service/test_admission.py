"""The queue's accounts: what is refused at once, what it is told, and what is not computed any more."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.admission import Admission
from service.compute import Compute
from service.problems import OverCapacity, Problem

T = TypeVar("T")


def after(
    photos: int, service_s: float = 0.02, threads: int = 2, queue: int = 32, deadline_s: float = 0.1
) -> Admission:
    """A queue into which so many photos went."""
    admission = Admission(threads, queue, deadline_s)
    if photos:
        admission.enter(photos, 0.0)
    admission.measured(service_s)
    return admission


def refused(admission: Admission, photos: int = 1) -> tuple[str, str]:
    with pytest.raises(OverCapacity) as raised:
        admission.check(photos)
    return raised.value.reason, raised.value.headers["Retry-After"]


@pytest.mark.parametrize(("ahead", "wait_s"), [(0, 0.0), (1, 0.0), (2, 0.01), (3, 0.02), (12, 0.11)])
def test_the_wait_is_the_photos_ahead_times_the_measured_service_time_over_the_threads(
    ahead: int, wait_s: float
) -> None:
    assert after(ahead).wait_s == pytest.approx(wait_s)


def test_takes_what_can_begin_by_its_deadline_and_refuses_the_next() -> None:
    after(11).check()  # 0.10 s
    assert refused(after(12)) == ("deadline", "1")


def test_refuses_what_has_no_place_before_any_photo_was_measured() -> None:
    admission = Admission(threads=2, queue=3, deadline_s=0.1)
    admission.enter(4, 0.0)
    admission.check(1)
    assert refused(admission, 2) == ("queue", "1")


def test_a_batch_larger_than_the_queue_has_its_turn_when_nothing_else_is_there() -> None:
    admission = Admission(threads=1, queue=0, deadline_s=0.1)
    admission.enter(16, 0.0)
    assert refused(admission)[0] == "queue"
    for _ in range(16):
        admission.leave()
    admission.check(16)


def test_says_after_how_many_whole_seconds_the_queue_will_be_empty() -> None:
    assert refused(after(10, service_s=1.7)) == ("deadline", "8")  # (10 - 2 + 1) * 1.7 / 2 = 7.65


def test_a_mean_that_was_wrong_once_heals() -> None:
    admission = after(0, service_s=500.0)
    for _ in range(150):
        admission.enter(1, 0.0)  # whatever the mean says: nothing else is there
        admission.measured(0.02)
        admission.leave()
    assert admission.service_s == pytest.approx(0.02, rel=0.01)


@given(st.lists(st.integers(1, 16), max_size=40), st.integers(1, 8), st.integers(0, 64), st.floats(0.0, 2.0))
def test_never_holds_more_than_the_queue_but_for_one_batch_and_gives_everything_back(
    requests: list[int], threads: int, queue: int, service_s: float
) -> None:
    admission, entered = Admission(threads, queue, 0.5), 0
    admission.measured(service_s)
    for photos in requests:
        before = admission.admitted
        try:
            admission.enter(photos, 0.0)
            entered += photos
        except OverCapacity:
            assert admission.admitted == before > 0
        assert admission.admitted <= max(threads + queue, 16)
    for _ in range(entered):
        admission.leave()
    assert (admission.admitted, admission.waiting, admission.wait_s) == (0, 0, 0.0)


def run(scenario: Callable[[Compute, Admission], Awaitable[T]], deadline_s: float = 30.0) -> T:
    """A scenario on one compute thread."""
    admission = Admission(threads=1, queue=8, deadline_s=deadline_s)
    compute = Compute(1, admission)

    async def within() -> T:
        async with asyncio.timeout(10):
            return await scenario(compute, admission)

    try:
        return asyncio.run(within())
    finally:
        compute.close()
        assert admission.admitted == 0


class Held:
    """Work that lasts until it may end; `begun` lists what was computed."""

    def __init__(self) -> None:
        self.may_end, self.begun = threading.Event(), list[str]()

    def work(self, name: str) -> Callable[[float], str]:
        def do(arrived: float) -> str:
            assert arrived > 0
            self.begun.append(name)
            assert self.may_end.wait(10)
            return name

        return do


async def until(holds: Callable[[], bool]) -> None:
    while not holds():
        await asyncio.sleep(0.001)


def test_answers_in_order_and_tells_a_problem_of_one_photo_from_the_others() -> None:
    def bad(_: float) -> str:
        raise Problem(400, "bad", "Bad", "of its own fault")

    async def scenario(compute: Compute, _: Admission) -> list[str | Problem]:
        return await compute.each([lambda _: "a", bad, lambda _: "c"])

    first, second, third = run(scenario)
    assert (first, third) == ("a", "c")
    assert isinstance(second, Problem)


def test_an_error_of_ours_is_raised_and_gives_its_place_back() -> None:
    def broken(_: float) -> str:
        raise RuntimeError("ours")

    async def scenario(compute: Compute, _: Admission) -> None:
        with pytest.raises(RuntimeError, match="ours"):
            await compute.each([broken])

    run(scenario)


def test_what_a_client_left_behind_while_it_waited_is_not_computed() -> None:
    held = Held()

    async def scenario(compute: Compute, admission: Admission) -> None:
        left = asyncio.Event()
        first = asyncio.create_task(compute.each([held.work("first")]))
        await until(lambda: held.begun == ["first"])
        batch = asyncio.create_task(compute.each([held.work("left"), held.work("left too")], left.wait))
        last = asyncio.create_task(compute.each([held.work("last")]))
        await until(lambda: admission.admitted == 4)
        left.set()
        with pytest.raises(Problem) as raised:
            await batch
        assert raised.value.name == "client-gone"
        assert admission.admitted == 2
        held.may_end.set()
        assert await first == ["first"]
        assert await last == ["last"]

    run(scenario)
    assert held.begun == ["first", "last"]


def test_what_has_begun_is_finished_although_its_client_left() -> None:
    held = Held()

    async def scenario(compute: Compute, _: Admission) -> None:
        async def gone_at_once() -> None:
            await until(lambda: bool(held.begun))
            held.may_end.set()

        assert await compute.each([lambda _: "ahead", held.work("begun")], gone_at_once) == ["ahead", "begun"]

    run(scenario)


def test_a_request_that_waited_too_long_is_refused_as_a_whole_and_not_computed() -> None:
    held = Held()

    async def scenario(compute: Compute, admission: Admission) -> None:
        first = asyncio.create_task(compute.each([held.work("first")]))
        await until(lambda: held.begun == ["first"])
        batch = asyncio.create_task(compute.each([held.work("late"), held.work("late too")]))
        await until(lambda: admission.admitted == 3)
        await asyncio.sleep(0.05)
        held.may_end.set()
        assert await first == ["first"]
        with pytest.raises(OverCapacity) as raised:
            await batch
        assert raised.value.reason == "late"

    run(scenario, deadline_s=0.03)
    assert held.begun == ["first"]


def test_a_batch_whose_own_photos_take_longer_than_the_deadline_is_finished() -> None:
    async def scenario(compute: Compute, _: Admission) -> list[float | Problem]:
        return await compute.each([lambda _: asyncio.run(asyncio.sleep(0.02, 1.0))] * 4)

    assert run(scenario, deadline_s=0.03) == [1.0] * 4
