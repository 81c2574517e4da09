"""Unpacking a model's tar archive without trusting it: nothing lands outside the folder or grows without end."""

import tarfile
from pathlib import Path, PurePosixPath
from typing import Final

from lookout.errors import LookoutError

MAX_UNPACKED_BYTES: Final = 4 * 1024**3
"""The largest archive of the TensorFlow 2 detection zoo unpacks to about 1.5 GB."""
MAX_MEMBERS: Final = 10_000


def unpack(archive: Path, destination: Path, max_bytes: int = MAX_UNPACKED_BYTES) -> None:
    """Unpack regular files and folders of a tar archive (plain, gzip, bzip2 or xz) into `destination`.

    Every member is checked before the first is written. Raises LookoutError for a path that leaves the folder, a link,
    a device, an archive larger than `max_bytes` or one that cannot be read to its end.
    """
    try:
        with tarfile.open(archive) as tar:
            members = _checked(tar, archive, max_bytes)
            for member in members:
                tar.extract(member, destination, set_attrs=False, filter="data")
    except (tarfile.TarError, EOFError, OSError) as error:
        raise LookoutError(
            f"cannot unpack {archive.name}: {error}", "the archive is damaged or is not a tar archive"
        ) from error


def _checked(tar: tarfile.TarFile, archive: Path, max_bytes: int) -> list[tarfile.TarInfo]:
    members: list[tarfile.TarInfo] = []
    total = 0
    for member in tar:
        parts = PurePosixPath(member.name).parts
        if PurePosixPath(member.name).is_absolute() or ".." in parts or "\\" in member.name:
            raise _refused(archive, f"its member {member.name!r} would land outside the folder")
        if not (member.isreg() or member.isdir()):
            raise _refused(archive, f"its member {member.name!r} is a link or a device")
        total += member.size
        members.append(member)
        if total > max_bytes:
            raise _refused(archive, f"it unpacks to more than {max_bytes:,} bytes")
        if len(members) > MAX_MEMBERS:
            raise _refused(archive, f"it has more than {MAX_MEMBERS:,} members")
    return members


def _refused(archive: Path, why: str) -> LookoutError:
    return LookoutError(f"archive {archive.name} is refused: {why}", "do not use it; take the model from its publisher")
