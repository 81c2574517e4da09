"""Clusters: one module a target, one signature. `provision(settings)` makes the cluster its target describes."""

import importlib

from infra.clusters.cluster import Cluster
from infra.settings import Settings


def provision(settings: Settings) -> Cluster:
    """The cluster of the stack's target, with its node pools.

    A target's module, and with it the SDK of its cloud, is imported only when that target is used.
    """
    module = importlib.import_module(f"infra.clusters.{settings.target}")
    cluster: Cluster = module.provision(settings)
    return cluster
