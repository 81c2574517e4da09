"""Kubernetes in the node: images, `kubeadm init`, and the few things changed after it."""

import json
import ssl
import time
import urllib.request
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final

from infra.node import images, kubeadm_init, sandbox
from infra.node.spec import Node, NodeSpec
from lookout import contract
from lookout.errors import LookoutError
from lookout.files import write_whole
from lookout.process import run
from lookout.tools import tool

_INIT_WITHIN_S: Final = 240
_READY_WITHIN_S: Final = 180
_BESIDE_THE_DOORS: Final = {"kubernetes.io/os": "linux", "node-role.kubernetes.io/control-plane": ""}
_COREFILE: Final = """.:53 {
    errors
    health {
       lameduck 5s
    }
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
       pods insecure
       fallthrough in-addr.arpa ip6.arpa
       ttl 5
    }
    prometheus :9153
    cache 5
    loop
    reload
    loadbalance
}
"""
"""Without `forward`: the embedded node has no way out, and a name outside it should fail at once."""


def import_images(node: Node, archive: Path, say: Callable[[str], None]) -> None:
    """Load a node's images into containerd, unless this very archive was loaded before and all are still there.

    Under disk pressure the kubelet removes images, and nothing could pull these again.
    """
    stamp = node.directory / "root" / "images.stamp"
    ctr = ["ctr", "--namespace", "k8s.io", "images"]
    if stamp.exists() and stamp.read_text() == archive.name:
        there = set(run(sandbox.enter(node, [*ctr, "list", "--quiet"]), timeout_s=60).split())
        if {image.ref for image in images.node_images()} <= there:
            return
    say("importing images")
    # Unpacked when a container first needs them: a worker runs two of them, and unpacking is most of the time.
    run(sandbox.enter(node, [*ctr, "import", "--no-unpack", str(archive)]), log=log(node), timeout_s=_INIT_WITHIN_S)
    stamp.write_text(archive.name)


def ensure_control_plane(spec: NodeSpec, say: Callable[[str], None]) -> None:
    """Run `kubeadm init` once in the life of a node, then wait until its node is Ready."""
    admin = spec.directory / "root" / "etc-kubernetes" / "admin.conf"
    done = _done(spec)
    if not done.exists():
        say("kubeadm init")
        command: list[str | Path] = [
            tool("kubeadm"),
            "init",
            "--config=/etc/lookout/kubeadm.yaml",
            "--ignore-preflight-errors=all",
        ]
        command += ["--skip-phases=show-join-command", "--skip-token-print"]
        run(sandbox.enter(spec, ["env", search_path(), *command]), log=log(spec), timeout_s=_INIT_WITHIN_S)
    _publish_kubeconfig(spec, admin)
    say("waiting for the API server")
    wait(spec, "API server", lambda: api_answers(spec))
    if not done.exists():
        _adapt_addons(spec)
        write_whole(done, kubeadm_init.digest(spec))
    run(sandbox.enter(spec, ["touch", "/run/lookout/api-ready"]))
    say("waiting for the node to be Ready")
    wait(spec, "Node", lambda: is_ready(spec, spec))


def search_path() -> str:
    """PATH for kubeadm inside a node: it asks the kubelet for its version."""
    return f"PATH={tool('kubelet').parent}:/usr/sbin:/usr/bin:/sbin:/bin"


def was_cut_short(spec: NodeSpec) -> bool:
    """Whether `kubeadm init` began and never ended: what it left cannot be gone on with."""
    return (spec.directory / "root" / "etc-kubernetes" / "pki").exists() and not _done(spec).exists()


def was_told_otherwise(spec: NodeSpec) -> bool:
    """Whether there is a cluster and kubeadm made it with other settings than it would get today.

    kubeadm changes nothing of a cluster that is there. One of a release that did not write its settings down counts.
    """
    return _done(spec).exists() and _done(spec).read_text() != kubeadm_init.digest(spec)


def api_answers(spec: NodeSpec) -> bool:
    """Whether the API server says it is ready."""
    authority = spec.directory / "root" / "etc-kubernetes" / "pki" / "ca.crt"
    try:
        context = ssl.create_default_context(cafile=str(authority))
        with urllib.request.urlopen(f"{spec.api_url}/readyz", timeout=2, context=context) as answer:  # noqa: S310  # https
            return bool(answer.status == 200)
    except OSError:
        return False


def kubectl(spec: NodeSpec, *arguments: str, input_text: str | None = None, within_s: float = 60) -> str:
    """Run kubectl as the cluster's administrator and return what it prints."""
    command: list[str | Path] = [tool("kubectl"), f"--kubeconfig={spec.kubeconfig}", *arguments]
    return run(command, input_text=input_text, timeout_s=within_s)


def _publish_kubeconfig(spec: NodeSpec, admin: Path) -> None:
    write_whole(spec.kubeconfig, admin.read_text(), mode=0o600)


def _adapt_addons(spec: NodeSpec) -> None:
    """What kubeadm's add-ons do not know of an embedded node.

    CoreDNS: one replica (two would ask for another 100m of two cores), beside the doors, which ask it for their way,
    and a Corefile that knows there is no way out.
    kube-proxy: never on simulated nodes, where its pod would be shown as running while nothing runs.
    """
    real_nodes_only = {"key": contract.SIMULATED_KEY, "operator": "DoesNotExist"}
    affinity = {
        "requiredDuringSchedulingIgnoredDuringExecution": {
            "nodeSelectorTerms": [{"matchExpressions": [real_nodes_only]}]
        }
    }
    patches = {
        "configmap/coredns": {"data": {"Corefile": _COREFILE}},
        "deployment/coredns": {"spec": {"replicas": 1, "template": {"spec": {"nodeSelector": _BESIDE_THE_DOORS}}}},
        "daemonset/kube-proxy": {"spec": {"template": {"spec": {"affinity": {"nodeAffinity": affinity}}}}},
    }
    for target, patch in patches.items():
        kubectl(spec, "--namespace=kube-system", "patch", target, "--type=merge", f"--patch={json.dumps(patch)}")


def is_ready(spec: NodeSpec, node: Node) -> bool:
    """Whether a node of the cluster has said, since it was started, that it is Ready.

    What it said before counts for nothing: the cluster takes half a minute to notice that a node has gone. False also
    where the API server does not answer.
    """
    path = '{range .status.conditions[?(@.type=="Ready")]}{.status} {.lastHeartbeatTime}{end}'
    started = sandbox.started_at(node)
    try:
        answer = kubectl(spec, "get", "node", node.name, "--ignore-not-found", f"--output=jsonpath={path}").split()
    except LookoutError:
        return False
    # Heartbeats come in whole seconds.
    return started is not None and answer[:1] == ["True"] and datetime.fromisoformat(answer[1]) >= started


def wait(node: Node, what: str, condition: Callable[[], bool]) -> None:
    """Poll until `condition` holds. LookoutError when it takes too long, or when the node ends meanwhile."""
    deadline = time.monotonic() + _READY_WITHIN_S
    while not condition():
        if time.monotonic() > deadline:
            raise LookoutError(
                f"{node.name}: {what} not ready within {_READY_WITHIN_S} s", f"see {node.directory / 'logs'}"
            )
        if sandbox.first_process(node) is None:
            raise LookoutError(
                f"{node.name} ended while it was starting", f"see {node.directory / 'logs' / 'init.log'}"
            )
        time.sleep(0.25)


def _done(spec: NodeSpec) -> Path:
    return spec.directory / "root" / "kubeadm.done"


def log(node: Node) -> Path:
    """Where what kubeadm prints about a node goes."""
    return node.directory / "logs" / "kubeadm.log"
