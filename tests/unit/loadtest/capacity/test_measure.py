"""What a judged run says to the search, and when a run may stop before its end."""

import time

import numpy as np
import pytest

from loadtest.arrivals import Poisson
from loadtest.capacity import measure
from loadtest.capacity.search import Ask
from loadtest.gate.judge import judge
from loadtest.gate.slo import DEFAULT_SLO
from loadtest.recording import Recording
from loadtest.result import Observations, StageSecond
from loadtest.settings import LoadSettings
from tests.unit.loadtest.build import load_result

P99 = DEFAULT_SLO[:1]
RATE, DURATION_S = 100.0, 60.0


def test_an_attempt_holds_the_verdict_and_what_was_in_flight_once_warm() -> None:
    seconds = tuple(
        StageSecond(at_s=float(s), stage_ms={}, queue_wait_ms=None, in_flight=100.0 if s < 2 else 1.5)
        for s in range(10)
    )
    run = load_result([20.0] * 1000, slo=P99, observations=Observations(stages=seconds))
    found = measure.of_result(Ask("confirm", 100.0, 7), run.model_copy(update={"verdict": judge(run, P99)}))
    assert (found.outcome, found.sustained, found.requests, found.seed) == ("pass", True, 1000, 7)
    assert found.in_flight == pytest.approx(1.5)
    assert found.mean_ms == pytest.approx(20)


@pytest.mark.parametrize(
    ("ms", "purpose", "stops"),
    [
        (20.0, "narrow", True),
        (20.0, "confirm", False),
        (300.0, "narrow", True),
        (300.0, "confirm", True),
    ],
)
def test_probes_stop_on_any_decision_and_confirmations_on_a_fail_only(ms: float, purpose: str, stops: bool) -> None:
    settings = LoadSettings(arrivals=Poisson(rate=RATE), duration_s=DURATION_S, seed=3, slo=P99)
    ask = Ask("narrow" if purpose == "narrow" else "confirm", RATE, 3)
    stop = measure.stop_when_decided(settings, ask)
    assert stop(_recording(ms, 40.0)) is stops


def test_a_young_run_is_not_stopped_whatever_it_says() -> None:
    settings = LoadSettings(arrivals=Poisson(rate=RATE), duration_s=DURATION_S, seed=3, slo=P99)
    assert not measure.stop_when_decided(settings, Ask("narrow", RATE, 3))(_recording(300.0, 0.5))


def _recording(ms: float, age_s: float) -> Recording:
    """A run that began `age_s` ago and whose every answer took `ms`."""
    times = Poisson(rate=RATE).times(DURATION_S, 3)
    done = np.flatnonzero(times + ms / 1000 < age_s)
    return Recording(
        index=done.tolist(),
        intended_s=times[done].tolist(),
        lag_ms=[0.0] * len(done),
        service_ms=[ms] * len(done),
        error=[None] * len(done),
        begin={"at": time.time() - age_s},
    )
