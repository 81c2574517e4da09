"""Python in images: Debian's interpreter as a base, locked dependencies, code; what changes most comes last.

Every image of this project that runs Python shares the base, so a node keeps it once. Files are compiled by the image's
own interpreter to bytecode that is never checked against timestamps: the root is read-only, so nothing could be
compiled at run time, and equal sources give equal bytes.
"""

import hashlib
import platform
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from packaging.markers import default_environment
from packaging.requirements import Requirement

from lookout import process
from lookout.errors import LookoutError
from lookout.oci import debian
from lookout.oci.debian import User
from lookout.oci.entries import Tree, items
from lookout.oci.layer import file_digest, pack, unpack, write_tar
from lookout.oci.store import Layer, Progress, cached_layer, key_of

SITE_PACKAGES: Final = "/opt/lookout/site-packages"
UID: Final = 1000
HOME: Final = "/tmp"  # noqa: S108  # the one writable place of a container

_PACKAGES: Final = ("libstdc++6", "python3")
_USER: Final = User(name="lookout", uid=UID, home=HOME)
_LEFT_OUT: Final = (
    *("tests", "*.pyi", "*.pyx", "*.pxd", "*.a", "*.h", "__pycache__/*.opt-*.pyc"),
    *("libopenvino_intel_gpu_plugin.so", "libopenvino_intel_npu_plugin.so", "openvino/libs/cache.json"),
)
"""Of the dependencies: their own tests, what only compilers and type checkers read, and OpenVINO's drivers of devices
that no detector is run on (60 MB)."""
_PIP_TIMEOUT_S: Final = 1800.0


def python_base(progress: Progress) -> Layer:
    """The root file system: Debian's essential packages, Python and the user that containers run as."""
    return debian.base(_PACKAGES, progress, (_USER,))


def environment(code: str) -> dict[str, str]:
    """What Python must be told in a container whose sources lie in the folder `code`."""
    return {
        "PYTHONPATH": f"{code}:{SITE_PACKAGES}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "HOME": HOME,
        "LANG": "C.UTF-8",
    }


def dependencies(base: Layer, locked: str, progress: Progress, title: str = "dependencies") -> Layer:
    """The lines of a lock file as wheels for the base's Python, installed by pip with every hash checked."""
    text_digest = f"sha256:{hashlib.sha256(locked.encode()).hexdigest()}"
    key = key_of(title, base.digest, text_digest, SITE_PACKAGES, _LEFT_OUT)

    def make(temporary: Path) -> Layer:
        root = unpack(base, temporary / "root")
        version = python_version(root)
        chosen = temporary / "requirements.txt"
        chosen.write_text(for_python(locked, version))
        target = root / SITE_PACKAGES.lstrip("/")
        progress(f"{title}: installing the locked requirements for Python {version}")
        _pip_install(chosen, target, version)
        shutil.rmtree(target / "bin", ignore_errors=True)  # scripts that name this machine's Python
        progress(f"{title}: compiling to bytecode")
        _compile(root, SITE_PACKAGES)
        entries = [Tree(source=target, target=SITE_PACKAGES, exclude=_LEFT_OUT)]
        progress(f"{title}: compressing")
        return pack(title, lambda sink: write_tar(items(entries), sink), temporary)

    return cached_layer(key, make, progress)


def code(
    base: Layer, sources: Mapping[str, Path], target: str, progress: Progress, texts: Mapping[str, str] | None = None
) -> Layer:
    """The project's own files with their bytecode: `sources` by path below the folder `target`, and small `texts`."""
    texts = texts or {}
    contents = [[name, file_digest(path)] for name, path in sorted(sources.items())]
    key = key_of("code", base.digest, target, contents, sorted(texts.items()))

    def make(temporary: Path) -> Layer:
        progress("compiling the code")
        root = unpack(base, temporary / "root")
        folder = root / target.lstrip("/")
        for name, path in sources.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, folder / name)
        for name, text in texts.items():
            (folder / name).write_text(text)
        _compile(root, target)
        return pack("code", lambda sink: write_tar(items([Tree(source=folder, target=target)]), sink), temporary)

    return cached_layer(key, make, progress)


def for_python(locked: str, version: str) -> str:
    """The lines of a universal lock file that count for this Python, without their markers.

    pip judges markers by the Python it runs in, which need not be the image's.
    """
    full = f"{version}.0"
    known = {k: str(v) for k, v in default_environment().items()}
    known |= {"python_version": version, "python_full_version": full}
    chosen = []
    for requirement, hashes in requirements(locked):
        if requirement.marker is None or requirement.marker.evaluate(known):
            chosen.append(f"{requirement.name}{requirement.specifier} \\\n{hashes}")
    return "\n".join(chosen) + "\n"


def requirements(locked: str) -> Iterator[tuple[Requirement, str]]:
    """Each requirement of a lock file, with the lines of its hashes."""
    for block in re.split(r"\n(?=\S)", locked):
        wanted, _, hashes = block.partition(" \\\n")
        if wanted.strip() and not wanted.startswith("#"):
            yield Requirement(wanted), hashes


def parts(locked: str, named: Mapping[str, str]) -> dict[str, str]:
    """A lock file in parts, for a layer each: by title, the lines of packages whose whole name matches its pattern, a
    package in the first that does."""
    found: dict[str, list[str]] = {title: [] for title in named}
    for requirement, hashes in requirements(locked):
        title = next(title for title, pattern in named.items() if re.fullmatch(pattern, requirement.name))
        found[title].append(f"{requirement} \\\n{hashes}\n")
    return {title: "".join(lines) for title, lines in found.items()}


def python_version(root: Path) -> str:
    """The version of a root file system's Python, as in `3.11`."""
    program = root / "usr/bin/python3"
    found = re.fullmatch(r"python(3\.\d+)", program.readlink().name) if program.is_symlink() else None
    if found is None:
        raise LookoutError(f"{program} is not the link to Debian's Python that was expected")
    return found.group(1)


def _pip_install(requirements: Path, target: Path, version: str) -> None:
    machine = platform.machine()
    # The image has the host's Debian suite, so its C library too; pip wants each older tag named.
    minor = int(platform.libc_ver()[1].split(".")[1])
    tags = [f"manylinux_2_{n}_{machine}" for n in range(minor, 4, -1)] + [
        f"manylinux2014_{machine}",
        f"linux_{machine}",
    ]
    process.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"),
            *("--require-hashes", "--only-binary=:all:", "--no-deps", "--no-compile", "--ignore-installed"),
            *("--implementation", "cp", "--python-version", version),
            *(f"--platform={tag}" for tag in tags),
            *("--target", target, "--requirement", requirements),
        ],
        timeout_s=_PIP_TIMEOUT_S,
        remedy="see that `pip download pydantic` works on this machine, then run the command again",
    )


def _compile(root: Path, folder: str) -> None:
    """One process, one hash seed and one order: bytecode depends on all three. Files that do not compile stay."""
    command = ("python3", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", folder)
    process.run(["chroot", root, "sh", "-c", f"{' '.join(command)} || true"], env={"PYTHONHASHSEED": "0"})
