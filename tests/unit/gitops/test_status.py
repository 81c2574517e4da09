"""Git beside cluster, from plain dicts: what counts as settled, and what is said when it is not."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gitops import diagnosis, release, status
from gitops.cluster import Cluster, Reading, UnreachableError
from gitops.status import EnvironmentStatus
from lookout import contract
from lookout.artifact import Artifact
from tests.unit.gitops import build
from tests.unit.gitops.conftest import Road, commit_all

Make = Callable[[str], Artifact]


@pytest.fixture
def released(road: Road, image: Make) -> Road:
    """The road with release a in every environment, pushed."""
    release.cut(road.deploy, image("a"), contract.ENVIRONMENTS)
    road.deploy.push()
    return road


def _dev(road: Road, reading: Reading | None) -> EnvironmentStatus:
    return next(state for state in status.from_reading(road.deploy, reading) if state.environment == "dev")


def test_an_environment_that_runs_what_was_pushed_waits_for_nothing(released: Road, image: Make) -> None:
    state = _dev(released, build.settled(image("a")))
    assert state.waiting_for == ()
    assert state.running == (state.digest,)
    assert (state.sync, state.health, state.revision) == ("Synced", "Healthy", "c0ffee")


def test_the_registrys_name_in_the_cluster_does_not_matter_the_digest_does(released: Road, image: Make) -> None:
    there = build.with_registry(image("a"), "10.231.0.2:5000")
    assert _dev(released, build.settled(there)).waiting_for == ()


def test_a_commit_that_is_not_pushed_is_not_expected_in_the_cluster(released: Road, image: Make) -> None:
    release.cut(released.deploy, image("b"), ["dev"])
    state = _dev(released, build.settled(image("a")))
    assert state.waiting_for == ()
    assert (state.release, state.pushed) == (image("b"), image("a"))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"applications": ()}, "sync is no Application"),
        ({"applications": (build.application("dev", sync="OutOfSync"),)}, "sync is OutOfSync"),
        ({"applications": (build.application("dev", health="Progressing"),)}, "health is Progressing"),
        ({"deployments": {}}, "has not applied sha256:"),
        ({"pods": {}}, "0 of 1 pods are there"),
    ],
)
def test_says_what_an_environment_waits_for(released: Road, image: Make, change: dict[str, Any], says: str) -> None:
    reading = build.settled(image("a")).model_copy(update=change)
    assert any(says in why for why in _dev(released, reading).waiting_for)


@pytest.mark.parametrize(
    ("pods", "says"),
    [
        (("old", "b", {}), "old still runs sha256:"),
        (("new", "a", {"ready": False}), "new is not ready"),
        (
            ("new", "a", {"ready": False, "state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such"}}}),
            "new is not ready: ImagePullBackOff: no such",
        ),
        (
            ("new", "a", {"ready": False, "state": {"terminated": {"reason": "OOMKilled", "exitCode": 137}}}),
            "new is not ready: OOMKilled: exit code 137",
        ),
    ],
)
def test_says_why_a_pod_keeps_an_environment_waiting(
    released: Road, image: Make, pods: tuple[str, str, dict[str, Any]], says: str
) -> None:
    name, letter, fields = pods
    reading = build.settled(image("a")).model_copy(
        update={"pods": {"dev": (build.pod(name, image(letter), **fields),)}}
    )
    assert any(says in why for why in _dev(released, reading).waiting_for)


def test_a_pod_that_nothing_can_schedule_says_why(released: Road, image: Make) -> None:
    pending = build.pod("new", image("a"), ready=False)
    pending["status"] = {
        "phase": "Pending",
        "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "cpu"}],
    }
    reading = build.settled(image("a")).model_copy(update={"pods": {"dev": (pending,)}})
    assert "new is not ready: Unschedulable: cpu" in _dev(released, reading).waiting_for


def test_pods_on_their_way_out_are_not_waited_for(released: Road, image: Make) -> None:
    pods = (build.pod("new", image("a")), build.pod("old", image("b"), ready=False, leaving=True))
    reading = build.settled(image("a")).model_copy(update={"pods": {"dev": pods}})
    assert _dev(released, reading).waiting_for == ()


def test_a_manifest_that_does_not_render_shows_argo_cds_error(released: Road, image: Make) -> None:
    condition = {"type": "ComparisonError", "message": "kustomize build failed: no such file"}
    broken = build.application("dev", sync="Unknown", conditions=[condition])
    state = _dev(released, build.settled(image("a")).model_copy(update={"applications": (broken,)}))
    assert state.errors == ("ComparisonError: kustomize build failed: no such file",)


def test_a_failed_sync_names_the_objects_that_were_refused(released: Road, image: Make) -> None:
    resources = [
        {"kind": "Deployment", "name": "detector", "status": "SyncFailed", "message": "violates PodSecurity"},
        {"kind": "Service", "name": "detector", "status": "Synced", "message": "unchanged"},
    ]
    operation = {"phase": "Failed", "message": "one task failed", "syncResult": {"resources": resources}}
    failed = build.application("dev", operationState=operation)
    state = _dev(released, build.settled(image("a")).model_copy(update={"applications": (failed,)}))
    assert state.errors == ("sync failed: one task failed", "Deployment detector: violates PodSecurity")


def test_pods_that_may_not_be_made_are_explained(released: Road, image: Make) -> None:
    deployment = build.deployment(image("a"))
    deployment["status"]["conditions"] = [
        {"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable", "message": "ok"},
        {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "violates PodSecurity"},
        {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "timed out"},
    ]
    state = _dev(released, build.settled(image("a")).model_copy(update={"deployments": {"dev": deployment}}))
    assert state.errors == (
        "Deployment: FailedCreate: violates PodSecurity",
        "Deployment: ProgressDeadlineExceeded: timed out",
    )


def test_an_evicted_pod_says_why(image: Make) -> None:
    evicted = build.pod("old", image("a"), ready=False)
    evicted["status"] |= {"phase": "Failed", "reason": "Evicted", "message": "ephemeral storage"}
    assert diagnosis.pod_status(evicted).problem == "Evicted: ephemeral storage"


def test_a_broken_generator_and_a_broken_root_concern_everybody() -> None:
    conditions = [
        {"type": "ErrorOccurred", "status": "True", "message": "unable to parse file"},
        {"type": "ResourcesUpToDate", "status": "False", "message": "no"},
    ]
    root = {
        "metadata": {"name": contract.ROOT_APPLICATION},
        "status": {"conditions": [{"type": "ComparisonError", "message": "repository not reachable"}]},
    }
    reading = Reading(
        applications=(root,),
        application_sets=({"metadata": {"name": "detector"}, "status": {"conditions": conditions}},),
    )
    assert diagnosis.shared_errors(reading) == [
        "Application lookout: ComparisonError: repository not reachable",
        "ApplicationSet detector: unable to parse file",
    ]


def test_an_autoscaler_without_its_metric_is_an_error_and_nothing_to_wait_for(released: Road, image: Make) -> None:
    conditions = [
        {"type": "AbleToScale", "status": "True", "reason": "SucceededGetScale"},
        {"type": "ScalingActive", "status": "False", "reason": "FailedGetPodsMetric", "message": "no metrics known"},
    ]
    autoscalers = {"prod": {"status": {"conditions": conditions}}, "dev": {"status": {"conditions": conditions[:1]}}}
    reading = build.settled(image("a")).model_copy(update={"autoscalers": autoscalers})
    states = status.from_reading(released.deploy, reading)
    assert [state.errors for state in states] == [
        (),
        (),
        ("the autoscaler does not scale: FailedGetPodsMetric: no metrics known",),
    ]
    assert [state.waiting_for for state in states] == [(), (), ()]


def test_a_broken_version_file_is_an_error_of_its_environment_alone(released: Road, image: Make) -> None:
    (released.deploy.directory / "detector/envs/dev/version.yaml").write_text("image: latest\n")
    commit_all(released.deploy.directory, "by hand")
    states = status.from_reading(released.deploy, build.settled(image("a")))
    assert [bool(state.errors) for state in states] == [True, False, False]
    assert [state.unreadable for state in states] == [True, False, False]
    assert "is not a version file" in states[0].errors[0]


@pytest.mark.usefixtures("released")
def test_without_a_cluster_git_is_shown_and_the_reason_noted(tmp_path: Path) -> None:
    overview = status.overview(tmp_path / "no-kubeconfig")
    assert [state.release for state in overview.environments] == [state.pushed for state in overview.environments]
    assert overview.environments[0].sync is None
    assert len(overview.notes) == 1
    assert overview.notes[0].startswith("cluster not read: no usable kubeconfig")


def test_without_a_clone_the_reason_is_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOOKOUT_DEPLOY_DIR", str(tmp_path / "nowhere"))
    overview = status.overview(tmp_path / "no-kubeconfig")
    assert len(overview.notes) == 2
    assert "make up" in overview.notes[0]


def test_an_overview_counts_commits_that_are_not_pushed(released: Road, image: Make, tmp_path: Path) -> None:
    release.cut(released.deploy, image("b"), ["dev"])
    overview = status.overview(tmp_path / "no-kubeconfig")
    assert (overview.ahead, overview.behind) == (1, 0)


def test_a_kubeconfig_that_is_no_kubeconfig_is_unreachable_not_a_crash(tmp_path: Path) -> None:
    for i, text in enumerate(("", "not: a kubeconfig\n", "[[[", "apiVersion: v1\nkind: Config\n")):
        file = tmp_path / f"kubeconfig-{i}"
        file.write_text(text)
        with pytest.raises(UnreachableError, match="no usable kubeconfig"):
            Cluster(file)
