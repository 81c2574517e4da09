"""Every external program: the module it comes from, and what upstream's release builds tell the linker."""

from collections.abc import Iterator
from functools import cache
from typing import Final

from lookout.errors import LookoutError
from lookout.toolchain.gomod import module_version
from lookout.toolchain.items import OURS, Asset, Embed, Item, Program

ARGOCD_INSTALL: Final = "argocd/core-install.yaml"
PROVIDER: Final = "pulumi-resource-kubernetes"

_KUBERNETES: Final = "k8s.io/kubernetes"
_CLIENT_GO: Final = "k8s.io/client-go"
_ARGOCD: Final = "github.com/argoproj/argo-cd/v3"
_PULUMI: Final = "github.com/pulumi/pulumi/pkg/v3"
_PULUMI_SDK: Final = "github.com/pulumi/pulumi/sdk/v3"
_PROVIDER_MODULE: Final = "github.com/pulumi/pulumi-kubernetes/provider/v4"

_PROVIDER_RELEASE: Final = "4.25.0"
"""The provider's module is a commit without a tag; this is the release made of that commit, and PyPI's version."""
_PAUSE_RELEASE: Final = "3.10.1"
"""The tag under which this Kubernetes' kubeadm looks for the pause image."""


@cache
def programs() -> tuple[Program, ...]:
    """In the order in which they are built: what the node needs first, the slowest last."""
    return (*_kubernetes(), *_node(), *_pulumi(), *_delivery(), *_monitoring(), *_provider())


@cache
def assets() -> tuple[Asset, ...]:
    """The data files."""
    version = module_version("cluster", _ARGOCD)
    return (
        Asset(
            name=ARGOCD_INSTALL, family="cluster", module=_ARGOCD, version=version, file="manifests/core-install.yaml"
        ),
    )


def items() -> tuple[Item, ...]:
    """Everything a build makes."""
    return (*assets(), *programs())


def program(name: str) -> Program:
    """The program called `name`; LookoutError when there is none."""
    for candidate in programs():
        if candidate.name == name:
            return candidate
    raise LookoutError(f"no tool is called {name}", f"known: {', '.join(sorted(p.name for p in programs()))}")


def asset(name: str) -> Asset:
    """The data file called `name`; LookoutError when there is none."""
    for candidate in assets():
        if candidate.name == name:
            return candidate
    raise LookoutError(f"no asset is called {name}", f"known: {', '.join(a.name for a in assets())}")


def _kubernetes() -> Iterator[Program]:
    stamps = _kubernetes_stamps("k8s.io/component-base/version", f"{_CLIENT_GO}/pkg/version")
    asked = {"kubectl": ("version", "--client"), "kubeadm": ("version", "-o", "short")}
    daemons = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
    for name in ("kubectl", *daemons, "kubeadm", "kubelet", "kube-proxy"):
        yield _of("cluster", _KUBERNETES, f"/cmd/{name}", name, stamps=stamps, asked=asked.get(name, ("--version",)))


def _node() -> Iterator[Program]:
    yield Program(
        name="pause",
        family="cluster",
        module=f"{OURS}/cluster",
        version=_PAUSE_RELEASE,
        package="./pause",
        stamps={"main.version": _PAUSE_RELEASE},
        asked=("-v",),
    )
    yield _of("cluster", "go.etcd.io/etcd/server/v3", "", "etcd", asked=("--version",))
    coredns = _of("cluster", "github.com/coredns/coredns", "", "coredns", asked=("-version",))
    yield coredns.model_copy(update={"package": "./coredns"})


def _pulumi() -> Iterator[Program]:
    # Unset, the Automation API cannot tell which features the command line has.
    stamps = {f"{_PULUMI_SDK}/go/common/version.Version": module_version("pulumi", _PULUMI)}
    tags = ("osusergo", "grpcnotrace")
    yield _of("pulumi", _PULUMI, "/cmd/pulumi", "pulumi", stamps=stamps, tags=tags, asked=("version",))
    host = "pulumi-language-python"
    yield _of("pulumi-language", _PULUMI_SDK, f"/python/cmd/{host}", host, stamps=stamps)
    # What the language host starts: the first for every program, the second for dynamic providers. Both are of the
    # command line's release, because they import that release's Python SDK.
    for file in ("python/cmd/pulumi-language-python-exec", "python/dist/pulumi-resource-pulumi-python"):
        yield _of("pulumi", _PULUMI_SDK, "", file.rsplit("/", 1)[1]).model_copy(update={"package": "", "file": file})


def _delivery() -> Iterator[Program]:
    argocd = module_version("cluster", _ARGOCD)
    # Helm and Argo CD parse what client-go says it is; unset it says v0.0.0.
    client_go = _kubernetes_stamps(f"{_CLIENT_GO}/pkg/version")
    stamps = client_go | {
        f"{_ARGOCD}/common.version": argocd.removeprefix("v"),
        f"{_ARGOCD}/common.gitTag": argocd,
        f"{_ARGOCD}/common.gitTreeState": "clean",
        f"{_ARGOCD}/common.kubectlVersion": module_version("cluster", _CLIENT_GO),
    }
    yield _of("cluster", _ARGOCD, "/cmd", "argocd", stamps=stamps, asked=("version", "--client", "--short"))

    kustomize = "sigs.k8s.io/kustomize/kustomize/v5"
    stamps = {"sigs.k8s.io/kustomize/api/provenance.version": module_version("cluster", kustomize)}
    yield _of("cluster", kustomize, "", "kustomize", stamps=stamps, asked=("version",))

    helm = "helm.sh/helm/v3"
    stamps = client_go | {
        f"{helm}/internal/version.version": module_version("cluster", helm),
        f"{helm}/internal/version.gitTreeState": "clean",
    }
    major, minor = _kubernetes_minor()
    for package in ("chartutil", "lint/rules"):
        stamps |= {f"{helm}/pkg/{package}.k8sVersionMajor": major, f"{helm}/pkg/{package}.k8sVersionMinor": minor}
    yield _of("cluster", helm, "/cmd/helm", "helm", stamps=stamps, asked=("version", "--short"))

    kubeconform = "github.com/yannh/kubeconform"
    stamps = {"main.version": module_version("cluster", kubeconform)}
    yield _of("cluster", kubeconform, "/cmd/kubeconform", "kubeconform", stamps=stamps, asked=("-v",))


def _monitoring() -> Iterator[Program]:
    name = "prometheus-adapter"
    yield _of(name, f"sigs.k8s.io/{name}", "/cmd/adapter", name)
    # Ours, at the adapter's version: the two go into one image.
    certificate = _of(name, f"sigs.k8s.io/{name}", "", "serving-certificate")
    yield certificate.model_copy(update={"package": "./serving-certificate"})


def _provider() -> Iterator[Program]:
    yield _of("pulumi-kubernetes", "sigs.k8s.io/kwok", "/cmd/kwok", "kwok", asked=("--version",))
    source = f"cmd/{PROVIDER}"
    yield Program(
        name=PROVIDER,
        family="pulumi-kubernetes",
        module=_PROVIDER_MODULE,
        version=f"v{_PROVIDER_RELEASE}",
        package="./provider",
        stamps={f"{_PROVIDER_MODULE}/pkg/version.Version": _PROVIDER_RELEASE},
        embeds=(
            Embed(file="schema.json", source=f"{source}/schema.json", overrides={"version": _PROVIDER_RELEASE}),
            Embed(file="terraform-mapping.json", source=f"{source}/terraform-mapping.json"),
        ),
    )


def _of(
    family: str,
    module: str,
    package: str,
    name: str,
    *,
    asked: tuple[str, ...] = (),
    stamps: dict[str, str] | None = None,
    tags: tuple[str, ...] = (),
) -> Program:
    """A program whose version is its module's; `package` is the path below the module."""
    return Program(
        name=name,
        family=family,
        module=module,
        version=module_version(family, module),
        package=module + package,
        stamps=stamps or {},
        tags=tags,
        asked=asked,
    )


def _kubernetes_minor() -> tuple[str, str]:
    major, minor = module_version("cluster", _KUBERNETES).removeprefix("v").split(".")[:2]
    return major, minor


def _kubernetes_stamps(*packages: str) -> dict[str, str]:
    major, minor = _kubernetes_minor()
    version = module_version("cluster", _KUBERNETES)
    values = {"gitVersion": version, "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
    return {f"{package}.{name}": value for package in packages for name, value in values.items()}
