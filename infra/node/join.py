"""How a started worker becomes a Node of the cluster: `kubeadm join` once in its life, then its pods' range."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import IPv4Network
from pathlib import Path
from typing import Final

from infra.node import kubeadm, network, sandbox, worker_services
from infra.node.spec import NodeSpec
from infra.node.worker_spec import WorkerSpec
from lookout.errors import LookoutError
from lookout.files import write_whole
from lookout.process import run
from lookout.tools import tool

_TOKEN_LIVES: Final = "10m"  # noqa: S105  # a duration
_JOIN_WITHIN_S: Final = 180


def ensure(worker: WorkerSpec, say: Callable[[str], None]) -> None:
    """Join the worker unless it has been, give its pods their network, and wait until its Node is Ready."""
    if not is_done(worker):
        say(f"{worker.name}: kubeadm join")
        _join(worker)
        _done(worker).touch()
    pods = _pod_range(worker)
    path, text = worker_services.pod_network(worker, pods)
    write_whole(path, text)
    network.route_pods(worker, pods)
    say(f"{worker.name}: waiting for the Node to be Ready")
    kubeadm.wait(worker, "its Node is", lambda: kubeadm.is_ready(worker.cluster, worker))


def is_done(worker: WorkerSpec) -> bool:
    """Whether `kubeadm join` has come to its end for this worker."""
    return _done(worker).exists()


def command_line(printed: str) -> tuple[str, str]:
    """Token and hash of the cluster's authority in what `kubeadm token create --print-join-command` prints."""
    words = printed.split()
    try:
        return words[words.index("--token") + 1], words[words.index("--discovery-token-ca-cert-hash") + 1]
    except (ValueError, IndexError):
        raise LookoutError("kubeadm printed no join command", "run: lookout node up") from None


def _join(worker: WorkerSpec) -> None:
    config = worker_services.JOIN_CONFIG
    # The token passes through standard input and a file that only the worker's own /run holds: neither a log nor the
    # list of processes shows it.
    script = f"umask 077; cat >{config}; {tool('kubeadm')} join --config={config} --ignore-preflight-errors=all; "
    script += f"code=$?; rm -f {config}; exit $code"
    with token(worker.cluster) as (secret, ca_hash):
        run(
            sandbox.enter(worker, ["env", kubeadm.search_path(), "sh", "-c", script]),
            input_text=worker_services.join_configuration(worker, secret, ca_hash),
            log=kubeadm.log(worker),
            timeout_s=_JOIN_WITHIN_S,
        )


@contextmanager
def token(spec: NodeSpec) -> Iterator[tuple[str, str]]:
    """A token for one join, with the hash by which the worker knows the cluster; it ends with the join."""
    create: list[str | Path] = [tool("kubeadm"), "token", "create", "--print-join-command", f"--ttl={_TOKEN_LIVES}"]
    secret, ca_hash = command_line(run([*create, f"--kubeconfig={spec.kubeconfig}"], timeout_s=_JOIN_WITHIN_S))
    name = secret.partition(".")[0]
    try:
        # Until the controller manager has signed for the token, kubeadm would look again only every five seconds.
        signature = f"--output=jsonpath={{.data.jws-kubeconfig-{name}}}"
        info = ("--namespace=kube-public", "get", "configmap", "cluster-info", signature)
        kubeadm.wait(spec, "the join token is", lambda: bool(kubeadm.kubectl(spec, *info)))
        yield secret, ca_hash
    finally:
        kubeadm.kubectl(
            spec, "--namespace=kube-system", "delete", "secret", f"bootstrap-token-{name}", "--ignore-not-found"
        )


def _pod_range(worker: WorkerSpec) -> IPv4Network:
    """The /24 that the controller manager has given to the worker's Node."""
    found: list[str] = []

    def assigned() -> bool:
        query = ("get", "node", worker.name, "--ignore-not-found", "--output=jsonpath={.spec.podCIDR}")
        found[:] = kubeadm.kubectl(worker.cluster, *query).split()
        return bool(found)

    try:
        kubeadm.wait(worker, "a range for its pods is", assigned)
    except LookoutError as error:
        if "not ready within" in error.message:
            error.remedy = "each node takes a /24, simulated ones too: widen lookout:local.podCidr in Pulumi.local.yaml"
        raise
    return IPv4Network(found[0])


def _done(worker: WorkerSpec) -> Path:
    return worker.directory / "root" / "kubeadm.done"
