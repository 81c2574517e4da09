"""The queue's accounts: what is refused at once, and what it is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.admission import Admission
from service.problems import OverCapacity


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


def test_a_requests_first_photo_decides_for_all_of_them() -> None:
    late, early = Admission(1, 8, 0.1).enter(2, 5.0), Admission(1, 8, 0.1).enter(2, 5.0)
    assert [early.begins_in_time(5.1), early.begins_in_time(9.0)] == [True, True]
    assert [late.begins_in_time(5.2), late.begins_in_time(5.0)] == [False, False]


def test_what_would_be_late_after_a_wait_is_not_refused_for_it() -> None:
    turn = Admission(1, 8, 0.1).enter(1, 5.0)
    assert not turn.begins_in_time_after(5.05, 0.06)
    assert turn.begins_in_time_after(5.05, 0.04)
    assert turn.begins_in_time(6.0)


def in_runs(begun: int, waiting: int, threads: int = 1, service_s: float = 0.02, deadline_s: float = 0.5) -> Admission:
    """A queue before threads that take 16 photos a run and are all busy with `begun` of them together."""
    admission = Admission(threads, 64, deadline_s)
    admission.batch = 16
    admission.enter(begun, 0.0)
    for _ in range(begun):
        admission.begin()
    if waiting:
        admission.enter(waiting, 0.0)
    admission.measured(service_s)
    return admission


@pytest.mark.parametrize(
    ("begun", "waiting", "threads", "wait_s"),
    [
        (1, 0, 1, 0.02),
        (16, 0, 1, 0.32),
        (16, 15, 1, 0.32),  # it would share their run
        (16, 16, 1, 0.64),
        (16, 40, 1, 0.32 + 0.64),
        (16, 0, 2, 0.08),  # two runs of eight, of which one ends after half of that time in the mean
        (16, 20, 2, 0.08 + 0.16),
    ],
)
def test_what_waits_shares_runs_and_the_wait_is_for_those_before_its_own(
    begun: int, waiting: int, threads: int, wait_s: float
) -> None:
    admission = in_runs(begun, waiting, threads)
    assert admission.wait_s == pytest.approx(wait_s)
    assert admission.waiting == waiting
    admission.idle = True
    assert admission.wait_s == 0.0


def test_takes_what_goes_into_a_run_in_time_and_refuses_the_next() -> None:
    in_runs(16, 15).check()
    assert refused(in_runs(16, 16)) == ("deadline", "1")


def test_as_many_may_wait_behind_a_run_as_behind_a_photo() -> None:
    admission = in_runs(16, 63, deadline_s=9.0)
    admission.check(1)
    assert refused(admission, 2)[0] == "queue"


@pytest.mark.parametrize(("service_s", "longest"), [(0.0, 16), (0.02, 16), (0.1, 5), (0.9, 1)])
def test_no_run_lasts_longer_than_the_deadline(service_s: float, longest: int) -> None:
    admission = Admission(1, 8, 0.5)
    assert admission.longest_run == 1
    admission.batch = 16
    admission.measured(service_s)
    assert admission.longest_run == longest


def test_photos_that_leave_their_run_are_neither_waiting_nor_worked_on() -> None:
    admission = in_runs(3, 2)
    for _ in range(3):
        admission.leave()
        assert admission.waiting <= 2
        admission.end()
    assert (admission.admitted, admission.begun) == (2, 0)
