"""Kubernetes in the node: images, `kubeadm init`, and the few things changed after it."""

import json
import ssl
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Final

from infra.node import images, sandbox
from infra.node.spec import NodeSpec
from lookout import contract
from lookout.errors import LookoutError
from lookout.files import write_whole
from lookout.process import run
from lookout.tools import tool

_INIT_WITHIN_S: Final = 240
_READY_WITHIN_S: Final = 180
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


def import_images(spec: NodeSpec, archive: Path, say: Callable[[str], None]) -> None:
    """Load the node's images into containerd, unless this very archive was loaded before and all are still there.

    Under disk pressure the kubelet removes images, and nothing could pull these again.
    """
    stamp = spec.directory / "root" / "images.stamp"
    ctr = ["ctr", "--namespace", "k8s.io", "images"]
    if stamp.exists() and stamp.read_text() == archive.name:
        there = set(run(sandbox.enter(spec, [*ctr, "list", "--quiet"]), timeout_s=60).split())
        if {image.ref for image in images.node_images()} <= there:
            return
    say("importing images")
    run(sandbox.enter(spec, [*ctr, "import", str(archive)]), log=_log(spec), timeout_s=_INIT_WITHIN_S)
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
        path = f"PATH={tool('kubelet').parent}:/usr/sbin:/usr/bin:/sbin:/bin"
        run(sandbox.enter(spec, ["env", path, *command]), log=_log(spec), timeout_s=_INIT_WITHIN_S)
    _publish_kubeconfig(spec, admin)
    say("waiting for the API server")
    _wait(spec, "API server", lambda: api_answers(spec))
    if not done.exists():
        _adapt_addons(spec)
        done.touch()
    run(sandbox.enter(spec, ["touch", "/run/lookout/api-ready"]))
    say("waiting for the node to be Ready")
    _wait(spec, "node", lambda: _node_ready(spec))


def was_cut_short(spec: NodeSpec) -> bool:
    """Whether `kubeadm init` began and never ended: what it left cannot be gone on with."""
    return (spec.directory / "root" / "etc-kubernetes" / "pki").exists() and not _done(spec).exists()


def api_answers(spec: NodeSpec) -> bool:
    """Whether the API server says it is ready."""
    authority = spec.directory / "root" / "etc-kubernetes" / "pki" / "ca.crt"
    try:
        context = ssl.create_default_context(cafile=str(authority))
        with urllib.request.urlopen(f"{spec.api_url}/readyz", timeout=2, context=context) as answer:  # noqa: S310  # https
            return bool(answer.status == 200)
    except OSError:
        return False


def kubectl(spec: NodeSpec, *arguments: str, input_text: str | None = None) -> str:
    """Run kubectl as the node's administrator and return what it prints."""
    command: list[str | Path] = [tool("kubectl"), f"--kubeconfig={spec.kubeconfig}", *arguments]
    return run(command, input_text=input_text, timeout_s=60)


def _publish_kubeconfig(spec: NodeSpec, admin: Path) -> None:
    write_whole(spec.kubeconfig, admin.read_text(), mode=0o600)


def _adapt_addons(spec: NodeSpec) -> None:
    """What kubeadm's add-ons do not know of an embedded node.

    CoreDNS: one replica (two would ask for another 100m of two cores) and a Corefile that knows there is no way out.
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
        "deployment/coredns": {"spec": {"replicas": 1}},
        "daemonset/kube-proxy": {"spec": {"template": {"spec": {"affinity": {"nodeAffinity": affinity}}}}},
    }
    for target, patch in patches.items():
        kubectl(spec, "--namespace=kube-system", "patch", target, "--type=merge", f"--patch={json.dumps(patch)}")


def _node_ready(spec: NodeSpec) -> bool:
    path = '{.status.conditions[?(@.type=="Ready")].status}'
    try:
        return kubectl(spec, "get", "node", spec.name, f"--output=jsonpath={path}") == "True"
    except LookoutError:
        return False


def _wait(spec: NodeSpec, what: str, condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _READY_WITHIN_S
    while not condition():
        if time.monotonic() > deadline:
            raise LookoutError(
                f"the node's {what} was not ready within {_READY_WITHIN_S} s", f"see {spec.directory / 'logs'}"
            )
        if sandbox.first_process(spec) is None:
            raise LookoutError("the node ended while it was starting", f"see {spec.directory / 'logs' / 'init.log'}")
        time.sleep(0.25)


def _done(spec: NodeSpec) -> Path:
    return spec.directory / "root" / "kubeadm.done"


def _log(spec: NodeSpec) -> Path:
    return spec.directory / "logs" / "kubeadm.log"
