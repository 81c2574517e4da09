"""References, configuration documents, archives and destinations."""

import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from lookout import oci
from lookout.errors import LookoutError
from lookout.oci import Config, Image, Text, check_ref, image, layer, store
from lookout.oci.image import MANIFEST_TYPE, configuration, stored_configuration
from lookout.oci.transfer import archive_key, on_loopback


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def _image(ref: str = "registry.example/app:1", content: str = "a") -> Image:
    shared = layer("shared", [Text(target="/shared", content="shared")])
    return image(ref, [shared, layer("own", [Text(target="/own", content=content)])], Config(user="1000:1000"))


@pytest.mark.parametrize(
    ("ref", "repository", "tag"),
    [
        ("lookout.internal/etcd:v3.6.5", "lookout.internal/etcd", "v3.6.5"),
        ("registry.lookout.internal:5000/detector:abc", "registry.lookout.internal:5000/detector", "abc"),
        ("127.0.0.1:5000/team/detector:1.2-rc.1_x", "127.0.0.1:5000/team/detector", "1.2-rc.1_x"),
    ],
)
def test_a_reference_is_taken_apart(ref: str, repository: str, tag: str) -> None:
    assert check_ref(ref) == (repository, tag)


@pytest.mark.parametrize(
    ("ref", "complaint"),
    [
        ("registry.example/app", "no tag"),
        ("registry.example:5000/app", "no tag"),
        ("app:1", "not a repository"),
        ("registry.example/App:1", "not a repository"),
        ("registry.example//app:1", "not a repository"),
        ("registry.example/../app:1", "not a repository"),
        ("-x.example/app:1", "not a repository"),
        ("registry.example/app:", "not a tag"),
        ("registry.example/app:.1", "not a tag"),
        ("registry.example/app:" + "1" * 129, "not a tag"),
        ("registry.example/app@sha256:" + "0" * 64, "not a repository"),
        ("registry.example/app:1 --flag", "not a tag"),
    ],
)
def test_an_unfit_reference_is_refused_with_the_part_that_is_wrong(ref: str, complaint: str) -> None:
    with pytest.raises(LookoutError, match=complaint) as caught:
        image(ref, [], Config())
    assert caught.value.remedy


def test_the_configuration_says_how_to_start() -> None:
    made = layer("own", [Text(target="/own", content="a")])
    config = Config(
        entrypoint=("/bin/run", "--fast"),
        env={"B": "2", "A": "1"},
        user="1000:1000",
        workdir="/srv",
        labels={"b": "2", "a": "1"},
        ports=(3000,),
    )
    document = configuration([made], config)
    assert document["config"]["Entrypoint"] == ["/bin/run", "--fast"]
    assert "Cmd" not in document["config"]
    assert document["config"]["Env"][0].startswith("PATH=/usr/local/sbin:")
    assert document["config"]["Env"][1:] == ["B=2", "A=1"]
    assert document["config"]["User"] == "1000:1000"
    assert document["config"]["WorkingDir"] == "/srv"
    assert list(document["config"]["Labels"]) == ["a", "b"]
    assert document["config"]["ExposedPorts"] == {"3000/tcp": {}}
    assert document["rootfs"] == {"type": "layers", "diff_ids": [made.diff_id]}


@pytest.mark.parametrize("wrong", [{"user": "root"}, {"workdir": "srv"}, {"ports": (0,)}, {"unknown": 1}])
def test_an_ill_typed_configuration_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Config(**wrong)


def test_the_digest_is_the_content_s_and_not_the_reference_s() -> None:
    assert _image("registry.example/app:1").digest == _image("registry.example/other:2").digest
    assert _image(content="a").digest != _image(content="b").digest


def test_manifest_and_configuration_name_blobs_that_are_there() -> None:
    made = _image()
    manifest = json.loads(store.blob_path(made.digest).read_text())
    assert manifest["mediaType"] == MANIFEST_TYPE
    for part in [manifest["config"], *manifest["layers"]]:
        assert store.blob_path(part["digest"]).stat().st_size == part["size"]
    assert stored_configuration(made)["config"]["User"] == "1000:1000"
    assert made.size_bytes == sum(part["size"] for part in manifest["layers"])


def test_an_archive_holds_every_image_once_and_shared_layers_once(tmp_path: Path) -> None:
    images = [_image("lookout.internal/a:1", "a"), _image("lookout.internal/b:1", "b")]
    archive = oci.export(images, tmp_path / "out" / "images.tar")
    with tarfile.open(archive) as tar:
        names = tar.getnames()
        index = json.load(tar.extractfile("index.json") or pytest.fail("no index"))
        layout = json.load(tar.extractfile("oci-layout") or pytest.fail("no layout"))
    assert layout == {"imageLayoutVersion": "1.0.0"}
    assert [one["annotations"]["io.containerd.image.name"] for one in index["manifests"]] == [
        "lookout.internal/a:1",
        "lookout.internal/b:1",
    ]
    blobs = [name for name in names if name.startswith("blobs/sha256/")]
    assert len(blobs) == len(set(blobs)) == 2 + 2 + 3  # manifests, configurations, layers of which one is shared
    assert [path.name for path in archive.parent.iterdir()] == ["images.tar"]


def test_equal_images_give_an_equal_archive(tmp_path: Path) -> None:
    first = oci.export([_image()], tmp_path / "first.tar").read_bytes()
    assert oci.export([_image()], tmp_path / "second.tar").read_bytes() == first


def test_an_archive_s_key_follows_references_and_contents() -> None:
    keys = {archive_key([_image(ref, content)]) for ref in ("r.example/a:1", "r.example/a:2") for content in "ab"}
    assert len(keys) == 4


def test_a_failed_export_leaves_the_old_archive_and_nothing_else(tmp_path: Path) -> None:
    made = _image()
    archive = oci.export([made], tmp_path / "out" / "images.tar")
    before = archive.read_bytes()
    store.blob_path(made.layers[0].digest).unlink()
    with pytest.raises(FileNotFoundError):
        oci.export([made], archive)
    assert archive.read_bytes() == before
    assert [path.name for path in archive.parent.iterdir()] == ["images.tar"]


@pytest.mark.parametrize(
    ("destination", "expected"),
    [
        ("127.0.0.1:5000/detector", True),
        ("127.0.0.9/detector", True),
        ("localhost:5000/detector", True),
        ("registry.example/detector", False),
        ("registry.example:5000/detector", False),
        ("127.0.0.1.example:5000/detector", False),
        ("10.0.0.1:5000/detector", False),
    ],
)
def test_plain_http_is_for_loopback_alone(destination: str, expected: bool) -> None:
    assert on_loopback(destination) is expected


_SKOPEO = """#!/bin/sh
echo "$@" > "$(dirname "$0")/called"
for word in "$@"; do case "$word" in --digestfile=*) printf '%s' "DIGEST" > "${word#*=}" ;; esac; done
"""


def _fake_skopeo(folder: Path, digest: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder.mkdir()
    (folder / "skopeo").write_text(_SKOPEO.replace("DIGEST", digest))
    (folder / "skopeo").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder / "called"


def test_a_push_keeps_digest_and_tag_and_uses_tls_away_from_loopback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = _image("registry.example/app:7")
    called = _fake_skopeo(tmp_path / "bin", made.digest, monkeypatch)
    assert oci.push(made, "127.0.0.1:5000/app") == made.digest
    assert "--preserve-digests" in called.read_text()
    assert "--dest-tls-verify=false" in called.read_text()
    assert called.read_text().endswith("docker://127.0.0.1:5000/app:7\n")
    oci.push(made, "registry.example/team/app")
    assert "--dest-tls-verify=true" in called.read_text()


def test_a_registry_that_stores_something_else_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _fake_skopeo(tmp_path / "bin", "sha256:" + "0" * 64, monkeypatch)
    with pytest.raises(LookoutError, match="the registry stored"):
        oci.push(_image(), "127.0.0.1:5000/app")


def test_without_skopeo_the_package_to_install_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    made = _image()
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(LookoutError, match="skopeo") as caught:
        oci.push(made, "127.0.0.1:5000/app")
    assert "apt-get install skopeo" in str(caught.value.remedy)
