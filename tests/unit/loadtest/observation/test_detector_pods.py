"""Whose pods are asked for, and what the cluster's objects say of them."""

from pathlib import Path
from typing import Any

import pytest

from loadtest.observation.detector_pods import Pod, environment_behind, pods_behind, seen
from lookout import contract, environment

DEPLOYMENT = {"spec": {"replicas": 2}}


@pytest.fixture(autouse=True)
def _doors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "doors", lambda: {**contract.DOORS, "dev": 18082})


def _pod(name: str, ready: str = "True", restarts: int = 0, **metadata: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "uid": f"uid-{name}", **metadata},
        "status": {
            "conditions": [{"type": "Ready", "status": ready}],
            "containerStatuses": [{"restartCount": restarts}],
        },
    }


def test_pods_are_wanted_ready_and_restarted() -> None:
    found = seen(DEPLOYMENT, {"items": [_pod("b", restarts=3), _pod("a", ready="False")]})
    assert found.wanted == 2
    assert found.pods == (Pod("a", "uid-a", False, 0), Pod("b", "uid-b", True, 3))


def test_a_pod_that_is_going_or_only_scheduled_is_not_ready() -> None:
    going = _pod("going", deletionTimestamp="2026-01-01T00:00:00Z")
    scheduled: dict[str, Any] = {"metadata": {"name": "new", "uid": "u"}, "status": {}}
    assert [pod.ready for pod in seen(DEPLOYMENT, {"items": [going, scheduled]}).pods] == [False, False]


@pytest.mark.parametrize("listed", [{}, {"items": [{}]}, {"items": None}, []])
def test_other_objects_are_refused(listed: Any) -> None:
    with pytest.raises(ValueError, match="not a Deployment"):
        seen(DEPLOYMENT, listed)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:8080", "prod"),
        ("http://localhost:8081/", "staging"),
        ("http://127.0.0.1:18082", "dev"),
        ("http://127.0.0.1:8082", None),  # moved elsewhere by the stack's settings
        ("http://127.0.0.1:5000", None),  # a door, but not an environment's
        ("http://127.0.0.1", None),
        ("https://example.org:8080", None),
    ],
)
def test_only_the_stacks_own_doors_have_pods_behind_them(url: str, expected: str | None) -> None:
    assert environment_behind(url) == expected


def test_without_a_node_there_are_no_pods_to_ask(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(environment, "kubeconfig", lambda: tmp_path / "none")
    assert pods_behind("http://127.0.0.1:8080") is None


def test_a_useless_kubeconfig_is_no_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "config").write_text("neither: this nor that")
    monkeypatch.setattr(environment, "kubeconfig", lambda: tmp_path / "config")
    assert pods_behind("http://127.0.0.1:8080") is None


def test_another_server_needs_no_stack_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_stack() -> dict[str, int]:
        raise AssertionError("read the stack's settings for a server elsewhere")

    monkeypatch.setattr(environment, "doors", no_stack)
    assert environment_behind("http://192.0.2.1:8080") is None
