"""A Debian root file system as an image's first layer, made by mmdebstrap from the host's own apt sources.

Only essential packages and those named, without documentation, translations, package lists, logs, device nodes and
without apt's sources: the image does not say where it was downloaded from. dpkg's database stays, so that scanners
know what is inside, and so do copyright files. Python's standard library is compiled to bytecode that needs no
timestamp: the fixed timestamps would make Debian's own bytecode look stale, and a read-only root could not renew it.
"""

import os
import platform
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from lookout import process
from lookout.errors import LookoutError
from lookout.oci import store
from lookout.oci.layer import copy_through, pack
from lookout.oci.store import Layer, Progress, silent

_TIMEOUT_S: Final = 1200.0
_LEFT_OUT: Final = (
    "/usr/share/man/*",
    "/usr/share/info/*",
    "/usr/share/locale/*",
    "/usr/share/i18n/*",
    "/usr/share/doc/*",
    "/usr/share/lintian/*",
    "/usr/share/bug/*",
)
# apt's lists and cache and /tmp are left to mmdebstrap, which empties them afterwards: its apt configuration lies in
# the new root's /tmp, and were that removed here, the same step would empty the package lists of the host.
_TIDY: Final = """set -e
cd "$1"
rm -rf etc/apt/sources.list etc/apt/sources.list.d/* etc/apt/apt.conf.d/99mmdebstrap etc/apt/auth.conf.d/*
rm -rf etc/resolv.conf etc/hostname var/cache/debconf var/cache/ldconfig var/log/* var/lib/systemd
rm -f etc/machine-id etc/.pwd.lock etc/passwd- etc/group- etc/shadow- etc/gshadow- var/lib/dpkg/*-old
rm -f var/lib/dpkg/lock var/lib/dpkg/lock-frontend var/lib/dpkg/triggers/Lock
: > etc/machine-id
if [ -e usr/bin/python3 ]; then
  find . -name __pycache__ -prune -exec rm -rf {} +
  chroot . python3 -m compileall -q --invalidation-mode unchecked-hash /usr/lib/python3*
fi
"""


class User(BaseModel):
    """An account of the image, without password and without login shell."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,30}$")]
    uid: Annotated[int, Field(ge=100, le=60000)]
    home: Annotated[str, Field(pattern=r"^/[a-z0-9/-]*$")]


def base(packages: Sequence[str], progress: Progress = silent, users: Sequence[User] = ()) -> Layer:
    """The layer with `packages` and what they depend on, in the host's own Debian suite and architecture.

    Kept by a key of packages, users, suite, architecture and recipe: later updates of Debian come in when the recipe
    is raised or the cache removed. Raises LookoutError without root, without mmdebstrap or when apt fails.
    """
    recipe = [_TIDY, _LEFT_OUT, [user.model_dump() for user in users]]
    key = store.key_of("debian", sorted(packages), suite(), platform.machine(), recipe)
    title = f"debian {suite()}"

    def make(temporary: Path) -> Layer:
        _check_host()
        progress(f"{title} with {', '.join(packages) or 'nothing more'} (about a minute)")
        tar = temporary / "rootfs.tar"
        _bootstrap(sorted(packages), users, tar, temporary)
        progress(f"{title}: compressing")
        with tar.open("rb") as source:
            return pack(title, lambda sink: copy_through(source, sink), temporary)

    return store.cached_layer(key, make, progress)


def suite() -> str:
    """The host's Debian suite, for example `bookworm`, from os-release. LookoutError where there is none."""
    codename = platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    if not codename:
        raise LookoutError(
            "this machine's /etc/os-release names no Debian suite", "images are built on Debian or Ubuntu"
        )
    return codename


def sources(index_targets: str, codename: str, vendor: str) -> str:
    """apt's sources.list for the image, from the lines `uri suite component` of `apt-get indextargets`.

    Only the distribution's own archives count, known by their suite and by a path such as /debian or
    /debian-security: what else the host has switched on is no business of an image.
    """
    wanted = (codename, f"{codename}-updates", f"{codename}-security")
    lines = set()
    for line in index_targets.splitlines():
        uri, release, component = line.split()
        archive = uri.rstrip("/").rpartition("/")[2]
        if release in wanted and archive.startswith(vendor) and component in ("main", "universe"):
            lines.add(f"deb {uri} {release} {component}\n")
    if not any(f" {codename} " in line for line in lines):
        raise LookoutError(
            f"apt on this machine has no source for {vendor} {codename}", "see /etc/apt/sources.list and sources.list.d"
        )
    return "".join(sorted(lines))


def _check_host() -> None:
    if os.geteuid() != 0:
        raise LookoutError("making a Debian base needs root", "run the command as root")
    for program in ("mmdebstrap", "setpriv", "unshare"):
        if shutil.which(program) is None:
            package = "mmdebstrap" if program == "mmdebstrap" else "util-linux"
            raise LookoutError(f"{program} is missing, which makes images' Debian base", f"apt-get install {package}")


def _bootstrap(packages: Sequence[str], users: Sequence[User], tar: Path, temporary: Path) -> None:
    vendor = platform.freedesktop_os_release().get("ID", "debian")
    # Without release information the lists need not have been downloaded; only what the host is set to matters.
    form = "$(REPO_URI) $(RELEASE) $(COMPONENT)"
    asked = ("apt-get", "indextargets", "--no-release-info", "--format", form, "Created-By: Packages")
    targets = process.run(asked)
    accounts = "".join(_account(user) for user in users)
    hook = temporary / "tidy.sh"
    hook.write_text(f'#!/bin/sh\n{_TIDY}{accounts}find . -xdev -name "*.dpkg-*" -type f -delete\n')
    hook.chmod(0o755)
    options = temporary / "apt.conf"
    options.write_text(_host_options(process.run(["apt-config", "dump"])))
    # A mount and process namespace of its own, ended with this process: no mount and no daemon of a package's
    # installation outlives it, whatever happens.
    process.run(
        [
            *(
                "setpriv",
                "--pdeathsig",
                "KILL",
                "unshare",
                "--mount",
                "--pid",
                "--fork",
                "--kill-child",
                "--mount-proc",
            ),
            *("mmdebstrap", "--quiet", "--mode=root", "--variant=essential", "--skip=output/mknod", "--format=tar"),
            *(f"--dpkgopt=path-exclude={pattern}" for pattern in _LEFT_OUT),
            "--dpkgopt=path-include=/usr/share/doc/*/copyright",
            *((f"--include={','.join(packages)}",) if packages else ()),
            f"--aptopt={options}",
            f"--customize-hook={hook}",
            *(suite(), tar, "-"),
        ],
        env={"SOURCE_DATE_EPOCH": str(store.EPOCH_S), "TMPDIR": str(temporary), "LC_ALL": "C.UTF-8"},
        input_text=sources(targets, suite(), vendor),
        timeout_s=_TIMEOUT_S,
        remedy="see that `apt-get update` works on this machine, then run the command again",
    )


def _account(user: User) -> str:
    return (
        f"echo '{user.name}:x:{user.uid}:{user.uid}::{user.home}:/usr/sbin/nologin' >> etc/passwd\n"
        f"echo '{user.name}:x:{user.uid}:' >> etc/group\n"
    )


def _host_options(dump: str) -> str:
    """The host's proxy and clock tolerance, which apt inside the new root must share."""
    prefixes = ("Acquire::http::Proxy", "Acquire::https::Proxy", "Acquire::Check-", "Acquire::Retries")
    return "".join(f"{line}\n" for line in dump.splitlines() if line.startswith(prefixes) and '""' not in line)
