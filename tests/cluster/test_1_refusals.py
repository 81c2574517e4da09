"""What `up` refuses before it changes anything. Runs first: nothing is up yet."""

import socket

import pytest

from tests.cluster.road import Road
from tests.cluster.traces import traces

pytestmark = pytest.mark.cluster


def test_a_taken_port_is_named_with_its_remedy(empty_road: Road) -> None:
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        squatter.bind(("127.0.0.1", empty_road.doors["staging"]))
        squatter.listen()
        refused = empty_road.lookout("up", check=False)
    assert refused.returncode == 1
    assert f"{empty_road.doors['staging']} (staging" in refused.stderr
    assert "lookout:local.doors" in refused.stderr
    assert not empty_road.kubeconfig.parent.joinpath("root").exists()


def test_an_address_range_in_use_is_named(empty_road: Road) -> None:
    empty_road.write_settings(podCidr="127.0.0.0/16")
    try:
        refused = empty_road.lookout("up", check=False)
    finally:
        empty_road.write_settings()
    assert refused.returncode == 1
    assert "podCidr" in refused.stderr or "pod_cidr" in refused.stderr or "address ranges" in refused.stderr


def test_wrong_settings_are_refused_with_path_and_allowed_values(empty_road: Road) -> None:
    kept = empty_road.settings.read_text()
    empty_road.settings.write_text(kept.replace("lookout:target: local", "lookout:target: moon"))
    try:
        refused = empty_road.lookout("up", check=False)
    finally:
        empty_road.settings.write_text(kept)
    assert refused.returncode == 1
    assert "target" in refused.stderr
    assert "gke" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_refusals_leave_nothing_behind(empty_road: Road) -> None:
    left = traces(empty_road.state, empty_road.spec.name)
    assert left["network namespaces"] == left["interfaces"] == left["control groups"] == left["processes"] == []
