"""Where images are kept: an OCI layout's blobs by digest, and records of what was made from which inputs.

<cache>/oci/blobs/sha256/<digest>   layers, configurations, manifests
<cache>/oci/records/<key>.json      what a key of inputs gave last time
<cache>/oci/tmp/                    work in progress; anything found there under the lock is a crash's and is removed
"""

import errno
import fcntl
import hashlib
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lookout import paths
from lookout.errors import LookoutError

Progress = Callable[[str], None]
"""Told, in a few words, what is being done right now."""
Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]

EPOCH_S: Final = 1735689600
"""2025-01-01: the one timestamp of files that are newer and of every image, so that equal inputs give equal digests."""
RECIPE: Final = 1
"""Part of every key: raise it when the same inputs shall give other bytes."""
_KEEP_S: Final = 30 * 86400.0
"""How long a layer is kept that no build has asked for."""


class Layer(BaseModel):
    """One layer: `digest` and `size_bytes` as stored, `diff_id` and `unpacked_bytes` of the plain tar."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    digest: Digest
    size_bytes: int
    diff_id: Digest
    unpacked_bytes: int


def silent(text: str) -> None:
    """A Progress for callers that show nothing."""
    del text


def root() -> Path:
    """The store's directory."""
    return paths.cache_dir() / "oci"


def blob_path(digest: str) -> Path:
    """Where the blob of `digest` is or would be."""
    return root() / "blobs" / "sha256" / digest.removeprefix("sha256:")


def key_of(*parts: object) -> str:
    """A key for anything JSON can hold; the recipe's version is part of it."""
    return hashlib.sha256(json.dumps([RECIPE, *parts], sort_keys=True, default=str).encode()).hexdigest()


def cached_layer(key: str, make: Callable[[Path], Layer], progress: Progress) -> Layer:
    """The layer recorded under `key`, or the one that `make` builds in the temporary directory it is given."""
    known = _known(key)
    if known:
        return known
    with workspace(progress) as temporary:
        known = _known(key)  # another process may have made it while this one waited for the lock
        if known:
            return known
        made = make(temporary)
        record = root() / "records" / f"{key}.json"
        record.parent.mkdir(parents=True, exist_ok=True)
        draft = temporary / "record.json"
        draft.write_text(made.model_dump_json())
        draft.replace(record)
        _forget(time.time() - _KEEP_S)
        return made


@contextmanager
def workspace(progress: Progress = silent) -> Iterator[Path]:
    """Exclusive use of the store, with a directory for work that is gone afterwards; a full disk is a LookoutError."""
    try:
        (root() / "tmp").mkdir(parents=True, exist_ok=True)
        with (root() / "lock").open("w") as lock:
            _wait_for(lock.fileno(), progress)
            for stale in (root() / "tmp").iterdir():
                shutil.rmtree(stale, ignore_errors=True)
                with suppress(OSError):
                    stale.unlink()
            with tempfile.TemporaryDirectory(dir=root() / "tmp", ignore_cleanup_errors=True) as name:
                yield Path(name)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        free_mb = shutil.disk_usage(root()).free // 1_000_000
        raise LookoutError(
            f"the disk that holds {root()} is full ({free_mb} MB left): the image was not made",
            "free some space or set XDG_CACHE_HOME to a larger disk, then run the command again",
        ) from error


def add_file(temporary: Path, digest: str) -> None:
    """Move a finished file to its place among the blobs; needs the workspace."""
    destination = blob_path(digest)
    destination.parent.mkdir(parents=True, exist_ok=True)
    temporary.chmod(0o644)
    temporary.replace(destination)


def add_json(document: object) -> tuple[str, int]:
    """Store a JSON document as a blob: its digest and its size in bytes."""
    content = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    path = blob_path(digest)
    if path.is_file():
        path.touch()
    else:
        with workspace() as temporary:
            (temporary / "blob").write_bytes(content)
            add_file(temporary / "blob", digest)
    return digest, len(content)


def _known(key: str) -> Layer | None:
    record = root() / "records" / f"{key}.json"
    try:
        layer = Layer.model_validate_json(record.read_text())
        whole = blob_path(layer.digest).stat().st_size == layer.size_bytes
    except (FileNotFoundError, ValidationError):
        return None
    if not whole:
        return None
    record.touch()
    return layer


def _forget(before_s: float) -> None:
    """Remove what nobody has asked for since then, or the cache would grow with every change of a tool; needs the lock.

    A layer that is asked for again is made again.
    """
    records = list((root() / "records").glob("*.json"))
    for record in records:
        if record.stat().st_mtime < before_s:
            record.unlink()
    kept = {_layer_digest(record) for record in records if record.exists()}
    for blob in (root() / "blobs" / "sha256").iterdir():
        if f"sha256:{blob.name}" not in kept and blob.stat().st_mtime < before_s:
            blob.unlink()


def _layer_digest(record: Path) -> str:
    try:
        return Layer.model_validate_json(record.read_text()).digest
    except ValidationError:
        return ""


def _wait_for(lock: int, progress: Progress) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        progress("waiting for another image build to end")
        fcntl.flock(lock, fcntl.LOCK_EX)
