"""What the cluster itself promises: schemas, Pod Security, limits of the project, simulated pools, its own restart."""

import json
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from gitops import render
from lookout import contract
from lookout.tools import tool
from tests.cluster import schemas
from tests.cluster.road import STACK, Road, wait_until

pytestmark = pytest.mark.cluster
SIMULATED_NAMESPACE = f"{contract.SIMULATED_NAMESPACE_PREFIX}test"


def pod(name: str, **spec: Any) -> str:
    """A pod that would pass Pod Security `restricted`, as YAML."""
    container = {
        "name": "main",
        "image": "example.invalid/none@sha256:" + "0" * 64,
        "resources": {"limits": {contract.GPU_RESOURCE: "1"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "runAsNonRoot": True,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {"containers": [container], **spec}}
    return yaml.safe_dump(body)


@pytest.fixture(scope="module")
def simulated_namespace(road: Road) -> str:
    road.kubectl("create", "namespace", SIMULATED_NAMESPACE)
    return f"--namespace={SIMULATED_NAMESPACE}"


def test_rendered_manifests_fit_the_running_api_servers_schemas(road: Road, tmp_path: Path) -> None:
    openapi = json.loads(road.kubectl("get", "--raw", "/openapi/v2"))
    location = schemas.write(openapi, tmp_path)
    checker = [str(tool("kubeconform")), "-strict", "-summary", "-schema-location", location]
    count = 0
    for environment in contract.ENVIRONMENTS:
        for document in render.render(environment, road.deploy):
            count += 1
            done = subprocess.run(checker, check=False, input=yaml.safe_dump(document), capture_output=True, text=True)
            assert done.returncode == 0, done.stdout + done.stderr
    assert count >= 5 * len(contract.ENVIRONMENTS)
    broken = yaml.safe_dump({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x"}, "spec": {"prots": []}})
    refused = subprocess.run(checker, check=False, input=broken, capture_output=True, text=True)
    assert refused.returncode != 0, "the schemas let a misspelt field pass"


def test_argo_cds_own_documents_fit_their_schemas(road: Road, tmp_path: Path) -> None:
    location = schemas.write(json.loads(road.kubectl("get", "--raw", "/openapi/v2")), tmp_path)
    files = [*(road.deploy / "projects").glob("*.yaml"), *(road.deploy / "applicationsets").glob("*.yaml")]
    command = [str(tool("kubeconform")), "-strict", "-schema-location", location, *map(str, files)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(files) >= 2


@pytest.mark.parametrize("environment", contract.ENVIRONMENTS)
def test_pod_security_restricted_is_enforced(road: Road, environment: str) -> None:
    answer = road.kubectl(
        "run", "intruder", f"--namespace={contract.namespace(environment)}", "--image=example.invalid/x",
        "--privileged", check=False,
    )  # fmt: skip
    assert 'violates PodSecurity "restricted' in answer


def test_a_pod_that_tolerates_the_pool_is_scheduled_on_a_simulated_gpu_node(
    road: Road, simulated_namespace: str
) -> None:
    tolerations = [
        {"key": contract.GPU_TAINT_KEY, "operator": "Exists", "effect": "NoSchedule"},
        {"key": contract.SIMULATED_KEY, "operator": "Equal", "value": contract.SIMULATED_VALUE, "effect": "NoSchedule"},
    ]
    road.kubectl("create", simulated_namespace, "--filename=-", input_text=pod("tolerant", tolerations=tolerations))
    wait_until(
        lambda: road.get("pod", "tolerant", simulated_namespace)["status"]["phase"] == "Running", 30, "the pod runs"
    )
    node = road.get("node", road.get("pod", "tolerant", simulated_namespace)["spec"]["nodeName"])
    assert node["metadata"]["annotations"][contract.SIMULATED_KEY] == contract.SIMULATED_VALUE
    assert int(node["status"]["capacity"][contract.GPU_RESOURCE]) >= 1


def test_a_pod_without_tolerations_never_gets_a_simulated_node(road: Road, simulated_namespace: str) -> None:
    road.kubectl("create", simulated_namespace, "--filename=-", input_text=pod("intolerant"))

    def refused() -> bool:
        conditions = road.get("pod", "intolerant", simulated_namespace)["status"].get("conditions", [])
        return any(c["type"] == "PodScheduled" and c["reason"] == "Unschedulable" for c in conditions)

    wait_until(refused, 30, "the scheduler refuses the pod")
    assert "nodeName" not in road.get("pod", "intolerant", simulated_namespace)["spec"]


def test_nothing_but_sim_namespaces_runs_on_simulated_nodes(road: Road) -> None:
    simulated = {
        node["metadata"]["name"]
        for node in road.get("nodes")["items"]
        if contract.SIMULATED_KEY in node["metadata"].get("annotations", {})
    }
    assert simulated
    for each in road.get("pods", "--all-namespaces")["items"]:
        if each["spec"].get("nodeName") in simulated:
            assert each["metadata"]["namespace"].startswith(contract.SIMULATED_NAMESPACE_PREFIX)


def test_the_project_refuses_kinds_and_namespaces_it_does_not_need(road: Road) -> None:
    application = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": "intruder", "namespace": contract.ARGOCD_NAMESPACE},
        "spec": {
            "project": contract.ARGOCD_PROJECT,
            "source": {
                "repoURL": road.spec.git_url_in_cluster,
                "path": f"{contract.CONFIG_ENVS}/dev",
                "targetRevision": contract.GIT_BRANCH,
            },
            "destination": {"server": "https://kubernetes.default.svc", "namespace": "kube-system"},
        },
    }
    road.kubectl("create", "--filename=-", input_text=yaml.safe_dump(application))
    try:

        def refused() -> bool:
            found = road.get("application", "intruder", f"--namespace={contract.ARGOCD_NAMESPACE}")
            conditions = found.get("status", {}).get("conditions", [])
            return any(
                c["type"] == "InvalidSpecError" and "do not match any of the allowed" in c["message"]
                for c in conditions
            )

        wait_until(refused, 30, "Argo CD refuses the destination")
    finally:
        road.kubectl("delete", "application", "intruder", f"--namespace={contract.ARGOCD_NAMESPACE}")


def test_preview_needs_no_running_node_and_up_brings_it_back_with_its_state(road: Road) -> None:
    before = road.git("rev-parse", "HEAD")
    road.lookout("node", "down")
    assert road.lookout("node", "status", check=False).returncode == 1
    previewed = road.pulumi("preview")
    assert previewed.returncode == 0, previewed.stdout + previewed.stderr
    started = time.monotonic()
    road.lookout("node", "up")
    print(f"node back after {time.monotonic() - started:.1f} s")
    state = json.loads(road.lookout("node", "status", "--json").stdout)
    assert state["state"] == "ready"
    road.lookout("up")
    assert road.git("ls-remote", "origin", "refs/heads/main").split()[0] == before
    assert road.pulumi("stack", "ls").stdout.count(STACK) >= 1


def test_a_door_moved_to_a_taken_port_is_refused_and_the_node_runs_on(road: Road) -> None:
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", 0))
        squatter.listen()
        port = squatter.getsockname()[1]
        road.write_settings(doors={**road.doors, "dev": port})
        try:
            refused = road.lookout("up", check=False)
        finally:
            road.write_settings()
    assert refused.returncode == 1
    assert f"{port} (dev" in refused.stderr
    assert json.loads(road.lookout("node", "status", "--json").stdout)["state"] == "ready"


def test_a_service_of_the_node_that_dies_is_started_again(road: Road) -> None:
    def lighttpd() -> list[str]:
        return road.lookout("node", "shell", "--", "pgrep", "-x", "lighttpd", check=False).stdout.split()

    before = lighttpd()
    road.lookout("node", "shell", "--", "kill", "-9", *before)
    wait_until(lambda: lighttpd() not in ([], before), 20, "lighttpd runs again")
    assert road.git("ls-remote", "origin", "refs/heads/main")


def test_the_node_outlives_the_shell_that_started_it(road: Road) -> None:
    """Its first process belongs to no session of ours and has no terminal."""
    state = json.loads(road.lookout("node", "status", "--json").stdout)
    fields = Path(f"/proc/{state['pid']}/stat").read_text().rpartition(")")[2].split()
    parent, session, terminal = int(fields[1]), int(fields[3]), int(fields[4])
    assert terminal == 0
    assert session != int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[3])
    assert int(Path(f"/proc/{parent}/stat").read_text().rpartition(")")[2].split()[1]) == 1
