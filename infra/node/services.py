"""The programs that make the control-plane node: what each is started with, and the configuration files they read.

All paths are those inside the node's mount namespace (see `infra.node.init`), where /etc, /var/lib and /run directories
of the node lie over the host's.
"""

from dataclasses import dataclass, field
from ipaddress import IPv4Network
from pathlib import Path
from typing import Final

from infra.node import haproxy, kubeadm_init
from infra.node.inside import (
    ADMIN_CONF,
    CNI_CONFIG,
    CONTAINERD_SOCKET,
    GIT_PORT,
    KUBELET_CONFIG,
    KUBELET_FLAGS,
    REGISTRY_PORT,
    UPSTREAM_RESOLVERS,
)
from infra.node.spec import NodeSpec
from lookout import contract
from lookout.tools import tool


@dataclass(frozen=True)
class Service:
    """A supervised program; it is started once all files of `waits_for` exist, and again whenever it ends."""

    name: str
    command: tuple[str, ...]
    waits_for: tuple[Path, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)


def services(spec: NodeSpec) -> list[Service]:
    """Every program of the node, in the order in which they start."""
    kwok = [str(tool("kwok")), f"--kubeconfig={ADMIN_CONF}", "--config=/etc/lookout/kwok.yaml", "--cidr=10.0.0.1/24"]
    kwok += ["--manage-all-nodes=false", f"--manage-nodes-with-annotation-selector={contract.SIMULATED_KEY}=fake"]
    # With leases the node controller sees a heartbeat; without them it gives simulated nodes up after 50 s.
    kwok += ["--node-lease-duration-seconds=40"]
    kwok += [f"--node-ip={spec.address}", "--server-address=127.0.0.1:10247"]
    return [
        containerd(),
        Service("registry", ("docker-registry", "serve", "/etc/lookout/registry.yaml"), environment=_NO_TELEMETRY),
        Service("git", ("lighttpd", "-D", "-f", "/etc/lookout/lighttpd.conf")),
        Service("doors", ("haproxy", "-db", "-f", "/etc/lookout/haproxy.cfg")),
        kubelet(),
        Service("kwok", tuple(kwok), waits_for=(ADMIN_CONF, Path("/run/lookout/api-ready"))),
    ]


def containerd() -> Service:
    """The container runtime, the same on every node."""
    return Service("containerd", ("containerd", "--config=/etc/containerd/config.toml"))


def kubelet() -> Service:
    """The kubelet, the same on every node. kubeadm writes what it reads, so it starts in the middle of its run."""
    command = f". {KUBELET_FLAGS}; exec {tool('kubelet')} $KUBELET_KUBEADM_ARGS --config={KUBELET_CONFIG}"
    command += (
        " --kubeconfig=/etc/kubernetes/kubelet.conf --bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf"
    )
    return Service("kubelet", ("/bin/sh", "-c", command), waits_for=(KUBELET_CONFIG, KUBELET_FLAGS, CONTAINERD_SOCKET))


def files(spec: NodeSpec, doors: dict[str, int]) -> dict[Path, str]:
    """Configuration files by path inside the node. `doors` maps a door's name to its inherited descriptor."""
    return {
        # On the node's own loopback: containerd pulls there, the door leads there, and no pod can reach it.
        **files_of_every_node(spec, f"http://127.0.0.1:{REGISTRY_PORT}"),
        # The first node gets the first range.
        CNI_CONFIG: cni(next(spec.pod_cidr.subnets(new_prefix=24))),
        Path("/etc/lookout/registry.yaml"): _registry(spec),
        Path("/etc/lookout/lighttpd.conf"): _lighttpd(spec),
        Path("/etc/lookout/haproxy.cfg"): haproxy.configuration(spec, doors),
        Path("/etc/lookout/kwok.yaml"): (Path(__file__).parent / "kwok-stages.yaml").read_text(),
        Path("/etc/lookout/kubeadm.yaml"): kubeadm_init.configuration(spec),
    }


def files_of_every_node(spec: NodeSpec, registry_url: str) -> dict[Path, str]:
    """What containerd and the kubelet read on any node; `registry_url` is where that node pulls from."""
    return {
        Path("/etc/resolv.conf"): _resolv_conf(spec),
        UPSTREAM_RESOLVERS: "# no way out, so no upstream resolver\n",
        Path("/etc/containerd/config.toml"): _containerd(),
        Path(f"/etc/containerd/certs.d/{contract.REGISTRY}/hosts.toml"): _registry_host(registry_url),
    }


_NO_TELEMETRY: Final = {"OTEL_TRACES_EXPORTER": "none"}


def _resolv_conf(spec: NodeSpec) -> str:
    return f"nameserver {spec.dns_address}\nsearch svc.cluster.local cluster.local\noptions timeout:1 attempts:2\n"


def _containerd() -> str:
    from infra.node.images import PAUSE_IMAGE

    # restrict_oom_score_adj: without CAP_SYS_RESOURCE a pod could not lower its score, and would not start.
    return f"""version = 2
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.devmapper"]
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE_IMAGE}"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "/etc/cni/net.d"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    discard_unpacked_layers = false
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "/etc/containerd/certs.d"
"""


def _registry_host(url: str) -> str:
    return f'server = "{url}"\n[host."{url}"]\n  capabilities = ["pull", "resolve"]\n'


def cni(pods: IPv4Network) -> str:
    """The network plugin's configuration for a node whose pods have this range."""
    # ptp, not bridge: every packet between pods passes the node's IP stack, so Service addresses work without
    # br_netfilter. Leases lie in /run: they end with the pods when the node ends.
    return f"""{{
  "cniVersion": "0.4.0",
  "name": "lookout",
  "plugins": [{{
    "type": "ptp",
    "ipMasq": false,
    "mtu": 1500,
    "ipam": {{
      "type": "host-local",
      "dataDir": "/run/cni/ipam",
      "ranges": [[{{"subnet": "{pods}"}}]],
      "routes": [{{"dst": "0.0.0.0/0"}}]
    }}
  }}]
}}
"""


def _registry(spec: NodeSpec) -> str:
    return f"""version: 0.1
log: {{level: warn}}
storage:
  filesystem: {{rootdirectory: {spec.directory / "registry"}}}
  delete: {{enabled: true}}
http:
  addr: 127.0.0.1:{REGISTRY_PORT}
"""


def _lighttpd(spec: NodeSpec) -> str:
    # Two sockets: pods read on the node's address; writing is taken only on the node's loopback, behind the door.
    return f"""server.modules = ("mod_alias", "mod_access", "mod_setenv", "mod_cgi")
server.document-root = "{spec.directory / "git"}"
server.bind = "127.0.0.1"
server.port = {GIT_PORT}
server.upload-dirs = ("/run/lookout")
server.errorlog = "/dev/stderr"
server.stream-request-body = 1
$SERVER["socket"] == "{spec.address}:{GIT_PORT}" {{
  $HTTP["url"] =~ "/git-receive-pack$" {{ url.access-deny = ("") }}
  $HTTP["querystring"] =~ "service=git-receive-pack" {{ url.access-deny = ("") }}
}}
alias.url = ("/" => "/usr/lib/git-core/git-http-backend/")
cgi.assign = ("" => "")
setenv.set-environment = (
  "GIT_PROJECT_ROOT" => "{spec.directory / "git"}",
  "GIT_HTTP_EXPORT_ALL" => "1",
  "HOME" => "{spec.directory / "git"}",
  "PATH" => "/usr/bin:/bin"
)
"""
