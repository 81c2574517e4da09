"""Building what is missing from the cache: one build at a time, each file put in place when it is finished."""

import errno
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict

from lookout.errors import LookoutError
from lookout.toolchain import go, override, programs, store
from lookout.toolchain.items import Item, Program

SPACE_COLD_BYTES: Final = 18 * 1024**3
"""What building everything from nothing wrote: 10 GiB build cache, 6 GiB modules, the files themselves."""
SPACE_WARM_BYTES: Final = 3 * 1024**3
"""The files themselves and the linker's scratch, when Go's caches hold the rest."""

_SCRATCH: Final = ".building-"


class Built(BaseModel):
    """One file a build made."""

    model_config = ConfigDict(frozen=True)

    name: str
    version: str
    path: Path
    size_bytes: int
    seconds: float


class Session:
    """A build in progress: `missing` is what there is to make, in order."""

    def __init__(self, missing: list[Item]) -> None:
        self.missing = missing
        self._go = go.compiler({item.family for item in missing}) if missing else ""

    def make(self, item: Item) -> Built:
        """Make one file and put it in place. LookoutError when it cannot be made; nothing half-made is left."""
        started = time.monotonic()
        entry = store.entry(item.family)
        with _disk_errors(entry):
            entry.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=entry, prefix=_SCRATCH, ignore_cleanup_errors=True) as name:
                scratch = Path(name)
                made = scratch / "made"
                if isinstance(item, Program) and item.package:
                    go.compile_program(item, made, scratch)
                else:
                    shutil.copyfile(go.module_dir(item.family, item.module) / item.file, made)
                record = store.put(item, made, self._go, time.monotonic() - started)
        return Built(
            name=item.name,
            version=item.bare_version,
            path=store.path(item),
            size_bytes=record.size_bytes,
            seconds=record.seconds,
        )


def missing(*, verify: bool = False) -> list[Item]:
    """What is not in the cache and not named by the environment; with `verify`, also what is no longer intact."""
    there: Callable[[Item], object] = store.intact if verify else store.record
    return [item for item in programs.items() if not override.named(item) and not there(item)]


@contextmanager
def session(say: Callable[[str], None], *, verify: bool = False) -> Iterator[Session]:
    """Hold the cache's lock and work through what is missing. Waits, and says so, while another build runs."""
    root = store.root()
    with _disk_errors(root):
        root.mkdir(parents=True, exist_ok=True)
        lock = (root / ".lock").open("a+")
    with lock:
        _acquire(lock.fileno(), say)
        for leftover in root.glob(f"*/{_SCRATCH}*"):  # of a build that was killed
            shutil.rmtree(leftover, ignore_errors=True)
        started = Session(missing(verify=verify))
        if len(started.missing) > len(programs.items()) / 2:
            _require_space(root)
        yield started


def _acquire(lock: int, say: Callable[[str], None]) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say(f"waiting for another build (process {os.pread(lock, 32, 0).decode().strip() or 'unknown'})")
        fcntl.flock(lock, fcntl.LOCK_EX)
    os.ftruncate(lock, 0)
    os.write(lock, f"{os.getpid()}\n".encode())


def _require_space(root: Path) -> None:
    needed = SPACE_WARM_BYTES if go.cached_bytes() > SPACE_COLD_BYTES / 3 else SPACE_COLD_BYTES
    free = shutil.disk_usage(root).free
    if free < needed:
        raise LookoutError(
            f"building the tools needs about {needed / 1024**3:.0f} GiB; {root} has {free / 1024**3:.1f} GiB left",
            "free space, or move the caches with XDG_CACHE_HOME and GOCACHE",
        )


@contextmanager
def _disk_errors(where: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise LookoutError(f"no space left in {where}", "free space and repeat; what is built stays") from error
        if error.errno in (errno.EACCES, errno.EROFS, errno.ENOTDIR, errno.EEXIST):
            raise LookoutError(f"cannot write {where}: {error.strerror}", "mend it, or set XDG_CACHE_HOME") from error
        raise
