"""The programs of a worker, containerd and the kubelet alone, and the files they and `kubeadm join` read."""

from ipaddress import IPv4Network
from pathlib import Path
from typing import Final

from infra.node import cgroups, inside, services
from infra.node.services import Service
from infra.node.worker_spec import WorkerSpec

PATCHES: Final = Path("/etc/lookout/patches")
JOIN_CONFIG: Final = Path("/run/lookout/join.yaml")


def programs() -> list[Service]:
    """Every program of a worker, in the order in which they start."""
    return [services.containerd(), services.kubelet()]


def files(worker: WorkerSpec) -> dict[Path, str]:
    """Configuration files by path inside the worker, but for the pods' network, which is known only after the join."""
    return {
        **services.files_of_every_node(worker.cluster, f"http://{worker.cluster.address}:{inside.REGISTRY_PORT}"),
        # kubeadm takes the kubelet's configuration from the cluster: the control-plane node's control groups too.
        PATCHES / "kubeletconfiguration+merge.yaml": f"cgroupRoot: {cgroups.cgroup_root(worker)}\n",
    }


def pod_network(worker: WorkerSpec, pods: IPv4Network) -> tuple[Path, str]:
    """Where on this machine's disk the worker's network plugin finds its configuration, and what it says."""
    directory = worker.directory / "root" / "etc-cni"
    return directory / inside.CNI_CONFIG.relative_to("/etc/cni"), services.cni(pods)


def join_configuration(worker: WorkerSpec, token: str, ca_hash: str) -> str:
    """What `kubeadm join` reads. A secret while the token lives."""
    return f"""apiVersion: kubeadm.k8s.io/v1beta4
kind: JoinConfiguration
discovery:
  bootstrapToken:
    apiServerEndpoint: "{worker.cluster.address}:6443"
    token: {token}
    caCertHashes: ["{ca_hash}"]
nodeRegistration:
  name: {worker.name}
  criSocket: unix://{inside.CONTAINERD_SOCKET}
  imagePullPolicy: IfNotPresent
  taints: []
  kubeletExtraArgs:
    - {{name: node-ip, value: "{worker.address}"}}
patches: {{directory: {PATCHES}}}
"""
