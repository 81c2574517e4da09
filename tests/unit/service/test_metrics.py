"""Counting later: nobody who looks sees less than what happened."""

from lookout import contract
from service.metrics import Metrics


def _requests(metrics: Metrics) -> float | None:
    return metrics.registry.get_sample_value(contract.METRIC_REQUESTS, {"status": "200"})


def test_whoever_collects_gets_what_was_to_be_counted_later() -> None:
    metrics = Metrics()
    metrics.later(metrics.count_request, 200, 0.1)
    assert _requests(metrics) == 1
    metrics.later(metrics.count_request, 200, 0.1)
    assert f'{contract.METRIC_REQUESTS}{{status="200"}} 2.0' in metrics.text().decode()


def test_what_waits_to_be_counted_does_not_grow() -> None:
    metrics, counted = Metrics(), list[int]()
    for number in range(1000):
        metrics.later(counted.append, number)
    assert counted == list(range(len(counted)))
    assert len(counted) > 900
