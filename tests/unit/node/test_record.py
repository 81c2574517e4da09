"""What a node was started with, and whether it can stay when the settings, or this project's release, are others."""

import json
from pathlib import Path

import pytest

from infra.node import lifecycle, network, record, workers
from infra.node.spec import Doors, NodeSpec

SPEC = NodeSpec(name="unit")


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(lifecycle, "is_running", lambda _: True)
    monkeypatch.setattr(workers, "is_settled", lambda _: True)


def written_by_a_release_without_prometheus() -> None:
    """The record of a node whose release knew neither that door nor workers."""
    record.write(SPEC)
    file = SPEC.directory / "spec.json"
    old = json.loads(file.read_text())
    del old["workers"], old["doors"]["prometheus"]
    file.write_text(json.dumps(old))


def test_a_node_runs_as_it_was_brought_up() -> None:
    assert record.read("unit") is None
    assert not lifecycle.runs_as(SPEC)
    record.write(SPEC)
    assert record.read("unit") == SPEC
    assert lifecycle.runs_as(SPEC)


def test_workers_change_without_a_restart_and_doors_do_not() -> None:
    record.write(SPEC)
    recorded = record.read("unit")
    assert record.same_but_workers(recorded, SPEC.model_copy(update={"workers": 2}))
    assert not record.same_but_workers(recorded, SPEC.model_copy(update={"doors": Doors(prod=18080)}))


def test_a_running_node_of_an_older_release_is_restarted_with_the_doors_it_lacks() -> None:
    written_by_a_release_without_prometheus()
    assert record.read("unit") == SPEC, "the settings are the same; what is open is not"
    assert not lifecycle.runs_as(SPEC)
    assert not record.same_but_workers(record.read("unit"), SPEC)


def test_a_door_that_an_older_release_did_not_open_is_not_taken_for_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    written_by_a_release_without_prometheus()
    asked: list[set[int]] = []

    def open_doors(_spec: NodeSpec, held: set[int]) -> dict[str, object]:
        asked.append(held)
        return {}

    monkeypatch.setattr(network, "open_doors", open_doors)
    monkeypatch.setattr(network, "refuse_taken_ranges", lambda _: None)
    lifecycle.refuse_conflicts(SPEC)
    assert asked == [set(SPEC.doors.model_dump().values()) - {SPEC.doors.prometheus}]
