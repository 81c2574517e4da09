"""The measured pods are applied, waited for and taken away, whatever happens; kubectl is made up by the test."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from gitops import version_file
from loadtest.capacity import overlay, pods
from loadtest.capacity.pods import MeasuredPods
from lookout import contract, process, tools
from lookout.artifact import Artifact
from lookout.errors import LookoutError
from tests.unit.loadtest.capacity.test_overlay import environment

Object = dict[str, Any]
ARTIFACT = Artifact(bento="detector:a", model="ssd:1", image=f"{contract.IMAGE_REPOSITORY}@sha256:{'ab' * 32}")
HERE = ARTIFACT.image.replace(contract.REGISTRY, "127.0.0.1:5000")


class Kubectl:
    """A cluster that needs a few looks until what was applied is ready; one pod too many is never gone if `stuck`."""

    def __init__(self, looks: int = 2, stuck: bool = False) -> None:
        self.commands: list[list[str]] = []
        self.applied: Object | None = None
        self._looks, self._left, self._stuck = looks, 0, stuck

    def run(self, command: list[str | Path], *, input_text: str | None = None, timeout_s: float | None = None) -> str:
        assert timeout_s is not None
        words = [str(word) for word in command[2:]]
        self.commands.append(words)
        if words[0] == "apply":
            for item in yaml.safe_load_all(input_text or ""):
                if item["kind"] == "Deployment":
                    self.applied, self._left = item, self._looks
            return ""
        if words[0] == "delete":
            return ""
        return json.dumps(self._get(words))

    def _get(self, words: list[str]) -> Object:
        assert self.applied is not None
        wanted = self.applied["spec"]["replicas"]
        if "service" in words:
            return {"spec": {"clusterIP": "10.0.0.7"}}
        if "pods" in words:
            return {"items": [_pod(f"detector-{i}") for i in range(wanted + self._stuck)]}
        self._left -= 1
        ready = wanted if self._left <= 0 else 0
        status = {"observedGeneration": 1, "readyReplicas": ready, "updatedReplicas": wanted}
        return {"metadata": {"generation": 1}, "status": status}


class Cluster:
    """The environment runs an image under this cluster's own registry."""

    kubeconfig = "kubeconfig"
    image = HERE

    def __init__(self, _: object = None) -> None:
        pass

    def read(self, environments: tuple[str, ...]) -> Any:
        spec = {"template": {"spec": {"containers": [{"name": contract.DETECTOR, "image": self.image}]}}}

        class Reading:
            deployments = {environments[0]: {"spec": spec}}  # noqa: RUF012  # stands for a model

        return Reading()


@pytest.fixture
def kubectl(monkeypatch: pytest.MonkeyPatch) -> Kubectl:
    """In place of the program, of git's manifests and of the API."""
    made = Kubectl()
    monkeypatch.setattr(process, "run", made.run)
    monkeypatch.setattr(tools, "tool", lambda name: Path(name))
    monkeypatch.setattr(pods, "Cluster", Cluster)
    monkeypatch.setattr(pods, "render", lambda _environment: environment())
    monkeypatch.setattr(pods, "_SETTLE_S", 0.0)
    monkeypatch.setattr(pods, "_POLL_S", 0.001)
    return made


def test_as_many_pods_as_asked_for_run_this_clusters_image_under_the_limit(kubectl: Kubectl) -> None:
    with MeasuredPods("prod", ARTIFACT) as measured:
        assert measured.run(3, 200, print) == "http://10.0.0.7:80"
        assert kubectl.applied is not None
        assert kubectl.applied["spec"]["replicas"] == 3
        one = overlay.container([kubectl.applied])
        assert one["image"] == HERE
        assert version_file.digest(one["image"]) == version_file.digest(ARTIFACT.image)
        assert one["resources"]["limits"]["cpu"] == "200m"
        assert measured.environment_variables == {"LOOKOUT_THREADS": "1"}


@pytest.mark.parametrize("error", [KeyboardInterrupt, LookoutError, RuntimeError])
def test_whatever_happens_the_namespace_goes(kubectl: Kubectl, error: type[BaseException]) -> None:
    def say(_: str) -> None:
        raise error("in the middle")

    with pytest.raises(error, match="in the middle"), MeasuredPods("prod", ARTIFACT) as measured:
        measured.run(1, None, say)
    assert kubectl.commands[-1][:3] == ["delete", "namespace", overlay.NAMESPACE]


def test_a_namespace_whose_making_was_interrupted_goes_too(kubectl: Kubectl, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(command: list[str | Path], **options: Any) -> str:
        kubectl.run(command, **options)
        if "apply" in command:
            raise KeyboardInterrupt
        return ""

    monkeypatch.setattr(process, "run", interrupted)
    with pytest.raises(KeyboardInterrupt), MeasuredPods("prod", ARTIFACT):
        pytest.fail("the block was entered")
    assert [command[0] for command in kubectl.commands] == ["apply", "delete"]


def test_pods_that_are_not_ready_in_time_end_the_measurement_with_their_complaint(
    kubectl: Kubectl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pods, "_READY_WITHIN_S", 0.05)
    monkeypatch.setattr(kubectl, "_stuck", True)
    with pytest.raises(LookoutError, match="2 pods were not ready"), MeasuredPods("prod", ARTIFACT) as measured:
        measured.run(2, 200, print)
    assert kubectl.commands[-1][0] == "delete"


def test_another_image_than_gits_is_not_measured(kubectl: Kubectl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Cluster, "image", HERE.replace("ab", "cd"))
    with pytest.raises(LookoutError, match="prod runs sha256:cdcd"):
        MeasuredPods("prod", ARTIFACT)
    assert kubectl.commands == []


def _pod(name: str) -> Object:
    return {
        "metadata": {"name": name},
        "spec": {"containers": [{"name": contract.DETECTOR, "image": HERE}]},
        "status": {"conditions": [{"type": "Ready", "status": "True"}], "containerStatuses": []},
    }
