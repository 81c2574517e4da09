"""The cluster as kubeadm is told to make it: control plane, kubelet and kube-proxy."""

import hashlib
import json

import yaml

from infra.node import cgroups, images
from infra.node.inside import CONTAINERD_SOCKET, LOG_MAX_FILES, LOG_MAX_SIZE, UPSTREAM_RESOLVERS
from infra.node.spec import NodeSpec


def digest(spec: NodeSpec) -> str:
    """One word for what `configuration` says, comments and form left out: another word, another cluster."""
    documents = list(yaml.safe_load_all(configuration(spec)))
    return hashlib.sha256(json.dumps(documents, sort_keys=True).encode()).hexdigest()[:12]


def configuration(spec: NodeSpec) -> str:
    """The file that `kubeadm init` reads."""
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
