"""One road for all cluster tests: brought up once by the user's own command, taken down at the end."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.road import Road
from tests.cluster.traces import traces


@pytest.fixture(scope="session")
def empty_road() -> Iterator[Road]:
    """A road that nothing has been brought up on; whatever tests bring up is removed, and must leave no trace."""
    if os.geteuid() != 0:
        pytest.fail("cluster tests need root: the node makes namespaces and control groups")
    road = Road(Path(tempfile.mkdtemp(prefix="lookout-test-")))
    before = traces(road.state, road.spec.name)
    yield road
    road.remove()
    assert traces(road.state, road.spec.name) == before


@pytest.fixture(scope="session")
def road(empty_road: Road) -> Road:
    """The road after `lookout up`."""
    empty_road.lookout("up")
    return empty_road
