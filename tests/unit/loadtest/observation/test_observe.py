"""What an observer makes of its looks: one time axis, one process at a time, silence where nobody answers."""

import time
from typing import cast

import httpx
import pytest

from loadtest.observation import observe
from loadtest.observation.detector_pods import DetectorPods, Pod, Seen
from loadtest.observation.observe import Observer, observing
from service.metrics import Metrics

URL = "http://detector.invalid"


class FakePods:
    """A cluster whose pods and metrics a test sets."""

    def __init__(self, *names: str) -> None:
        self.found = Seen(len(names), tuple(Pod(name, name, True, 0) for name in names))
        self.texts = {name: Metrics() for name in names}
        self.asked: list[str] = []
        self.away = False

    def look(self) -> Seen:
        if self.away:
            raise OSError("away")
        return self.found

    def metrics(self, pod: str) -> str:
        self.asked.append(pod)
        return self.texts[pod].text().decode()


def _observer(pods: FakePods | None = None, *answers: httpx.Response) -> Observer:
    queue = list(answers)
    client = httpx.Client(transport=httpx.MockTransport(lambda _: queue.pop(0)))
    return Observer(URL, cast(DetectorPods, pods), client)


def _answer(metrics: Metrics, process: float = 1.0) -> httpx.Response:
    lines = metrics.text().decode().splitlines()
    lines = [line for line in lines if not line.startswith("process_start_time_seconds ")]
    return httpx.Response(200, text="\n".join([*lines, f"process_start_time_seconds {process}"]))


def test_a_second_look_tells_what_happened_since_the_first() -> None:
    before, after = Metrics(), Metrics()
    after.stage.labels("decode").observe(0.004)
    after.in_flight.set(2)
    observer = _observer(None, _answer(before), _answer(after))
    began = time.perf_counter()
    assert observer.look_at_metrics()
    assert observer.look_at_metrics()
    observations = observer.observations(began, until_s=60)
    (second,) = observations.stages
    assert second.stage_ms == {"decode": 4.0}
    assert second.in_flight == 2
    assert 0 <= second.at_s < 60
    assert observations.stages_from == "the one process that answered"
    assert observations.pods == ()


def test_looks_before_the_schedule_and_after_the_run_are_left_out() -> None:
    observer = _observer(FakePods("a"))
    observer.look_at_pods()
    now = time.perf_counter()
    assert len(observer.observations(now - 5, until_s=10).pods) == 1
    assert observer.observations(now + 5, until_s=10).pods == ()
    assert observer.observations(now - 50, until_s=10).pods == ()


def test_behind_a_service_each_process_is_compared_with_itself_and_the_report_says_so() -> None:
    quiet, busy = Metrics(), Metrics()
    for _ in range(100):
        busy.stage.labels("decode").observe(0.5)
    first = [_answer(quiet, 1.0), _answer(busy, 2.0)]
    quiet.stage.labels("decode").observe(0.004)
    observer = _observer(None, *first, _answer(quiet, 1.0), _answer(busy, 2.0))
    for _ in range(4):
        assert observer.look_at_metrics()
    found = observer.observations(time.perf_counter() - 1, until_s=60)
    assert [second.stage_ms for second in found.stages] == [{"decode": 4.0}, {}]
    assert found.stages_from.startswith("whichever of 2 processes answered")


def test_with_a_cluster_every_pod_is_asked_and_what_they_hold_is_added() -> None:
    pods = FakePods("a", "b")
    observer = _observer(pods)
    assert observer.look_at_pods()
    observer.look_at_metrics()
    for held, metrics in enumerate(pods.texts.values(), start=1):
        metrics.in_flight.set(held)
    observer.look_at_metrics()
    found = observer.observations(time.perf_counter() - 1, until_s=60)
    assert [second.in_flight for second in found.stages] == [3]
    assert found.stages_from == "every pod, asked one by one"


def test_many_pods_take_turns_and_in_flight_stands_for_all() -> None:
    names = [f"pod-{i:02}" for i in range(20)]
    pods = FakePods(*names)
    for metrics in pods.texts.values():
        metrics.in_flight.set(1)
    observer = _observer(pods)
    observer.look_at_pods()
    for _ in range(3):
        observer.look_at_metrics()
    assert len(pods.asked) == 24
    assert set(pods.asked) == set(names)
    assert [second.in_flight for second in observer.observations(time.perf_counter() - 1, 60).stages] == [20]


def test_a_pod_that_goes_takes_no_restarts_with_it() -> None:
    pods = FakePods("a", "b")
    observer = _observer(pods)
    for found in (
        Seen(2, (Pod("a", "1", True, 2), Pod("b", "2", True, 0))),
        Seen(2, (Pod("b", "2", True, 1), Pod("c", "3", False, 0))),
    ):
        pods.found = found
        observer.look_at_pods()
    counts = observer.observations(time.perf_counter() - 1, until_s=60).pods
    assert [(second.wanted, second.ready, second.restarts) for second in counts] == [(2, 2, 2), (2, 1, 3)]


@pytest.mark.parametrize(
    "answer",
    [httpx.Response(404), httpx.Response(200, text="<html>"), httpx.Response(200, content=b"x" * 3_000_000)],
    ids=["no metrics", "another page", "endless"],
)
def test_a_server_without_metrics_is_asked_in_silence(answer: httpx.Response) -> None:
    observer = _observer(None, answer)
    assert not observer.look_at_metrics()
    assert observer.observations(0, until_s=1e9).stages == ()


def test_a_cluster_that_does_not_answer_is_no_error() -> None:
    pods = FakePods("a")
    pods.away = True
    assert not _observer(pods).look_at_pods()


def test_threads_look_about_once_a_second_and_end_with_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    pods = FakePods("a")
    monkeypatch.setattr(observe, "pods_behind", lambda _: pods)
    monkeypatch.setattr(observe, "_EVERY_S", 0.02)
    began = time.perf_counter()
    with observing(URL) as observer:
        while len(pods.asked) < 4 and time.perf_counter() - began < 10:
            time.sleep(0.005)
    asked = len(pods.asked)
    assert asked >= 4
    time.sleep(0.1)
    assert len(pods.asked) == asked
    found = observer.observations(began, until_s=60)
    assert found.pods
    assert found.stages
