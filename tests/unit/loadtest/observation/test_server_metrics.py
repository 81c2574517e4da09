"""The service's metrics are read from what the service really exposes, and never subtracted across processes."""

import pytest

from loadtest.observation.server_metrics import Look, between, read
from service.metrics import Metrics


def _text(metrics: Metrics) -> str:
    return metrics.text().decode()


def _look(metrics: Metrics, pod: str = "") -> Look:
    look = read(_text(metrics), pod)
    assert look is not None
    return look


def test_means_between_two_looks_are_of_what_happened_between_them() -> None:
    metrics = Metrics()
    metrics.stage.labels("inference").observe(9.0)  # long ago
    before = _look(metrics)
    for seconds in (0.010, 0.020):
        metrics.stage.labels("inference").observe(seconds)
        metrics.queue_wait.observe(seconds / 10)
    metrics.in_flight.set(3)
    after = _look(metrics)
    happened = between([(before, after)])
    assert happened.stage_ms == pytest.approx({"inference": 15.0})
    assert happened.queue_wait_ms == pytest.approx(1.5)
    assert after.in_flight == 3


def test_a_stage_that_nothing_passed_has_no_mean() -> None:
    look = _look(Metrics())
    assert between([(look, look)]) == ({}, None)


def test_several_pods_are_weighed_by_their_photos() -> None:
    slow, fast = Metrics(), Metrics()
    before = [_look(slow, "slow"), _look(fast, "fast")]
    slow.stage.labels("decode").observe(0.040)
    for _ in range(3):
        fast.stage.labels("decode").observe(0.004)
    pairs = zip(before, [_look(slow, "slow"), _look(fast, "fast")], strict=True)
    assert between(pairs).stage_ms == pytest.approx({"decode": 13.0})


def test_counters_of_two_processes_are_never_subtracted() -> None:
    metrics = Metrics()
    text = _text(metrics)
    restarted = "\n".join(
        "process_start_time_seconds 1.0" if line.startswith("process_start_time_seconds ") else line
        for line in text.splitlines()
    )
    first, second = read(text), read(restarted)
    assert first is not None
    assert second is not None
    assert first.process != second.process
    assert _look(metrics, "a").process != _look(metrics, "b").process
    with pytest.raises(ValueError, match="two processes"):
        between([(first, second)])


@pytest.mark.parametrize(
    "text", ["", "<html>hello</html>", "other_metric 1\n", "lookout_stage_seconds_sum{ nonsense\n", "\x00"]
)
def test_what_is_not_the_service_is_no_look(text: str) -> None:
    assert read(text) is None
