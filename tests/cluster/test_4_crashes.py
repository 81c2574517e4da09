"""A killed `up` at several steps, then `down`: nothing is left, and the next `up` works. Takes the road down: last."""

import os
import signal
import time

import pytest

from tests.cluster.road import Road, kill_group, wait_until
from tests.cluster.traces import traces

pytestmark = pytest.mark.cluster

_GONE = ("processes", "mounts", "network namespaces", "interfaces", "routes", "control groups")


def assert_nothing_runs(road: Road) -> None:
    left = traces(road.state, road.spec.name)
    assert {what: left[what] for what in _GONE} == {what: [] for what in _GONE}


def test_down_takes_at_most_15_seconds_and_leaves_only_git_and_registry(road: Road) -> None:
    started = time.monotonic()
    done = road.lookout("down")
    assert time.monotonic() - started <= 15, done.stderr
    assert_nothing_runs(road)
    assert sorted(path.name for path in road.kubeconfig.parent.iterdir()) == ["git", "registry"]


def test_down_works_with_settings_that_cannot_be_read(road: Road) -> None:
    kept = road.settings.read_text()
    road.settings.write_text(kept.replace("lookout:target: local", "lookout:target: moon"))
    try:
        road.lookout("down")
    finally:
        road.settings.write_text(kept)


def test_down_again_is_harmless(road: Road) -> None:
    road.lookout("down")
    assert_nothing_runs(road)


@pytest.mark.parametrize("last_words", ["namespaces and services", "creating argocd/Deployment"])
def test_a_killed_up_can_be_taken_down_without_a_trace(road: Road, last_words: str) -> None:
    log = road.state / "lookout" / "logs" / "up.log"
    log.unlink(missing_ok=True)
    running = road.start("up")
    deadline = time.monotonic() + 120
    while not (log.exists() and last_words in log.read_text()):
        assert running.poll() is None, "up ended before it could be killed"
        assert time.monotonic() < deadline, f"up never came to {last_words!r}"
        time.sleep(0.05)
    kill_group(running)
    road.lookout("down")
    assert_nothing_runs(road)


def test_up_after_down_brings_what_git_names_within_120_seconds_though_one_was_killed_in_kubeadm(road: Road) -> None:
    """Nothing is pushed then, so nothing but `up` itself tells Argo CD to look."""
    head = road.git("rev-parse", "HEAD")
    log = road.state / "lookout" / "logs" / "up.log"
    log.unlink(missing_ok=True)
    running = road.start("up")
    authority = road.kubeconfig.parent / "root" / "etc-kubernetes" / "admin.conf"
    wait_until(lambda: authority.exists() or running.poll() is not None, 120, "kubeadm has written admin.conf")
    assert running.poll() is None
    kill_group(running)
    started = time.monotonic()
    done = road.lookout("up")
    took = time.monotonic() - started
    assert "cat 0." in done.stderr
    assert took <= 120, done.stderr
    assert road.git("ls-remote", "origin", "refs/heads/main").split()[0] == head


def test_interrupting_up_ends_with_130_and_the_next_down_is_clean(road: Road) -> None:
    road.lookout("down")
    log = road.state / "lookout" / "logs" / "up.log"
    log.unlink(missing_ok=True)
    running = road.start("up")
    wait_until(lambda: log.exists() and "importing images" in log.read_text(), 120, "images are being imported")
    assert running.poll() is None
    os.killpg(running.pid, signal.SIGINT)
    output, _ = running.communicate(timeout=90)
    assert running.returncode == 130, output
    assert "Traceback" not in output
    road.lookout("down")
    assert_nothing_runs(road)
