"""A cluster ends as a whole, also where one of its nodes resists."""

from pathlib import Path
from typing import Any

import pytest

from infra.node import cgroups, lifecycle, network, sandbox, workers
from infra.node.spec import NodeSpec
from lookout.errors import LookoutError


def test_a_worker_that_resists_keeps_nothing_else_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    ended: list[str] = []

    def end(worker: Any) -> None:
        ended.append(worker.name)
        if worker.name.endswith("1"):
            raise LookoutError("control group cannot be removed")

    monkeypatch.setattr(workers, "end", end)
    monkeypatch.setattr(sandbox, "kill", lambda spec: ended.append(spec.name))
    monkeypatch.setattr(network, "disconnect", lambda _spec: None)
    monkeypatch.setattr(cgroups, "remove", lambda _spec: None)
    with pytest.raises(LookoutError, match="cannot be removed"):
        lifecycle._end(NodeSpec(name="unit"))
    assert ended == ["unit-worker-1", "unit-worker-2", "unit"]
