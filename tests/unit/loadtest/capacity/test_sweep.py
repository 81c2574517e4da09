"""Closed-loop runs become points; unsound ones are named and left out."""

from collections.abc import Sequence

import pytest

from loadtest.capacity.sweep import Step, alone_ms, parse_ns, point, steps, summed_up
from loadtest.result import LoadResult
from lookout.errors import UsageError
from tests.unit.loadtest.build import load_result


def closed(users: int, ms: float, duration_s: float = 10.0, cpu_cores: Sequence[float] = (0.2,)) -> LoadResult:
    """`users` clients whose every answer takes `ms`, one after the other without a pause."""
    starts = [i * ms / 1000 for i in range(int(duration_s * 1000 / ms)) for _ in range(users)]
    return load_result([ms] * len(starts), intended_s=starts, loop="closed", duration_s=duration_s, cpu_cores=cpu_cores)


def test_steps_go_up_and_up_again_each_with_its_own_seed() -> None:
    made = list(steps("replicas", (1, 2, 4), 2, 100))
    assert [(step.n, step.repeat) for step in made] == [(1, 0), (2, 0), (4, 0), (1, 1), (2, 1), (4, 1)]
    assert len({step.seed for step in made}) == 6
    assert [step.users for step in made[:3]] == [8, 16, 32]
    assert [step.users for step in steps("concurrency", (1, 2, 4), 1, 1)] == [1, 2, 4]


def test_a_sound_run_is_a_point_that_little_agrees_with() -> None:
    found = point(Step(4, 4, 0, 1), closed(4, 50.0))
    assert found.unsound is None
    assert found.throughput_per_s == pytest.approx(80, rel=0.01)
    assert found.in_flight == pytest.approx(4, rel=0.02)
    assert found.mean_ms == pytest.approx(50)


def test_a_run_that_breaks_littles_law_is_left_out() -> None:
    # Four clients whose answers add up to two in flight were idle half of the time.
    assert "Little's law" in (point(Step(4, 4, 0, 1), closed(2, 50.0)).unsound or "")


def test_a_run_with_errors_or_with_a_busy_generator_is_left_out() -> None:
    wrong = load_result([50.0] * 20, error=[None] * 19 + ["status 503"], loop="closed", duration_s=1)
    assert point(Step(1, 1, 0, 1), wrong).unsound == "1 of 20 requests failed"
    busy = closed(4, 50.0, cpu_cores=(0.2, 0.93))
    assert "0.93 of a core" in (point(Step(4, 4, 0, 1), busy).unsound or "")


def test_nothing_answered_is_no_point() -> None:
    nothing = load_result([], loop="closed", duration_s=1)
    assert point(Step(1, 1, 0, 1), nothing).unsound == "nothing was answered"


def test_the_fit_takes_the_sound_points_only() -> None:
    sound = [point(Step(n, n, 0, 1), closed(n, 10.0 * n)) for n in (1, 2, 4, 5, 8, 10)]
    wrong = point(Step(4, 4, 1, 1), closed(1, 50.0))
    with_it, without = (summed_up("concurrency", points, None) for points in ([*sound, wrong], sound))
    assert with_it.fit == without.fit
    assert without.fit is not None
    assert without.fit.alpha.best == pytest.approx(1, abs=0.02)
    assert len(with_it.points) == 7


def test_too_few_sound_points_are_no_fit_and_say_so() -> None:
    points = [point(Step(n, n, 0, 1), closed(1, 50.0)) for n in (1, 2, 4, 8, 16, 32)]
    found = summed_up("concurrency", points, None)
    assert found.fit is None
    assert found.no_fit == "1 different N are too few for a fit of three parameters (5 of 6 runs left out)"


def test_times_alone_are_quantiles_of_all_repeats() -> None:
    results = [load_result([10.0, 20.0]), load_result([30.0, 40.0], error=[None, "timeout"])]
    quantiles = alone_ms(results)
    assert (quantiles[0], quantiles[25], quantiles[-1]) == (10, 20, 30)
    assert alone_ms([]) == ()


@pytest.mark.parametrize("text", ["1,2,4,8,16", "1,2,2,4,8,16", "0,1,2,3,4,5", "a,b", "", "6,5,4,3,2,1"])
def test_wrong_numbers_are_refused_by_the_options_name(text: str) -> None:
    with pytest.raises(UsageError, match="--replicas"):
        parse_ns(text, "--replicas")
    assert parse_ns("1,2,3,4,5,6", "--replicas") == (1, 2, 3, 4, 5, 6)
