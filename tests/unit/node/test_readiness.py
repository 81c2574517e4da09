"""When a node counts as Ready: what it said before it was last started counts for nothing."""

from datetime import UTC, datetime

import pytest

from infra.node import kubeadm, sandbox
from infra.node.spec import NodeSpec
from lookout.errors import LookoutError

SPEC = NodeSpec(name="unit")
STARTED = datetime(2026, 11, 21, 12, 0, 5, tzinfo=UTC)


def says(monkeypatch: pytest.MonkeyPatch, answer: str, started: datetime | None = STARTED) -> bool:
    """Whether the node is Ready when the API server answers so."""
    monkeypatch.setattr(sandbox, "started_at", lambda _: started)
    monkeypatch.setattr(kubeadm, "kubectl", lambda *_: answer)
    return kubeadm.is_ready(SPEC, SPEC)


@pytest.mark.parametrize(
    ("answer", "ready"),
    [
        ("True 2026-11-21T12:00:05Z", True),
        ("True 2026-11-21T12:00:04Z", False),  # from before it was stopped: nobody has noticed yet
        ("False 2026-11-21T12:00:06Z", False),
        ("Unknown 2026-11-21T12:00:06Z", False),
        ("", False),  # no such Node
    ],
)
def test_a_node_is_ready_when_it_has_said_so_since_its_start(
    monkeypatch: pytest.MonkeyPatch, answer: str, ready: bool
) -> None:
    assert says(monkeypatch, answer) is ready


def test_a_node_that_does_not_run_is_not_ready_whatever_the_cluster_believes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert says(monkeypatch, "True 2026-11-21T12:00:06Z", started=None) is False


def test_nobody_is_ready_while_the_api_server_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> str:
        raise LookoutError("connection refused")

    monkeypatch.setattr(sandbox, "started_at", lambda _: STARTED)
    monkeypatch.setattr(kubeadm, "kubectl", refused)
    assert kubeadm.is_ready(SPEC, SPEC) is False
