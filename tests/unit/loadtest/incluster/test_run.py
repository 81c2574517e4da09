"""Following a Job: its words, its complaints, its result fetched whole, and that it never stays behind."""

import gzip
import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from loadtest.incluster import protocol, run
from loadtest.incluster.cluster import JobCluster
from loadtest.incluster.job import Order
from loadtest.incluster.protocol import Failed, Finished, Said, understood
from loadtest.settings import LoadSettings
from lookout.errors import LookoutError
from tests.unit.loadtest.build import load_result

ORDER = Order(name="load-1", image="registry.lookout.internal:5000/loadtest@sha256:0", settings=LoadSettings())
RESULT = load_result([10.0] * 20)
PACKED = gzip.compress(RESULT.model_dump_json().encode())
FINISHED = Finished(size_bytes=len(PACKED), sha256=hashlib.sha256(PACKED).hexdigest()).line()
RUNNING = {"metadata": {"name": "load-1-x"}, "status": {"containerStatuses": [{"state": {"running": {}}}]}}


class FakeCluster(JobCluster):
    """A cluster that plays back what it was told."""

    def __init__(self, log: Sequence[str] = (FINISHED,), pod: dict[str, Any] | None = None) -> None:
        self.lines = list(log)
        self.found = RUNNING if pod is None else pod or None
        self.deleted: list[str] = []
        self.commands: list[str] = []
        self.complaint: str | None = None
        self.transfers = [PACKED]
        self.on_log: Callable[[], None] = lambda: None

    def create(self, order: Order) -> None:
        """Taken note of by nobody."""

    def pod(self, _: str) -> dict[str, Any] | None:
        return self.found

    def warning(self, _: str) -> str | None:
        return self.complaint

    def log(self, _: str) -> Iterator[str]:
        self.on_log()
        yield from self.lines

    def execute(self, _: str, command: Sequence[str], within_s: float) -> bytes:
        assert within_s > 0
        self.commands.append(" ".join(command))
        return self.transfers.pop(0) if command[0] == "cat" else b""

    def delete(self, order: Order) -> None:
        self.deleted.append(order.name)


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "_WARN_AFTER_S", 0.0)
    monkeypatch.setattr(run, "_START_WITHIN_S", 0.05)
    monkeypatch.setattr(run, "_LOOK_EVERY_S", 0.001)


def follow(cluster: FakeCluster) -> tuple[Any, list[str]]:
    said: list[str] = []
    return run.run_order(cluster, ORDER, said.append), said


def test_progress_is_shown_and_the_result_comes_back_whole() -> None:
    cluster = FakeCluster([Said(text="5 / 30 s").line(), "a warning of some library", FINISHED])
    result, said = follow(cluster)
    assert result == RESULT
    assert "5 / 30 s" in said
    assert "a warning of some library" not in said
    assert cluster.commands == [f"cat {protocol.RESULT_FILE}", f"touch {protocol.FETCHED_FILE}"]
    assert cluster.deleted == ["load-1"]


def test_a_result_that_was_cut_on_the_way_is_fetched_again() -> None:
    cluster = FakeCluster()
    cluster.transfers = [PACKED[:-3], PACKED]
    assert follow(cluster)[0] == RESULT


def test_a_result_that_never_arrives_whole_is_no_result() -> None:
    cluster = FakeCluster()
    cluster.transfers = [PACKED[:10]] * 3
    with pytest.raises(LookoutError, match="10 other ones arrived"):
        follow(cluster)
    assert cluster.deleted == ["load-1"]


def test_what_fails_in_the_pod_fails_here_with_its_words_and_code() -> None:
    failed = Failed(message="nothing answers", remedy="start it", exit_code=64).line()
    with pytest.raises(LookoutError, match="in the pod: nothing answers") as caught:
        follow(FakeCluster([failed]))
    assert (caught.value.remedy, caught.value.exit_code) == ("start it", 64)


def test_a_pod_that_ends_without_a_word_shows_its_last_lines_and_kubernetes_reason() -> None:
    ended = {"reason": "OOMKilled", "exitCode": 137}
    pod = {"metadata": {"name": "x"}, "status": {"containerStatuses": [{"state": {"terminated": ended}}]}}
    with pytest.raises(LookoutError, match=r"OOMKilled.*\n.*Traceback of something"):
        follow(FakeCluster(["Traceback of something"], pod))


@pytest.mark.parametrize(
    ("status", "message", "remedy"),
    [
        (
            {"containerStatuses": [{"state": {"waiting": {"reason": "ErrImagePull", "message": "not found"}}}]},
            "ErrImagePull: not found",
            "registry",
        ),
        (
            {
                "conditions": [
                    {
                        "type": "PodScheduled",
                        "status": "False",
                        "reason": "Unschedulable",
                        "message": "0/1 nodes are available: 1 Insufficient cpu.",
                    }
                ]
            },
            "Insufficient cpu",
            "--processes",
        ),
    ],
)
def test_a_pod_that_cannot_start_is_explained_and_removed(status: dict[str, Any], message: str, remedy: str) -> None:
    cluster = FakeCluster(pod={"metadata": {"name": "x"}, "status": status})
    with pytest.raises(LookoutError, match=message) as caught:
        follow(cluster)
    assert remedy in str(caught.value.remedy)
    assert cluster.deleted == ["load-1"]


def test_a_job_that_may_make_no_pod_is_explained_by_its_events() -> None:
    cluster = FakeCluster(pod={})
    cluster.complaint = "FailedCreate: exceeded quota"
    with pytest.raises(LookoutError, match="exceeded quota") as caught:
        follow(cluster)
    assert "--processes" in str(caught.value.remedy)


def test_a_pod_that_takes_too_long_says_what_it_waits_for() -> None:
    creating = [{"state": {"waiting": {"reason": "ContainerCreating"}}}]
    cluster = FakeCluster(pod={"metadata": {"name": "x"}, "status": {"containerStatuses": creating}})
    with pytest.raises(LookoutError, match=r"did not start within 0\.05 s: its container is being made"):
        follow(cluster)


def test_the_first_ctrl_c_stops_the_run_and_fetches_what_there_is() -> None:
    cluster = FakeCluster()
    interrupts = iter([KeyboardInterrupt])

    def once() -> None:
        for interrupt in interrupts:
            raise interrupt

    cluster.on_log = once
    assert follow(cluster)[0] == RESULT
    assert cluster.commands[0].endswith("kill -INT 1")


def test_the_second_ctrl_c_gives_up_and_still_removes_the_job() -> None:
    cluster = FakeCluster()

    def always() -> None:
        raise KeyboardInterrupt

    cluster.on_log = always
    with pytest.raises(KeyboardInterrupt):
        follow(cluster)
    assert cluster.deleted == ["load-1"]


def test_nothing_measured_before_the_interrupt_is_an_interrupt_here_too() -> None:
    failed = Failed(message="the run was interrupted before anything was measured", exit_code=130).line()
    with pytest.raises(KeyboardInterrupt):
        follow(FakeCluster([failed]))


@pytest.mark.parametrize("line", ["", "text", "[]", "{}", '{"kind": "other"}', '{"kind": "progress"}', "17"])
def test_only_the_words_agreed_on_are_understood(line: str) -> None:
    assert understood(line) is None
