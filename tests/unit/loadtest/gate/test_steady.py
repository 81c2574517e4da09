"""The rule that says whether the end of a run was in steady state."""

import numpy as np
import pytest

from loadtest.arrivals import Constant, Ramp
from loadtest.gate.steady import steadiness
from loadtest.result import LoadResult, Samples
from loadtest.settings import LoadSettings
from loadtest.summary import summarise
from tests.unit.loadtest.build import load_result

COUNT = 2_000


def drawn(factor: np.ndarray | float = 1.0, sigma: float = 0.3, seed: int = 1, count: int = COUNT) -> list[float]:
    """Log-normal latencies around 25 ms; `factor` scales each."""
    latency: list[float] = (25 * factor * np.random.default_rng(seed).lognormal(0, sigma, count)).tolist()
    return latency


def test_a_run_alike_to_its_end_is_steady_and_says_how_alike() -> None:
    found = steadiness(load_result(drawn()))
    assert found.steady is True
    assert "the last three windows of 2.0 s" in found.reason
    assert "100%, 100%, 100% of the intended rate" in found.reason


def test_a_slow_beginning_is_warm_up() -> None:
    assert steadiness(load_result(drawn(np.where(np.arange(COUNT) < 0.38 * COUNT, 8.0, 1.0)))).steady is True


@pytest.mark.parametrize("growth", [0.5, 2.0])
def test_latency_that_drifts_is_not_steady(growth: float) -> None:
    found = steadiness(load_result(drawn(1 + growth * np.arange(COUNT) / COUNT)))
    assert found.steady is False
    assert "median latency differed by more than 10%" in found.reason


def test_latency_that_is_better_at_the_end_is_not_steady_either() -> None:
    assert steadiness(load_result(drawn(np.where(np.arange(COUNT) < 0.8 * COUNT, 2.0, 1.0)))).steady is False


def test_a_server_that_falls_behind_is_not_steady() -> None:
    # Every answer takes as long as the whole backlog: ten starts come for nine answers, and from 4 s on none is lost.
    intended = np.arange(COUNT) / 200
    arrived = np.maximum(intended + 0.02, np.arange(COUNT) / 140)
    found = steadiness(load_result(((arrived - intended) * 1000).tolist(), intended_s=intended.tolist()))
    assert found.steady is False


def test_answers_that_stop_are_not_steady() -> None:
    error = [None if i < 0.9 * COUNT else "status 503" for i in range(COUNT)]
    found = steadiness(load_result(drawn(), error))
    assert found.steady is False
    assert "throughput differed" in found.reason


def test_chance_alone_rarely_unsettles_a_short_run() -> None:
    # 459 requests, 91 a window: medians of so few scatter by more than ten percent in every third run.
    runs = [load_result(drawn(sigma=0.6, seed=seed, count=459)) for seed in range(100)]
    steady = [steadiness(run).steady for run in runs]
    assert steady.count(True) >= 95
    plain = [_plain_rule(run) for run in runs]
    assert plain.count(True) < 70


def test_what_is_in_flight_at_the_edges_of_short_windows_is_no_change_of_throughput() -> None:
    # 60 starts a second for ten seconds, answered after 100 to 400 ms: windows of 120 starts, 15 in flight at an edge.
    # In nearly half of such runs two windows are more than ten percent apart.
    steady, plain = [], []
    for seed in range(100):
        random = np.random.default_rng(seed)
        intended = np.sort(random.uniform(0, 10, random.poisson(600)))
        latency = random.uniform(100, 400, intended.size)
        steady.append(steadiness(load_result(latency.tolist(), intended_s=intended.tolist())).steady)
        arrived = intended + latency / 1000
        kept = [_within(arrived, i) / _within(intended, i) for i in (4, 6, 8)]
        plain.append(max(kept) <= 1.1 * min(kept))
    assert steady.count(True) >= 97
    assert plain.count(True) < 70


def test_a_tenth_fewer_answers_are_seen_in_longer_windows() -> None:
    error = [None if i < 0.8 * COUNT or i % 5 else "status 503" for i in range(COUNT)]
    found = steadiness(load_result(drawn(), error))
    assert found.steady is False
    assert "throughput differed" in found.reason


def test_a_millisecond_of_difference_is_the_schedulers() -> None:
    fast = [0.5 if i < 0.7 * COUNT else 1.4 for i in range(COUNT)]
    assert steadiness(load_result(fast)).steady is True
    assert steadiness(load_result([ms * 3 for ms in fast])).steady is False


def test_too_short_a_run_does_not_say() -> None:
    assert steadiness(load_result(drawn(), duration_s=4.0)).steady is None
    found = steadiness(load_result([20.0] * 100))
    assert found.steady is None
    assert "20 correct answers, 30 are needed" in found.reason
    assert steadiness(load_result([])).steady is None


def test_a_rate_that_varies_on_purpose_is_judged_by_throughput_against_the_intended_rate() -> None:
    found = steadiness(_ramp(slow_after_s=None))
    assert found.steady is True
    assert "varied on purpose" in found.reason
    assert steadiness(_ramp(slow_after_s=8.0)).steady is False


def test_a_closed_loop_is_judged_by_plain_throughput() -> None:
    assert "/s" in steadiness(load_result(drawn(), loop="closed")).reason


def _within(times: np.ndarray, start: int) -> int:
    return int(((times >= start) & (times < start + 2)).sum())


def _plain_rule(run: LoadResult) -> bool:
    latency = np.array(run.samples.latency_ms)
    medians = [float(np.median(part)) for part in np.array_split(latency[-len(latency) * 3 // 5 :], 3)]
    return max(medians) <= 1.1 * min(medians)


def _ramp(slow_after_s: float | None) -> LoadResult:
    """From 50 to 350 a second, latency growing with the rate; after `slow_after_s` answers take three seconds."""
    arrivals = Ramp(rate=50, to_rate=350, over_s=10, spacing="even")
    settings = LoadSettings(arrivals=arrivals, duration_s=10)
    intended = arrivals.times(10, seed=1)
    latency = 10 + intended * 3
    if slow_after_s is not None:
        latency = np.where(intended > slow_after_s, 3000.0, latency)
    nothing = (0.0,) * len(intended)
    return summarise(
        settings=settings,
        samples=Samples(
            intended_s=tuple(intended.tolist()),
            lag_ms=nothing,
            latency_ms=tuple(latency.tolist()),
            service_ms=tuple(latency.tolist()),
            error=(None,) * len(intended),
        ),
        started_at=load_result([1.0]).started_at,
        duration_s=10,
        interrupted=False,
        locust="2.47.0",
        photos=(),
        cpu_cores=(0.1,),
    )


def test_a_constant_rate_is_not_one_that_varies() -> None:
    run = load_result(drawn())
    even = run.model_copy(update={"settings": run.settings.model_copy(update={"arrivals": Constant(rate=200)})})
    assert "median latency" in steadiness(even).reason
