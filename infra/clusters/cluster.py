"""What every target hands to the platform: a way into the cluster, and the names that differ between clusters."""

from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from infra.settings import Settings


@dataclass(frozen=True)
class PlatformImages:
    """Where the platform's images come from when not from their publishers, as on the embedded node."""

    argocd: str
    redis: str


@dataclass(frozen=True)
class MonitoringImages:
    """What Argo CD is told to run as Prometheus and as its adapter to the custom metrics API."""

    prometheus: str
    metrics_adapter: str


@dataclass(frozen=True)
class Cluster:
    """A provisioned cluster, as the platform and the stack's outputs need it."""

    kubeconfig: pulumi.Output[str]
    """Administrator's access as text; a secret."""
    identity: pulumi.Input[str]
    """Changes when the cluster is another one, so that what was in the old one is made again."""
    provider: kubernetes.Provider
    repository: str
    """The configuration repository as Argo CD reads it."""
    push_url: str
    """The configuration repository as a person pushes to it."""
    registry: str
    """The registry as the cluster's nodes pull from it."""
    push_registry: str
    """The registry as images are pushed to it from here."""
    owner: pulumi.Resource | None = None
    """The resource whose deletion takes everything in the cluster with it; None where the cluster is not ours."""
    needs: tuple[pulumi.Resource, ...] = ()
    """What must be there before the platform can run, such as node pools."""
    doors: dict[str, str] = field(default_factory=dict)
    """Addresses of the environments' pages on this machine."""
    pools: tuple[dict[str, Any], ...] = ()
    images: PlatformImages | None = None
    monitoring: MonitoringImages | None = None
    """None where the stack does not say which images: then nothing is monitored, and autoscalers keep their floor."""
    small: bool = False
    """Whether the platform must ask for as little CPU and memory as it can live on."""

    platform_nodes: dict[str, str] = field(default_factory=dict)
    """Labels of the nodes that the platform stays on; empty where any will do."""

    def inside(self, *depends_on: pulumi.Resource) -> pulumi.ResourceOptions:
        """Options of a resource in this cluster.

        With `deleted_with` a destroy takes the cluster away at once instead of object by object, which is slow and
        hangs on finalizers.
        """
        return pulumi.ResourceOptions(
            provider=self.provider,
            depends_on=[*self.needs, *depends_on],
            deleted_with=self.owner,
            custom_timeouts=pulumi.CustomTimeouts(create="3m", update="3m", delete="2m"),
        )


def elsewhere(
    settings: Settings,
    kubeconfig: pulumi.Output[str],
    identity: pulumi.Input[str],
    *,
    owner: pulumi.Resource | None = None,
    needs: tuple[pulumi.Resource, ...] = (),
    context: str | None = None,
) -> Cluster:
    """A cluster that is not this machine's own: repository and registry are the settings', its pools are real."""
    return Cluster(
        kubeconfig=kubeconfig,
        identity=identity,
        provider=kubernetes_provider(kubeconfig, identity, owner=owner, context=context),
        owner=owner,
        needs=needs,
        repository=settings.required_repository,
        push_url=settings.required_repository,
        registry=settings.required_registry,
        push_registry=settings.required_registry,
        pools=tuple(pool.summary(simulated=False) for pool in settings.node_pools),
        monitoring=monitoring_images(settings),
    )


def monitoring_images(settings: Settings) -> MonitoringImages | None:
    """The images that the settings name, if they do."""
    given = settings.monitoring
    return MonitoringImages(given.prometheus_image, given.metrics_adapter_image) if given else None


def kubernetes_provider(
    kubeconfig: pulumi.Input[str],
    identity: pulumi.Input[str],
    *,
    context: str | None = None,
    owner: pulumi.Resource | None = None,
    needs: pulumi.Resource | None = None,
) -> kubernetes.Provider:
    """The provider through which everything in a cluster is made.

    `cluster_identifier` keeps a rotated kubeconfig from replacing every object, and makes a new cluster do so. Objects
    of a cluster of ours that cannot be reached are forgotten rather than waited for.
    """
    return kubernetes.Provider(
        "cluster",
        kubernetes.ProviderArgs(
            kubeconfig=kubeconfig,
            context=context,
            cluster_identifier=identity,
            delete_unreachable=owner is not None,
            enable_server_side_apply=True,
            enable_config_map_mutable=True,
            enable_secret_mutable=True,
        ),
        pulumi.ResourceOptions(deleted_with=owner, depends_on=[needs] if needs else []),
    )
