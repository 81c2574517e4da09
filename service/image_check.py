"""Does the image start? Its root file system is unpacked and run as its pod would run it, without any cluster.

Read-only root, the image's own user, environment and command, an empty /tmp, no privileges to gain; only the network
is the host's, on a free loopback port.
"""

import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx

from lookout import contract, first_photo, paths
from lookout.errors import LookoutError
from lookout.oci import Image, Progress, silent
from lookout.oci.image import stored_configuration
from lookout.oci.layer import unpack

_READY_WITHIN_S: Final = 60.0
"""As long as a pod has for it (startupProbe)."""
_NOTHING: Final[Mapping[str, str]] = {}
# $1 the root, $2 user:group, $3 the folder, then the command. The shell stays as the namespace's first process, with
# which everything in it ends: a change of user clears the parent-death signal, so the command itself would live on.
_START: Final = """set -e
root=$1; user=$2; workdir=$3; shift 3
mount --make-rprivate /
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for name in null zero random urandom; do : > "$root/dev/$name"; mount --bind "/dev/$name" "$root/dev/$name"; done
mount -o remount,bind,ro "$root"
chroot --userspec="$user" "$root" /usr/bin/env -C "$workdir" "$@" || exit $?
exit 0
"""


def check_image(
    image: Image, progress: Progress = silent, environment: Mapping[str, str] = _NOTHING
) -> tuple[str, float]:
    """Start the image and detect on a bundled photo: what was found, and the seconds from start to ready.

    `environment` is set over the image's own. Needs root. Raises LookoutError with the container's last words when it
    ends early, is not ready within a minute or detects nothing.
    """
    with started(image, progress, environment) as (port, seconds):
        return first_photo.detect(port), seconds


@contextmanager
def started(
    image: Image, progress: Progress = silent, environment: Mapping[str, str] = _NOTHING
) -> Iterator[tuple[int, float]]:
    """The image's process, ready, as its port on loopback and the seconds it took; ended and removed afterwards."""
    paths.cache_dir().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="check-", dir=paths.cache_dir()) as name:
        root, log = Path(name) / "root", Path(name) / "log"
        progress("unpacking the image")
        for layer in image.layers:
            unpack(layer, root)
        port = _free_port()
        progress("starting the image's process")
        with log.open("w") as sink:
            start = time.monotonic()
            process = subprocess.Popen(_command(image, root, port, environment), stdout=sink, stderr=subprocess.STDOUT)
            try:
                _wait_until_ready(process, port, log)
                yield port, time.monotonic() - start
            finally:
                process.kill()  # its parent-death signal and namespace take everything inside with it
                process.wait()


def _command(image: Image, root: Path, port: int, environment: Mapping[str, str]) -> list[str]:
    runtime = stored_configuration(image)["config"]
    return [
        *("setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child"),
        *("sh", "-c", _START, "start", str(root), runtime["User"], runtime["WorkingDir"]),
        *("/usr/bin/env", "-i", *runtime["Env"], *(f"{name}={value}" for name, value in environment.items())),
        *(*runtime["Entrypoint"], "--host", "127.0.0.1", "--port", str(port)),
    ]


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    url = f"http://127.0.0.1:{port}{contract.READINESS_PATH}"
    deadline = time.monotonic() + _READY_WITHIN_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise LookoutError(f"the image's process ended with code {process.returncode}:\n{_last_words(log)}")
        try:
            if httpx.get(url, timeout=2).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass  # not listening yet
        time.sleep(0.02)
    raise LookoutError(f"the image was not ready within {_READY_WITHIN_S:g} s:\n{_last_words(log)}")


def _last_words(log: Path) -> str:
    return "\n".join(f"    {line}" for line in log.read_text(errors="replace").splitlines()[-12:])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
