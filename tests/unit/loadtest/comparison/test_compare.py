"""Equal runs are called different in at most one of twenty comparisons, and real changes are found."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from loadtest.comparison import resampling
from loadtest.comparison.compare import EACH, Comparison, compare
from loadtest.result import LoadResult
from tests.unit.loadtest import build

Floats = NDArray[np.float64]
Model = Callable[[np.random.Generator, Floats], Floats]

RATE, DURATION_S = 50.0, 40.0
PAIRS = 40
"""Seeded, so the outcome is always the same. Of 250 pairs each 1.6 % (stalls), 0 % (queue), 4 % (alone) differed."""


def _alone(random: np.random.Generator, at_s: Floats) -> Floats:
    """Answers that know nothing of each other."""
    return random.lognormal(np.log(20), 0.3, at_s.size)


def _queue(random: np.random.Generator, at_s: Floats) -> Floats:
    """One server, busy 70 % of the time: each wait follows from the one before it (Lindley's recursion)."""
    service = random.exponential(0.7 / RATE, at_s.size)
    steps = np.concatenate([[0.0], service[:-1] - np.diff(at_s)])
    walk = np.cumsum(steps)
    wait = walk - np.minimum.accumulate(np.minimum(walk, 0))
    return np.asarray(1000 * (wait + service))


def _stalls(random: np.random.Generator, at_s: Floats) -> Floats:
    """The server stands still for half a second, about every eight."""
    latency = random.lognormal(np.log(20), 0.3, at_s.size)
    for begin in np.cumsum(random.exponential(8.0, 20)):
        inside = (at_s >= begin) & (at_s < begin + 0.5)
        latency[inside] += 1000 * (begin + 0.5 - at_s[inside])
    return latency


def _run(
    random: np.random.Generator, model: Model, factor: float = 1.0, errors: float = 0.0, burst_s: float = 0.0
) -> LoadResult:
    at_s = np.sort(random.uniform(0, DURATION_S, int(RATE * DURATION_S)))
    wrong = random.random(at_s.size) < errors
    if burst_s:
        begin = random.uniform(0, DURATION_S - burst_s)
        wrong |= (at_s >= begin) & (at_s < begin + burst_s)
    return build.load_result(
        (factor * model(random, at_s)).tolist(),
        ["timeout" if failed else None for failed in wrong],
        intended_s=at_s.tolist(),
        duration_s=DURATION_S,
    )


def _compared(first: LoadResult, second: LoadResult) -> Comparison:
    return compare(first, second, ("a.json", "b.json"))


def _different(comparison: Comparison) -> set[str]:
    return {difference.name for difference in comparison.differences if difference.significant}


@pytest.fixture(autouse=True)
def _fewer_replicates(monkeypatch: pytest.MonkeyPatch) -> None:
    # Ends of intervals of so few scatter a little more; a comparison then takes a twentieth of a second.
    monkeypatch.setattr(resampling, "REPLICATES", 1000)


@pytest.mark.parametrize(
    ("model", "errors", "burst_s"),
    [(_alone, 0.01, 0.0), (_queue, 0.0, 0.5), (_stalls, 0.0, 1.0)],
    ids=["independent", "queue", "stalls"],
)
def test_equal_runs_are_called_different_in_at_most_a_twentieth(model: Model, errors: float, burst_s: float) -> None:
    wrong = 0
    for seed in range(PAIRS):
        random = np.random.default_rng(1000 + seed)
        pair = [_run(random, model, errors=errors, burst_s=burst_s) for _ in range(2)]
        wrong += bool(_different(_compared(*pair)))
    assert wrong <= 0.05 * PAIRS


@pytest.mark.parametrize(("model", "factor"), [(_alone, 1.1), (_queue, 2.0), (_stalls, 1.15)])
def test_a_real_shift_of_all_latencies_is_found_nearly_always(model: Model, factor: float) -> None:
    found = 0
    for seed in range(10):
        random = np.random.default_rng(seed)
        comparison = _compared(_run(random, model), _run(random, model, factor))
        found += "p50" in _different(comparison)
        (median, *_) = comparison.differences
        assert median.low is not None
        assert median.high is not None
        assert median.low <= (median.second or 0) - (median.first or 0) <= median.high
    assert found >= 9


def test_a_longer_tail_is_found_where_it_is() -> None:
    def tail(random: np.random.Generator, at_s: Floats) -> Floats:
        return np.where(random.random(at_s.size) < 0.03, 5.0, 1.0) * _alone(random, at_s)

    random = np.random.default_rng(1)
    found = _different(_compared(_run(random, _alone), _run(random, tail)))
    assert "p99" in found
    assert "p50" not in found


def test_scattered_errors_are_found_and_one_burst_as_large_is_not() -> None:
    random = np.random.default_rng(1)
    clean = _run(random, _alone)
    scattered, burst = _run(random, _alone, errors=0.02), _run(random, _alone, burst_s=0.8)
    assert burst.counts.errors >= scattered.counts.errors * 0.7
    assert "errors" in _different(_compared(clean, scattered))
    assert "errors" not in _different(_compared(clean, burst))


def test_rare_errors_need_fishers_agreement() -> None:
    random = np.random.default_rng(3)
    clean, few = _run(random, _alone), _run(random, _alone, errors=0.002)
    assert 1 <= few.counts.errors <= 6
    assert "errors" not in _different(_compared(clean, few))


def test_too_few_answers_cannot_be_compared_and_say_how_many_it_takes() -> None:
    comparison = _compared(build.load_result([20.0] * 60), build.load_result([90.0] * 60))
    by_name = {difference.name: difference for difference in comparison.differences}
    assert by_name["p99"].significant is None
    assert "takes 500 correct answers" in by_name["p99"].reason
    assert _compared(build.load_result([]), build.load_result([])).differences[-1].significant is None


def test_runs_without_any_scatter_are_compared() -> None:
    comparison = _compared(build.load_result([20.0] * 1000), build.load_result([25.0] * 1000))
    assert _different(comparison) == {"p50", "p90", "p99"}
    assert _different(_compared(build.load_result([20.0] * 1000), build.load_result([20.0] * 1000))) == set()


def test_the_same_files_and_seed_give_the_same_answer() -> None:
    random = np.random.default_rng(1)
    pair = _run(random, _stalls), _run(random, _stalls)
    assert _compared(*pair) == _compared(*pair)


def test_warns_of_everything_that_makes_runs_hard_to_compare() -> None:
    first = build.load_result([20.0] * 100)
    assert _compared(first, first).warnings == ()
    settings = first.settings.model_copy(update={"url": "http://192.0.2.1", "seed": 9, "duration_s": 20.0})
    machine = first.generator.model_copy(update={"machine": "another", "photos": ("cat",)})
    second = first.model_copy(
        update={"settings": settings, "generator": machine, "interrupted": True, "duration_s": 20.0}
    )
    warnings = "\n".join(_compared(first, second).warnings)
    for word in ("target: ", "seed: 1 against 9", "photos: ", "machine: ", "duration: 10.0 s", "was interrupted"):
        assert word in warnings
    closed = build.load_result([20.0] * 100, loop="closed")
    assert "closed loop asks a slow server less" in "\n".join(_compared(first, closed).warnings)


def test_four_tests_share_the_twentieth() -> None:
    assert pytest.approx(0.95) == 1 - 4 * (1 - EACH)
