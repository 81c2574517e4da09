"""Putting the measured pods into the cluster, changing their number, and taking them away again, by kubectl."""

import json
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Final, Self

import yaml

from gitops.cluster import Cluster
from gitops.diagnosis import pod_status
from gitops.render import render
from gitops.version_file import digest
from loadtest.capacity import overlay, room
from lookout import contract, process, tools
from lookout.artifact import Artifact
from lookout.errors import LookoutError

Object = dict[str, Any]

_MANAGER: Final = "lookout-capacity"
_READY_WITHIN_S: Final = 90.0
_GONE_WITHIN: Final = "60s"
_POLL_S: Final = 0.25
_SETTLE_S: Final = 1.0
"""Between the last pod's readiness and kube-proxy's rules on every node."""


class MeasuredPods:
    """The overlay in one cluster; leaving the block removes it, whatever happened inside."""

    def __init__(self, environment: str, artifact: Artifact, kubeconfig: str | None = None) -> None:
        """LookoutError when the environment does not run the artifact."""
        self._kubeconfig = Cluster(kubeconfig).kubeconfig
        self._environment = environment
        self._rendered = render(environment)
        self._image = _running_image(Cluster(kubeconfig), environment, artifact)

    def __enter__(self) -> Self:
        try:
            self._apply(overlay.namespace())
        except BaseException:  # interrupted, it may be there
            self._remove()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._remove()

    @property
    def environment_variables(self) -> dict[str, str]:
        """Those of the detector's container, as git has them."""
        return {item["name"]: item["value"] for item in overlay.container(self._rendered).get("env", ())}

    def run(self, replicas: int, limit_millicores: int | None, say: Callable[[str], None]) -> str:
        """Bring exactly so many pods up and return the URL of their Service.

        LookoutError with the pods' complaints when they are not ready in time, with all older pods gone.
        """
        self._apply(overlay.objects(self._rendered, self._image, replicas, limit_millicores))
        say(f"waiting for {replicas} pod{'s' * (replicas > 1)}")
        deadline = time.monotonic() + _READY_WITHIN_S
        while not self._settled(replicas):
            if time.monotonic() > deadline:
                raise LookoutError(
                    f"{replicas} pods were not ready within {_READY_WITHIN_S:g} s: {self._complaints()}",
                    "see whether the node has room: lookout node status; or measure fewer with --replicas",
                )
            time.sleep(_POLL_S)
        time.sleep(_SETTLE_S)
        service = self._get("service", contract.DETECTOR)
        return f"http://{service['spec']['clusterIP']}:{contract.SERVICE_PORT}"

    def pods_per_machine(self) -> int | None:
        """How many of the environment's pods a node of this cluster holds, by their requests."""
        requests = overlay.container(self._rendered)["resources"]["requests"]
        nodes = self._kubectl_json("get", "nodes")["items"]
        pods = self._kubectl_json("get", "pods", "--all-namespaces")["items"]
        return room.pods_per_machine(nodes, pods, requests, (overlay.NAMESPACE, contract.namespace(self._environment)))

    def _settled(self, replicas: int) -> bool:
        deployment = self._get("deployment", contract.DETECTOR)
        status = deployment.get("status", {})
        current = status.get("observedGeneration") == deployment["metadata"]["generation"]
        ready = status.get("readyReplicas", 0) == status.get("updatedReplicas", 0) == replicas
        return current and ready and len(self._pods()) == replicas

    def _complaints(self) -> str:
        states = [pod_status(pod) for pod in self._pods()]
        found = [f"{state.name}: {state.problem or 'not ready'}" for state in states if not state.ready]
        return "; ".join(found) or "some are missing"

    def _pods(self) -> list[Object]:
        found: list[Object] = self._get("pods")["items"]
        return found

    def _apply(self, wanted: Object | Sequence[Object]) -> None:
        text = yaml.safe_dump_all([wanted] if isinstance(wanted, dict) else wanted)
        words = ("apply", "--server-side", "--force-conflicts", f"--field-manager={_MANAGER}", "--filename=-")
        self._kubectl(*words, given=text)

    def _remove(self) -> None:
        self._kubectl("delete", "namespace", overlay.NAMESPACE, "--ignore-not-found", "--timeout", _GONE_WITHIN)

    def _get(self, *what: str) -> Object:
        return self._kubectl_json("get", "--namespace", overlay.NAMESPACE, *what)

    def _kubectl_json(self, *arguments: str) -> Object:
        found: Object = json.loads(self._kubectl(*arguments, "--output=json"))
        return found

    def _kubectl(self, *arguments: str, given: str | None = None) -> str:
        command = [str(tools.tool("kubectl")), f"--kubeconfig={self._kubeconfig}", *arguments]
        return process.run(command, input_text=given, timeout_s=90)


def _running_image(cluster: Cluster, environment: str, artifact: Artifact) -> str:
    """The image as this cluster names it: git names no cluster's registry."""
    deployment = cluster.read((environment,)).deployments.get(environment)
    if deployment is None:
        raise LookoutError(f"{environment} is not in this cluster", "look: lookout release status")
    image = str(overlay.container([deployment | {"kind": "Deployment"}])["image"])
    if digest(image) != digest(artifact.image):
        raise LookoutError(
            f"{environment} runs {digest(image)[:19]} and deploy/ says {digest(artifact.image)[:19]}",
            "push the release and wait for it: lookout release status",
        )
    return image
