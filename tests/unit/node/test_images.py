"""The node's image set: names, references and contents that kubeadm and Argo CD's manifests count on."""

from pathlib import Path

import pytest

from infra.node import images
from lookout import oci, tools
from lookout.errors import LookoutError
from lookout.oci import Directory, Layer, Link


def _by_name() -> dict[str, images.NodeImage]:
    return {image.name: image for image in images.node_images()}


def test_everything_kubeadm_asks_for_is_there_under_its_repository() -> None:
    by_name = _by_name()
    for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy"):
        assert by_name[name].ref == f"lookout.internal/{name}:v{tools.version(name)}"
    assert by_name["etcd"].ref == f"lookout.internal/etcd:{images.ETCD_TAG}"
    assert by_name["coredns"].ref == f"lookout.internal/coredns:{images.COREDNS_TAG}"
    assert by_name["pause"].ref == images.PAUSE_IMAGE
    assert by_name["argocd"].ref == images.ARGOCD_IMAGE
    assert by_name["redis"].ref == images.REDIS_IMAGE
    assert by_name["prometheus"].ref == images.PROMETHEUS_IMAGE
    assert by_name["prometheus-adapter"].ref == images.METRICS_ADAPTER_IMAGE


def test_every_reference_is_one_a_runtime_takes() -> None:
    for image in images.node_images():
        oci.check_ref(image.ref)


def test_only_what_needs_other_programs_stands_on_debian() -> None:
    on_debian = {image.name for image in images.node_images() if image.on_debian}
    assert on_debian == {"argocd", "kube-proxy", "prometheus", "redis"}


def test_argocd_runs_as_the_user_of_its_manifests_with_every_role_a_link() -> None:
    argocd = _by_name()["argocd"]
    links = {entry.target: entry.to for entry in argocd.entries if isinstance(entry, Link)}
    for role in ("application-controller", "applicationset-controller", "repo-server", "server", "cmp-server"):
        assert links[f"/usr/local/bin/argocd-{role}"] == "/usr/local/bin/argocd"
    folders = {entry.target: entry for entry in argocd.entries if isinstance(entry, Directory)}
    for name in ("ssh", "tls", "gpg/source", "gpg/keys", "reposerver/tls", "server/tls", "controller/tls"):
        assert f"/app/config/{name}" in folders
    assert folders["/home/argocd"].owner == images.ARGOCD_UID == 999
    assert argocd.config.user == "999:999"
    assert argocd.config.env["ARGOCD_GPG_ENABLED"] == "false"
    assert argocd.programs == ("argocd", "helm", "kustomize")


@pytest.fixture
def made_of_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Small files in the tools' place and an empty base: no compiler, no root."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "tools"
    folder.mkdir()
    for program in {program for image in images.node_images() for program in image.programs}:
        (folder / program).write_text(program)
        (folder / program).chmod(0o755)
    monkeypatch.setattr(tools, "tool", lambda name: folder / name)
    monkeypatch.setattr(oci, "base", _empty_base)
    return folder


def _empty_base(packages: object, progress: oci.Progress, users: object) -> Layer:
    del packages, users
    return oci.layer("debian", [Directory(target="/usr")], progress)


def test_the_archive_is_made_once_and_again_when_a_tool_changes(made_of_files: Path) -> None:
    said: list[str] = []
    first = images.build_archive(said.append)
    made = len(said)
    assert made == len(images.node_images())  # a layer each but for redis and prometheus, the base, and the archive
    assert images.build_archive(said.append) == first
    assert len(said) == made
    (made_of_files / "etcd").write_text("another")
    second = images.build_archive(said.append)
    assert said[made:] == ["layer etcd: 4 files", f"writing 11 images to {second.name}"]
    assert not first.exists()


def test_a_tool_that_was_not_built_stops_it_before_the_base_is_made(
    made_of_files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> Path:
        raise LookoutError(f"{name} has not been built", "run: make tools")

    def never(*arguments: object) -> Layer:
        raise AssertionError(f"the base was asked for: {arguments}")

    assert made_of_files.is_dir()
    monkeypatch.setattr(tools, "tool", missing)
    monkeypatch.setattr(oci, "base", never)
    with pytest.raises(LookoutError, match="has not been built"):
        images.build_archive()


def test_kube_proxy_stands_on_a_base_that_knows_protocols_by_name(
    made_of_files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """nft must list `tcp` and not `6`, or each full sync of kube-proxy deletes the Services it has just kept."""
    packages: list[str] = []

    def base(wanted: tuple[str, ...], progress: oci.Progress, users: object) -> Layer:
        packages.extend(wanted)
        return _empty_base(wanted, progress, users)

    assert made_of_files.is_dir()
    monkeypatch.setattr(oci, "base", base)
    images.build_images()
    assert {"nftables", "conntrack", "netbase"} <= set(packages)
