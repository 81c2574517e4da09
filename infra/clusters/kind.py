"""Target kind: a cluster in containers of a Docker daemon, made by the `kind` program. It has no GPU pools."""

import json
import shlex
from typing import Any

import pulumi
import yaml
from pulumi_command import local

from infra.clusters.cluster import Cluster, elsewhere
from infra.pools import NodePool
from infra.settings import Kind, Settings


def provision(settings: Settings) -> Cluster:
    """A kind cluster with one worker for each node of a pool's minimum."""
    section = settings.kind or Kind()
    name, configuration = shlex.quote(section.name), json.dumps(config(section, settings.node_pools))
    made = local.Command(
        "cluster",
        create=f"kind create cluster --name {name} --wait 180s --config - >&2 && kind get kubeconfig --name {name}",
        delete=f"kind delete cluster --name {name}",
        stdin=configuration,
        # kind changes nothing about a cluster that is there: another configuration is another cluster.
        triggers=[configuration],
        opts=pulumi.ResourceOptions(additional_secret_outputs=["stdout"], delete_before_replace=True),
    )
    kubeconfig: pulumi.Output[str] = pulumi.Output.secret(made.stdout)
    identity = made.stdout.apply(_authority)
    return elsewhere(settings, kubeconfig, identity, owner=made)


def config(section: Kind, pools: tuple[NodePool, ...]) -> dict[str, Any]:
    """kind's own configuration: a control plane, and the pools' nodes with their labels and taints."""
    workers = [_worker(section, pool) for pool in pools for _ in range(pool.min)]
    return {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "nodes": [{"role": "control-plane", "image": section.image}, *workers],
    }


def _worker(section: Kind, pool: NodePool) -> dict[str, Any]:
    taints = [taint.manifest for taint in pool.all_taints]
    join = {"kind": "JoinConfiguration", "nodeRegistration": {"taints": taints}}
    worker: dict[str, Any] = {"role": "worker", "image": section.image, "labels": pool.all_labels}
    return {**worker, "kubeadmConfigPatches": [yaml.safe_dump(join)]} if taints else worker


def _authority(kubeconfig: str) -> str:
    clusters = yaml.safe_load(kubeconfig)["clusters"]
    return str(clusters[0]["cluster"].get("certificate-authority-data", clusters[0]["cluster"]["server"]))[-64:]
