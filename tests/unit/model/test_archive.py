"""Nothing in an archive lands outside its folder."""

import io
import tarfile
from pathlib import Path

import pytest

from lookout.errors import LookoutError
from service.model.archive import unpack


def packed(tmp_path: Path, *members: tarfile.TarInfo) -> Path:
    path = tmp_path / "model.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for member in members:
            tar.addfile(member, io.BytesIO(b"x" * member.size) if member.isreg() else None)
    return path


def regular(name: str, size: int = 3) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size = size
    return member


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


def test_unpacks_files_and_folders(tmp_path: Path) -> None:
    unpack(packed(tmp_path, special("a", tarfile.DIRTYPE), regular("a/b"), regular("c/d/e")), tmp_path / "out")
    assert (tmp_path / "out/a/b").read_bytes() == b"xxx"
    assert (tmp_path / "out/c/d/e").is_file()


@pytest.mark.parametrize(
    "evil",
    [
        regular("../outside"),
        regular("a/../../outside"),
        regular("/outside"),
        regular("a\\..\\outside"),
        special("link", tarfile.SYMTYPE, "/etc"),
        special("link", tarfile.SYMTYPE, "../.."),
        special("hard", tarfile.LNKTYPE, "../outside"),
        special("device", tarfile.CHRTYPE),
        special("pipe", tarfile.FIFOTYPE),
    ],
    ids=lambda member: f"{member.name}-{member.type!r}",
)
def test_refuses_members_that_lead_elsewhere_and_writes_nothing(tmp_path: Path, evil: tarfile.TarInfo) -> None:
    with pytest.raises(LookoutError, match="refused"):
        unpack(packed(tmp_path, regular("good"), evil), tmp_path / "out")
    assert not (tmp_path / "outside").exists()
    assert not (tmp_path / "out").exists()


def test_refuses_an_archive_that_unpacks_too_large(tmp_path: Path) -> None:
    with pytest.raises(LookoutError, match="more than 1,000 bytes"):
        unpack(packed(tmp_path, regular("a", 600), regular("b", 600)), tmp_path / "out", max_bytes=1_000)


@pytest.mark.parametrize("keep", [0, 10, 0.6])
def test_refuses_a_damaged_archive(tmp_path: Path, keep: float) -> None:
    path = packed(tmp_path, *(regular(f"f{number}", 5_000) for number in range(20)))
    data = path.read_bytes()
    path.write_bytes(data[: int(keep if keep > 1 else keep * len(data))])
    with pytest.raises(LookoutError, match="cannot unpack"):
        unpack(path, tmp_path / "out")
