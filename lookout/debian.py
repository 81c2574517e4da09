"""The Debian packages the local road stands on, installed without letting any of their services start.

On a systemd machine docker-registry, redis, lighttpd, haproxy and containerd would start at once and take ports; a
`policy-rc.d` that answers 101 (forbidden) for the time of the install keeps them still.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from lookout import paths
from lookout.errors import LookoutError
from lookout.process import run

PROGRAMS: Final = {
    "conntrack": "conntrack",
    "containerd": "containerd",
    "containernetworking-plugins": "/usr/lib/cni/ptp",
    "docker-registry": "docker-registry",
    "haproxy": "haproxy",
    "iproute2": "ip",
    "lighttpd": "lighttpd",
    "mmdebstrap": "mmdebstrap",
    "nftables": "nft",
    "runc": "runc",
    "skopeo": "skopeo",
    "util-linux": "nsenter",
    "zstd": "zstd",
}
"""Package by package, one program that shows that it is there."""
_POLICY: Final = Path("/usr/sbin/policy-rc.d")


def missing() -> list[str]:
    """Packages of PROGRAMS that are not installed."""
    return [package for package, program in PROGRAMS.items() if not _found(program)]


def install(progress: Callable[[str], None] | None = None) -> list[str]:
    """Install what is missing and return its names. LookoutError when apt fails."""
    packages = missing()
    if not packages:
        return []
    if shutil.which("apt-get") is None:
        raise LookoutError(
            f"missing programs: {', '.join(PROGRAMS[package] for package in packages)}, and this is not Debian",
            f"install the equivalents of these Debian packages: {' '.join(packages)}",
        )
    say = progress or (lambda _: None)
    log = paths.log_dir() / "apt.log"
    environment = {"DEBIAN_FRONTEND": "noninteractive"}
    say("reading package lists")
    run(["apt-get", "update", "--quiet"], log=log, env=environment, remedy=f"apt's output is in {log}")
    say(f"installing {', '.join(packages)}")
    command = ["apt-get", "install", "--quiet", "--yes", "--no-install-recommends", *packages]
    with _services_forbidden():
        run(command, log=log, env=environment, remedy=f"apt's output is in {log}")
    return packages


@contextmanager
def _services_forbidden() -> Iterator[None]:
    if _POLICY.exists():  # the administrator has a policy already; it is theirs to decide
        yield
        return
    _POLICY.write_text("#!/bin/sh\nexit 101\n")
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        _POLICY.unlink(missing_ok=True)


def _found(program: str) -> bool:
    if program.startswith("/"):
        return Path(program).exists()
    return shutil.which(program, path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin") is not None
