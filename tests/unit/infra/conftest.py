"""Running the Pulumi program against mocks that record what it registers; assertions follow, on plain dicts."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime.mocks import MockMonitor

# What the clouds would answer, for what the program reads back.
_ANSWERS: dict[str, dict[str, Any]] = {
    "gcp:container/cluster:Cluster": {
        "endpoint": "203.0.113.1",
        "selfLink": "https://container.example/clusters/lookout",
        "masterAuth": {"clusterCaCertificate": "Q0E="},
    },
    "aws:eks/cluster:Cluster": {
        "arn": "arn:aws:eks:r:123456789012:cluster/lookout",
        "endpoint": "https://eks.example",
        "certificateAuthority": {"data": "Q0E="},
    },
    "aws:eks/nodeGroup:NodeGroup": {"resources": [{"autoscalingGroups": [{"name": "asg-1"}]}]},
    "aws:ec2/launchTemplate:LaunchTemplate": {"latestVersion": 3},
    "aws:iam/role:Role": {"arn": "arn:aws:iam::123456789012:role/nodes"},
    "command:local:Command": {
        "stdout": "clusters: [{name: kind, cluster: {server: 'https://127.0.0.1:6443'}}]",
    },
    "pulumi-python:dynamic:LocalNode": {
        "kubeconfig": "server: https://10.231.0.2:6443",
        "address": "10.231.0.2",
        "fingerprint": "0123456789ab",
    },
}


@dataclass
class Recorder(pulumi.runtime.Mocks):
    """Registered resources in order, as (type, name, inputs)."""

    resources: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    dependencies: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    """Names of the resources that each resource depends on, by its type and name."""
    requests: dict[tuple[str, str], Any] = field(default_factory=dict)
    """What the engine would get, secrets marked, by type and name."""

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        """Record one registration and answer as the provider would."""
        self.resources.append((args.typ, args.name, dict(args.inputs)))
        return f"{args.name}-id", {**args.inputs, **_ANSWERS.get(args.typ, {})}

    def call(self, args: pulumi.runtime.MockCallArgs) -> dict[str, Any]:  # type: ignore[override]  # the SDK takes both
        """Answer the few lookups the program makes."""
        asked = args.token
        if asked == "azure-native:containerservice:listManagedClusterAdminCredentials":
            return {"kubeconfigs": [{"name": "admin", "value": "a2luZDogQ29uZmln"}]}
        if asked == "aws:ec2/getSubnets:getSubnets":
            zones = [
                zone for item in args.args["filters"] if item["name"] == "availability-zone" for zone in item["values"]
            ]
            return {"ids": [f"subnet-{zone}" for zone in zones or ("a", "b", "c")], "id": "found"}
        if asked == "aws:ec2/getVpc:getVpc":
            return {"id": "vpc-1"}
        raise AssertionError(f"the program asked {asked}, which no test expects")

    def of(self, kind: str) -> dict[str, dict[str, Any]]:
        """Inputs by name of the resources of one type."""
        return {name: inputs for typ, name, inputs in self.resources if typ == kind}

    @property
    def names(self) -> list[str]:
        """Names in the order of registration."""
        return [name for _, name, _ in self.resources]


class _Monitor(MockMonitor):
    """The SDK's own stand-in for the engine, which hides dependencies from the mocks."""

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802  # the SDK's name
        recorder: Recorder = self.mocks  # type: ignore[assignment]  # made with one below
        recorder.requests[request.type, request.name] = request
        recorder.dependencies[request.type, request.name] = {urn.rpartition("::")[2] for urn in request.dependencies}
        return super().RegisterResource(request)  # type: ignore[no-untyped-call]  # the SDK leaves it untyped


Record = Callable[[Callable[[], object]], Recorder]


@pytest.fixture
def record() -> Record:
    """Run a piece of the program to its end and hand back what it registered."""

    def run(program: Callable[[], object]) -> Recorder:
        asyncio.set_event_loop(asyncio.new_event_loop())
        recorder = Recorder()
        monitor = _Monitor(recorder)
        pulumi.runtime.set_mocks(recorder, project="lookout", stack="test", preview=False, monitor=monitor)

        def whole() -> None:
            program()

        pulumi.runtime.test(whole)()  # type: ignore[no-untyped-call]  # the SDK leaves it untyped
        return recorder

    return run


@pytest.fixture
def manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small stand-in for Argo CD's manifest, which is only there where the tools were built."""
    from lookout import tools

    file = tmp_path / "core-install.yaml"
    file.write_text((Path(__file__).parent / "core-install.yaml").read_text())

    def asset(name: str) -> Path:
        assert name == "argocd/core-install.yaml"
        return file

    monkeypatch.setattr(tools, "asset", asset)
    return file


CLOUD: Mapping[str, Any] = {
    "gitops": {"repository": "https://git.example.com/team/config.git"},
    "registry": "registry.example.com/team",
    "nodePools": [
        {"name": "cpu", "machineType": "small", "min": 1, "max": 3},
        {
            "name": "gpu",
            "machineType": "large",
            "min": 0,
            "max": 4,
            "gpu": {"type": "nvidia-t4", "count": 2},
            "spot": True,
            "zones": ["a", "b"],
            "labels": {"team": "vision"},
            "taints": [{"key": "dedicated", "value": "vision", "effect": "NoExecute"}],
        },
    ],
}


@pytest.fixture
def cloud() -> dict[str, Any]:
    """Settings that every cloud target takes, less its own section."""
    return dict(CLOUD)
