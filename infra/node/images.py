"""The node's own images: Kubernetes' control plane, its add-ons, Argo CD and monitoring, made of the pinned tools.

A static binary needs nothing around it, so most images are one binary and nothing else. kube-proxy (nftables),
Argo CD (git), Redis and Prometheus share one Debian layer: bases of their own would be downloaded, kept and unpacked
four times for a node that runs all four anyway.
"""

from collections.abc import Collection
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict

from lookout import contract, oci, paths, tools
from lookout.oci import Config, Directory, Entry, File, Image, Layer, Link, Progress, Text, User
from lookout.oci.transfer import archive_key

KUBEADM_REPOSITORY: Final = "lookout.internal"
"""kubeadm's imageRepository. Nothing answers there: the node never pulls what it was given."""
KUBERNETES_VERSION: Final = f"v{tools.version('kube-apiserver')}"
ETCD_TAG: Final = f"v{tools.version('etcd')}"
COREDNS_TAG: Final = f"v{tools.version('coredns')}"

PAUSE_IMAGE: Final = f"{KUBEADM_REPOSITORY}/pause:{tools.version('pause')}"
ARGOCD_IMAGE: Final = f"{KUBEADM_REPOSITORY}/argocd:v{tools.version('argocd')}"
REDIS_IMAGE: Final = f"{KUBEADM_REPOSITORY}/redis:{oci.suite()}"
"""Redis is Debian's own, so its suite is its version."""
PROMETHEUS_IMAGE: Final = f"{KUBEADM_REPOSITORY}/{contract.PROMETHEUS}:{oci.suite()}"
"""Debian's own too."""
METRICS_ADAPTER_IMAGE: Final = f"{KUBEADM_REPOSITORY}/{contract.METRICS_ADAPTER}:v{tools.version('prometheus-adapter')}"

ARGOCD_UID: Final = 999
"""The user Argo CD's manifests expect of its image and of Redis'."""

NOBODY: Final = 65534
"""Debian's user nobody, as which publishers of Prometheus images run it too."""

# netbase has /etc/protocols. Without it nft lists `6` where kube-proxy wrote `tcp`, and kube-proxy's full sync, once an
# hour and whenever its node's zone changes, deletes as a leftover what it has just kept: all Services are gone.
_BASE_PACKAGES: Final = (
    "ca-certificates",
    "conntrack",
    "git",
    "netbase",
    "nftables",
    "prometheus",
    "redis-server",
    "tini",
)
_ARGOCD_HOME: Final = "/home/argocd"
_ARGOCD_ROLES: Final = (
    "argocd-application-controller",
    "argocd-applicationset-controller",
    "argocd-cmp-server",
    "argocd-commit-server",
    "argocd-dex",
    "argocd-k8s-auth",
    "argocd-notifications",
    "argocd-repo-server",
    "argocd-server",
)
"""Argo CD's one binary takes its role from the name it is called by."""
_BIN: Final = "/usr/local/bin"


class NodeImage(BaseModel):
    """One image of the node: `programs` are the tools in /usr/local/bin, the first of them what it runs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    ref: str
    programs: tuple[str, ...] = ()
    on_debian: bool = False
    entries: tuple[Entry, ...] = ()
    config: Config


def node_images() -> list[NodeImage]:
    """Every image the node must hold before kubeadm and Argo CD start, by name."""
    images = [
        _binary("coredns", COREDNS_TAG, Config(entrypoint=(f"{_BIN}/coredns",))),
        _binary("etcd", ETCD_TAG, Config()),
        _binary("kube-apiserver", KUBERNETES_VERSION, Config()),
        _binary("kube-controller-manager", KUBERNETES_VERSION, Config()),
        _binary("kube-proxy", KUBERNETES_VERSION, Config()).model_copy(update={"on_debian": True}),
        _binary("kube-scheduler", KUBERNETES_VERSION, Config()),
        _binary("pause", tools.version("pause"), Config(entrypoint=(f"{_BIN}/pause",), user="65535:65535")),
        _argocd(),
        _redis(),
        _prometheus(),
        _metrics_adapter(),
    ]
    return sorted(images, key=lambda image: image.name)


def build_archive(progress: Progress = oci.silent) -> Path:
    """One archive of all images for `ctr -n k8s.io images import`; made anew only when an image changed."""
    images = build_images(progress)
    directory = paths.cache_dir() / "oci" / "archives"
    archive = directory / f"node-{archive_key(images)}.tar"
    if not archive.is_file():
        oci.export(images, archive, progress)
        for old in directory.glob("node-*.tar"):
            if old != archive:
                old.unlink(missing_ok=True)
    return archive


def build_images(progress: Progress = oci.silent, names: Collection[str] | None = None) -> list[Image]:
    """Make every image, or those of these names, or find them made.

    LookoutError when a tool has not been built or the base cannot be had.
    """
    wanted = [image for image in node_images() if names is None or image.name in names]
    users = (User(name="argocd", uid=ARGOCD_UID, home=_ARGOCD_HOME),)
    entries = {image.name: _entries(image) for image in wanted}  # a missing tool shows before the long part
    debian = oci.base(_BASE_PACKAGES, progress, users)
    return [_build(image, entries[image.name], debian, progress) for image in wanted]


def monitoring_images(progress: Progress = oci.silent) -> dict[str, Image]:
    """Prometheus and its adapter by name, made or found made, for a cluster that is not the local node."""
    wanted = {contract.PROMETHEUS, contract.METRICS_ADAPTER}
    return {image.ref.rpartition("/")[2].partition(":")[0]: image for image in build_images(progress, wanted)}


def _build(image: NodeImage, entries: list[Entry], debian: Layer, progress: Progress) -> Image:
    layers = [debian] if image.on_debian else []
    if entries:
        layers.append(oci.layer(image.name, entries, progress))
    return oci.image(image.ref, layers, image.config)


def _entries(image: NodeImage) -> list[Entry]:
    return [*(File(source=tools.tool(name), target=f"{_BIN}/{name}") for name in image.programs), *image.entries]


def _binary(name: str, tag: str, config: Config) -> NodeImage:
    return NodeImage(name=name, ref=f"{KUBEADM_REPOSITORY}/{name}:{tag}", programs=(name,), config=config)


def _argocd() -> NodeImage:
    configuration = "/app/config"
    plain = ("ssh", "tls", "gpg/source", "reposerver/tls", "server/tls", "controller/tls")
    return NodeImage(
        name="argocd",
        ref=ARGOCD_IMAGE,
        programs=("argocd", "helm", "kustomize"),
        on_debian=True,
        entries=(
            *(Link(target=f"{_BIN}/{role}", to=f"{_BIN}/argocd") for role in _ARGOCD_ROLES),
            *(Directory(target=f"{configuration}/{name}") for name in plain),
            Directory(target=f"{configuration}/gpg/keys", mode="0700", owner=ARGOCD_UID),
            Text(target=f"{configuration}/ssh/ssh_known_hosts", content=""),
            Directory(target=_ARGOCD_HOME, mode="0770", owner=ARGOCD_UID),
        ),
        config=Config(
            entrypoint=("/usr/bin/tini", "--"),
            user=f"{ARGOCD_UID}:{ARGOCD_UID}",
            workdir=_ARGOCD_HOME,
            # Commit signatures are not verified, so the image carries no gpg.
            env={"HOME": _ARGOCD_HOME, "USER": "argocd", "ARGOCD_GPG_ENABLED": "false"},
        ),
    )


def _redis() -> NodeImage:
    return NodeImage(
        name="redis",
        ref=REDIS_IMAGE,
        on_debian=True,
        config=Config(entrypoint=("/usr/bin/redis-server",), user=f"{ARGOCD_UID}:{ARGOCD_UID}"),
    )


def _prometheus() -> NodeImage:
    return NodeImage(
        name="prometheus",
        ref=PROMETHEUS_IMAGE,
        on_debian=True,
        config=Config(entrypoint=("/usr/bin/prometheus",), user=f"{NOBODY}:{NOBODY}"),
    )


def _metrics_adapter() -> NodeImage:
    programs = ("prometheus-adapter", "serving-certificate")
    return NodeImage(
        name="prometheus-adapter",
        ref=METRICS_ADAPTER_IMAGE,
        programs=programs,
        config=Config(entrypoint=(f"{_BIN}/{programs[0]}",), user=f"{NOBODY}:{NOBODY}"),
    )
