"""Equal inputs give equal bytes, whatever their order and times; what cannot be a layer is refused."""

import io
import os
import random
import tarfile
from pathlib import Path

import pytest
from pydantic import ValidationError

from lookout import oci
from lookout.errors import LookoutError
from lookout.oci import Directory, Entry, File, Link, Text, Tree, layer, store
from lookout.oci.entries import items
from lookout.oci.layer import write_tar


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    (root / "package" / "tests").mkdir(parents=True)
    (root / "package" / "module.py").write_text("x = 1\n")
    (root / "package" / "tests" / "test_module.py").write_text("assert True\n")
    (root / "run").write_text("#!/bin/sh\n")
    (root / "run").chmod(0o700)
    (root / "link").symlink_to("package/module.py")
    return root


def _tar(entries: list[Entry]) -> bytes:
    sink = io.BytesIO()
    write_tar(items(entries), sink)
    return sink.getvalue()


def _members(entries: list[Entry]) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(_tar(entries))) as tar:
        return {member.name: member for member in tar}


def test_the_order_of_entries_does_not_matter(tree: Path) -> None:
    entries: list[Entry] = [
        Tree(source=tree, target="/opt/app"),
        File(source=tree / "run", target="/usr/local/bin/run"),
        Link(target="/usr/local/bin/other", to="run"),
        Directory(target="/srv/data", mode="0700", owner=999),
        Text(target="/etc/motd", content="hello\n"),
    ]
    shuffled = list(entries)
    random.Random(7).shuffle(shuffled)  # noqa: S311  # an order, not a secret
    assert shuffled != entries
    assert _tar(entries) == _tar(shuffled)


def test_times_and_owners_of_the_host_do_not_matter_but_contents_do(tree: Path) -> None:
    first = _tar([Tree(source=tree, target="/opt/app")])
    os.utime(tree / "run", (1, 1))
    os.utime(tree / "package", (2, 2))
    assert _tar([Tree(source=tree, target="/opt/app")]) == first
    (tree / "run").write_text("#!/bin/sg\n")
    assert _tar([Tree(source=tree, target="/opt/app")]) != first


def test_the_same_content_at_another_place_gives_the_same_layer(tree: Path, tmp_path: Path) -> None:
    first = layer("app", [Tree(source=tree, target="/opt/app")])
    tree.rename(tmp_path / "moved")
    again = layer("app", [Tree(source=tmp_path / "moved", target="/opt/app")])
    assert again == first
    assert first.size_bytes == store.blob_path(first.digest).stat().st_size


def test_a_layer_is_not_made_twice(tree: Path) -> None:
    said: list[str] = []
    first = layer("app", [Tree(source=tree, target="/opt/app")], said.append)
    assert len(said) == 1
    assert layer("app", [Tree(source=tree, target="/opt/app")], said.append) == first
    assert len(said) == 1


@pytest.mark.parametrize("damage", ["removed", "cut short"])
def test_a_lost_or_damaged_blob_is_made_again(tree: Path, damage: str) -> None:
    first = layer("app", [Tree(source=tree, target="/opt/app")])
    blob = store.blob_path(first.digest)
    blob.unlink() if damage == "removed" else blob.write_bytes(b"half")
    assert layer("app", [Tree(source=tree, target="/opt/app")]) == first
    assert blob.stat().st_size == first.size_bytes


def test_a_changed_file_gives_another_layer(tree: Path) -> None:
    first = layer("app", [Tree(source=tree, target="/opt/app")])
    (tree / "run").write_text("#!/bin/sg\n")
    assert layer("app", [Tree(source=tree, target="/opt/app")]).digest != first.digest


def test_modes_follow_the_execute_bit_and_parents_are_roots(tree: Path) -> None:
    members = _members([Tree(source=tree, target="/opt/app"), Directory(target="/srv/x", mode="0700", owner=999)])
    assert members["opt/app/run"].mode == 0o755
    assert members["opt/app/package/module.py"].mode == 0o644
    assert (members["opt"].isdir(), members["opt"].mode, members["opt"].uid) == (True, 0o755, 0)
    assert (members["srv/x"].mode, members["srv/x"].uid, members["srv"].uid) == (0o700, 999, 0)
    assert members["opt/app/link"].linkname == "package/module.py"
    assert {member.mtime for member in members.values()} == {store.EPOCH_S}
    assert list(members) == sorted(members, key=lambda name: name.split("/"))


def test_excluded_names_are_left_out_with_all_below_them(tree: Path) -> None:
    members = _members([Tree(source=tree, target="/opt/app", exclude=("tests", "ru?"))])
    assert sorted(members) == [
        "opt", "opt/app", "opt/app/link", "opt/app/package", "opt/app/package/module.py",
    ]  # fmt: skip


def test_two_entries_for_one_path_are_refused(tree: Path) -> None:
    with pytest.raises(LookoutError, match="claim /etc/motd"):
        items([Text(target="/etc/motd", content="a"), Text(target="/etc/motd", content="b")])
    with pytest.raises(LookoutError, match="claim /opt/app/run"):
        items([Tree(source=tree, target="/opt/app"), Link(target="/opt/app/run", to="elsewhere")])


@pytest.mark.parametrize("target", ["relative", "/", "/a/../b", "/a//b", "/a/"])
def test_an_unfit_target_is_refused(target: str) -> None:
    with pytest.raises(ValidationError, match="absolute path"):
        Text(target=target, content="")


def test_a_missing_source_is_named(tmp_path: Path) -> None:
    with pytest.raises(LookoutError, match="nothing/here is not a file"):
        layer("app", [File(source=tmp_path / "nothing/here", target="/a")])
    with pytest.raises(LookoutError, match="nothing is not a directory"):
        layer("app", [Tree(source=tmp_path / "nothing", target="/a")])


def test_a_failed_build_leaves_no_record_and_scraps_of_a_crash_are_swept() -> None:
    scraps = store.root() / "tmp" / "left-by-a-crash"
    scraps.mkdir(parents=True)
    (scraps / "half.tar").write_text("half")

    def broken(temporary: Path) -> oci.Layer:
        (temporary / "half").write_text("half")
        raise LookoutError("broken")

    with pytest.raises(LookoutError, match="broken"):
        store.cached_layer("key", broken, oci.silent)
    assert list((store.root() / "tmp").iterdir()) == []
    assert not (store.root() / "records").exists()


def test_a_full_disk_is_said_so(tmp_path: Path) -> None:
    def full(temporary: Path) -> oci.Layer:
        raise OSError(28, "No space left on device", str(temporary))

    with pytest.raises(LookoutError, match="is full") as caught:
        store.cached_layer("key", full, oci.silent)
    assert "XDG_CACHE_HOME" in str(caught.value.remedy)
    assert str(tmp_path) in caught.value.message


def test_without_zstd_the_package_to_install_is_named(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(LookoutError, match="zstd") as caught:
        layer("app", [Tree(source=tree, target="/opt/app")])
    assert caught.value.remedy == "apt-get install zstd"


def test_layers_nobody_asked_for_in_a_month_are_forgotten(tree: Path) -> None:
    old = layer("old", [Text(target="/old", content="old")])
    used = layer("used", [Text(target="/used", content="used")])
    for path in [*(store.root() / "records").iterdir(), store.blob_path(old.digest), store.blob_path(used.digest)]:
        os.utime(path, (1, 1))
    layer("used", [Text(target="/used", content="used")])  # asked for again
    layer("new", [Tree(source=tree, target="/opt/app")])
    assert not store.blob_path(old.digest).exists()
    assert store.blob_path(used.digest).exists()
