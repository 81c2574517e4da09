"""One road for all specs, with a worker node beside the control plane's, and a table of verdicts at the end."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from lookout import contract
from tests.cluster.road import Road
from tests.soak import report
from tests.soak.pods import names, node_of, settle, settle_at_floor
from tests.soak.stage import Stage

_PLAYED = pytest.StashKey[Stage]()


@pytest.fixture(scope="session")
def road() -> Iterator[Road]:
    """A road of its own with one worker node, brought up by the user's own command and taken down at the end."""
    if os.geteuid() != 0:
        pytest.fail("these specs need root: the node makes namespaces and control groups")
    road = Road(Path(tempfile.mkdtemp(prefix="lookout-soak-")))
    try:
        road.lookout("up")
        _add_a_worker(road)
        yield road
    finally:
        road.remove()


def _add_a_worker(road: Road) -> None:
    """A worker joins the running cluster, and one of production's pods moves there: none moves by itself."""
    road.write_settings(workers=1)
    done = road.pulumi("up", "--yes", "--skip-preview")
    assert done.returncode == 0, done.stdout + done.stderr
    prod = f"--namespace={contract.namespace(contract.PRODUCTION)}"
    settle(road)
    road.kubectl("delete", "pod", names(road)[0], prod, "--wait=false")
    settle(road)
    assert node_of(road, names(road)[0]) != road.spec, "no pod of production runs on the worker"


@pytest.fixture(scope="session")
def stage(road: Road, request: pytest.FixtureRequest) -> Stage:
    """Production under load, through its door."""
    stage = Stage(road.url(contract.PRODUCTION), lambda: settle_at_floor(road))
    request.config.stash[_PLAYED] = stage
    return stage


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the verdict table and keep it."""
    stage = config.stash.get(_PLAYED, None)
    if stage is not None and stage.played:
        terminalreporter.section("disruptions")
        for line in report.lines(stage.played):
            terminalreporter.write_line(line)
        terminalreporter.write_line(f"written to {report.write(stage.played)}")
