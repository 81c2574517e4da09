"""The Debian packages the local road stands on, installed without letting any of their services start.

On a systemd machine docker-registry, lighttpd, haproxy and containerd would start at once and take ports; a
`policy-rc.d` that answers 101 (forbidden) for the time of the install keeps them still, and afterwards their units are
disabled, so that the next boot does not start them either. What was installed before is left as its owner has it.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping
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
_OURS: Final = "#!/bin/sh\n# Put here by lookout for the time of an installation; it may be removed.\nexit 101\n"


def missing(programs: Mapping[str, str] = PROGRAMS) -> list[str]:
    """Packages of `programs` that are not installed."""
    return [package for package, program in programs.items() if not _found(program)]


def install(progress: Callable[[str], None] | None = None, programs: Mapping[str, str] = PROGRAMS) -> list[str]:
    """Install what is missing of `programs` and return its names. LookoutError when apt fails."""
    packages = missing(programs)
    if not packages:
        return []
    if shutil.which("apt-get") is None:
        raise LookoutError(
            f"missing programs: {', '.join(programs[package] for package in packages)}, and this is not Debian",
            f"install the equivalents of these Debian packages: {' '.join(packages)}",
        )
    say = progress or (lambda _: None)
    log = paths.log_dir() / "apt.log"
    environment = {"DEBIAN_FRONTEND": "noninteractive"}
    say("reading package lists")
    run(["dpkg", "--configure", "--pending"], log=log, env=environment)  # what an interrupted run left half-configured
    run(["apt-get", "update", "--quiet"], log=log, env=environment, remedy=f"apt's output is in {log}")
    say(f"installing {', '.join(packages)}")
    # Fresh machines update themselves in the background: wait for the lock instead of failing at once.
    command = ["apt-get", "install", "--quiet", "--yes", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300"]
    with _services_forbidden():
        run([*command, *packages], log=log, env=environment, remedy=f"apt's output is in {log}")
    _disable_units(packages, log)
    return packages


def _disable_units(packages: list[str], log: Path) -> None:
    files = run(["dpkg-query", "--listfiles", *packages]).splitlines()
    units = sorted({Path(file).name for file in files if "/systemd/system/" in file and file.endswith(".service")})
    units = [unit for unit in units if "@" not in unit]
    if units and shutil.which("systemctl"):
        run(["systemctl", "disable", "--quiet", *units], log=log)


@contextmanager
def _services_forbidden() -> Iterator[None]:
    if _POLICY.exists() and _POLICY.read_text() != _OURS:  # the administrator's policy is theirs to decide
        yield
        return
    _POLICY.write_text(_OURS)
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        _POLICY.unlink(missing_ok=True)


def _found(program: str) -> bool:
    if program.startswith("/"):
        return Path(program).exists()
    return shutil.which(program, path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin") is not None
