"""The programs that make the control-plane node: what each is started with, and the configuration files they read.

All paths are those inside the node's mount namespace (see `infra.node.init`), where /etc, /var/lib and /run directories
of the node lie over the host's.
"""

from dataclasses import dataclass, field
from ipaddress import IPv4Network
from pathlib import Path
from typing import Final

from infra.node import cgroups, worker_spec
from infra.node.spec import NodeSpec
from lookout import contract
from lookout.tools import tool

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
        Path("/etc/lookout/haproxy.cfg"): _haproxy(doors) + _registry_for_workers(spec),
        Path("/etc/lookout/kwok.yaml"): (Path(__file__).parent / "kwok-stages.yaml").read_text(),
        Path("/etc/lookout/kubeadm.yaml"): _kubeadm(spec),
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


def _haproxy(doors: dict[str, int]) -> str:
    """Each door forwards bytes; names are resolved by the cluster's DNS, so a door opens once its Service exists."""
    targets = {"git": f"127.0.0.1:{GIT_PORT}", "registry": f"127.0.0.1:{REGISTRY_PORT}"}
    suffix = "resolvers cluster init-addr none"
    for environment in contract.ENVIRONMENTS:
        host = f"{contract.DETECTOR}.{contract.namespace(environment)}.svc.cluster.local"
        targets[environment] = f"{host}:{contract.SERVICE_PORT} {suffix}"
    host = f"{contract.PROMETHEUS}.{contract.MONITORING_NAMESPACE}.svc.cluster.local"
    targets["prometheus"] = f"{host}:{contract.PROMETHEUS_PORT} {suffix}"
    # Git and registry take writes without a password, and Prometheus tells all it knows: users of this machine are
    # trusted. A web page in a browser here is not; its Host header gives it away (DNS rebinding).
    from_here = r"{ req.hdr(host) -m reg ^(127\.0\.0\.1|localhost)(:[0-9]+)?$ }"
    guard = f"  mode http\n  http-request deny unless {from_here}\n"
    sections = [
        f"listen {name}\n  bind fd@{descriptor}\n{'' if name in contract.ENVIRONMENTS else guard}"
        f"  server {name} {targets[name]}\n"
        for name, descriptor in doors.items()
    ]
    return (
        "global\n  nbthread 1\n  maxconn 4096\n"
        # A pod on a node that just died answers nothing; the next try of the Service's address may get another pod.
        "defaults\n  mode tcp\n  timeout connect 1s\n  timeout client 1h\n  timeout server 1h\n  retries 5\n"
        "resolvers cluster\n  parse-resolv-conf\n  hold valid 2s\n  hold nx 1s\n  hold timeout 2s\n"
        "  resolve_retries 2\n  timeout resolve 1s\n  timeout retry 1s\n" + "".join(sections)
    )


def _registry_for_workers(spec: NodeSpec) -> str:
    """Workers' containerd reads the registry on the node's address; nobody writes there, and pods do not even read."""
    workers = " ".join(str(worker.address) for worker in worker_spec.possible(spec))
    return (
        f"listen registry-for-workers\n  mode http\n  bind {spec.address}:{REGISTRY_PORT}\n"
        f"  http-request deny unless {{ method GET HEAD }} {{ src {workers} }}\n"
        f"  server registry 127.0.0.1:{REGISTRY_PORT}\n"
    )


def _kubeadm(spec: NodeSpec) -> str:
    from infra.node import images

    return f"""apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
localAPIEndpoint: {{advertiseAddress: {spec.address}, bindPort: 6443}}
nodeRegistration:
  name: {spec.name}
  criSocket: unix://{CONTAINERD_SOCKET}
  imagePullPolicy: IfNotPresent
  taints: []
  kubeletExtraArgs:
    - {{name: node-ip, value: "{spec.address}"}}
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
clusterName: {spec.name}
kubernetesVersion: {images.KUBERNETES_VERSION}
imageRepository: {images.KUBEADM_REPOSITORY}
networking: {{podSubnet: "{spec.pod_cidr}", serviceSubnet: "{spec.service_cidr}"}}
controlPlaneEndpoint: "{spec.address}:6443"
apiServer:
  certSANs: ["{spec.address}", "127.0.0.1"]
  extraArgs:
    # The node's name resolves nowhere: `kubectl logs` and `exec` must go to the address.
    - {{name: kubelet-preferred-address-types, value: InternalIP}}
    - {{name: profiling, value: "false"}}
controllerManager:
  extraArgs:
    # 15 s by default: a spike would wait that long for its first look alone. With one autoscaler it costs nothing.
    - {{name: horizontal-pod-autoscaler-sync-period, value: 5s}}
    - {{name: node-cidr-mask-size, value: "24"}}
    - {{name: leader-elect, value: "false"}}
    - {{name: profiling, value: "false"}}
    # Three heartbeats missed instead of five: a node that died is out of every Service 20 s sooner.
    - {{name: node-monitor-grace-period, value: 30s}}
scheduler:
  extraArgs:
    - {{name: leader-elect, value: "false"}}
dns: {{imageTag: {images.COREDNS_TAG}}}
etcd: {{local: {{imageTag: {images.ETCD_TAG}}}}}
---
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
cgroupDriver: cgroupfs
cgroupRoot: {cgroups.cgroup_root(spec)}
failCgroupV1: false
failSwapOn: false
oomScoreAdj: 0
maxOpenFiles: 20000
resolvConf: {UPSTREAM_RESOLVERS}
containerLogMaxSize: {LOG_MAX_SIZE}
containerLogMaxFiles: {LOG_MAX_FILES}
# containerd 1.6 does not pin the pause image, so garbage collection must never want it.
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
evictionHard: {{memory.available: 100Mi, nodefs.available: 1%, imagefs.available: 1%}}
nodeStatusUpdateFrequency: 5s
syncFrequency: 10s
serializeImagePulls: false
rotateCertificates: true
---
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: nftables
oomScoreAdj: 0
clusterCIDR: "{spec.pod_cidr}"
conntrack: {{maxPerCore: 0, min: 0}}
nftables: {{minSyncPeriod: 100ms, syncPeriod: 30s}}
"""
