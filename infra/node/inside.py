"""Paths and ports inside a node, which its programs and whoever looks in from outside must agree on."""

from pathlib import Path
from typing import Final

from lookout import contract

CNI_CONFIG: Final = Path("/etc/cni/net.d/10-lookout.conflist")
UPSTREAM_RESOLVERS: Final = Path("/etc/lookout/resolv-upstream.conf")
KUBELET_CONFIG: Final = Path("/var/lib/kubelet/config.yaml")
KUBELET_FLAGS: Final = Path("/var/lib/kubelet/kubeadm-flags.env")
ADMIN_CONF: Final = Path("/etc/kubernetes/admin.conf")
CONTAINERD_SOCKET: Final = Path("/run/containerd/containerd.sock")
GIT_PORT: Final = contract.DOORS["git"]
REGISTRY_PORT: Final = contract.DOORS["registry"]
LOG_MAX_SIZE: Final = "10Mi"
LOG_MAX_FILES: Final = 3
