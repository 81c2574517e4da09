"""Licences of what the project uses but did not write, read from what is installed; what cannot be read is `unknown`.

Python distributions say it in their metadata. Go programs carry the list of modules that were linked into them, and
each module's licence file lies in Go's module cache; its text is recognised by phrases that only one licence has.
Debian packages have a copyright file.
"""

import re
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Final, NamedTuple

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from lookout import process

UNKNOWN: Final = "unknown"

# Names of licences stand at the head of their text and again in texts that refer to them: the first one met counts.
_TITLES: Final = {
    "gnu affero general public license": "AGPL-3.0",
    "gnu lesser general public license": "LGPL",
    "gnu general public license": "GPL",
    "mozilla public license": "MPL-2.0",
    "eclipse public license - v 2.0": "EPL-2.0",
    "apache license version 2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "cc0 1.0 universal": "CC0-1.0",
}
# Licences that do not name themselves, most particular first: BSD-3 contains BSD-2.
_CLAUSES: Final = {
    "this is free and unencumbered software released into the public domain": "Unlicense",
    "permission to use, copy, modify, and/or distribute this software for any purpose": "ISC",
    "permission to use, copy, modify, and distribute this software for any purpose": "ISC",
    "endorse or promote products derived from": "BSD-3-Clause",
    "redistributions in binary form must reproduce": "BSD-2-Clause",
    "permission is hereby granted, free of charge, to any person obtaining a copy": "MIT",
}
_FILES: Final = re.compile(r"(licen[cs]e|copying|unlicense)([.-].*)?", re.IGNORECASE)


class Used(NamedTuple):
    """Something used: its name, its version and an SPDX-like licence, `unknown` where nothing tells."""

    name: str
    version: str
    licence: str


def python_distributions(lock: Path) -> list[Used]:
    """The locked distributions that apply to this machine, by name, with the licence their metadata states."""
    found = []
    for line in lock.read_text().splitlines():
        if not line[:1].isalnum():
            continue
        requirement = Requirement(line.removesuffix("\\").strip())
        if requirement.marker is not None and not requirement.marker.evaluate():
            continue
        version = str(requirement.specifier).removeprefix("==")
        found.append(Used(canonicalize_name(requirement.name), version, _python_licence(requirement.name)))
    return sorted(found)


def go_modules(programs: Iterable[Path], module_cache: Path) -> list[Used]:
    """Every module that is linked into the given Go programs, by name."""
    found = set()
    for program in programs:
        for name, version in linked_modules(process.run(["go", "version", "-m", program])):
            found.add(Used(name, version, _directory_licence(module_cache / f"{_escaped(name)}@{version}")))
    return sorted(found)


def debian_packages(packages: Iterable[str], documents: Path = Path("/usr/share/doc")) -> list[Used]:
    """Each package's licences as its machine-readable copyright file names them; versions are the distribution's."""
    found = []
    for package in packages:
        file = documents / package / "copyright"
        lines = file.read_text(errors="replace").splitlines() if file.is_file() else []
        named = {line.removeprefix("License:").strip() for line in lines if line.startswith("License:")}
        licence = ", ".join(sorted(named - {""})) or (UNKNOWN if lines else f"{UNKNOWN} (not installed)")
        found.append(Used(package, "Debian's", licence))
    return sorted(found)


def linked_modules(build_info: str) -> Iterator[tuple[str, str]]:
    """Name and version of each module in the output of `go version -m`; a replacement stands for what it replaces."""
    pending: tuple[str, str] | None = None
    for line in build_info.splitlines():
        words = line.split()
        if len(words) < 3 or words[0] not in ("mod", "dep", "=>") or not words[2].startswith("v"):
            continue  # our own module has the version (devel), a replacement by a directory has none
        if words[0] == "=>":
            pending = (words[1], words[2])
            continue
        if pending:
            yield pending
        pending = (words[1], words[2])
    if pending:
        yield pending


def recognise(text: str) -> str:
    """The licence a text is, or `unknown`."""
    flat = " ".join(re.sub(r"[^a-z0-9.,/ -]", " ", text.lower()).split())
    titles = [(flat.index(title), licence) for title, licence in _TITLES.items() if title in flat]
    if titles:
        return min(titles)[1]
    return next((licence for clause, licence in _CLAUSES.items() if clause in flat), UNKNOWN)


def _python_licence(name: str) -> str:
    try:
        stated = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return f"{UNKNOWN} (not installed)"
    for expression in stated.get_all("License-Expression") or ():
        return str(expression)
    classifiers = [
        classifier.rpartition(" :: ")[2]
        for classifier in stated.get_all("Classifier") or ()
        if classifier.startswith("License :: ") and classifier != "License :: OSI Approved"
    ]
    if classifiers:
        return ", ".join(sorted(set(classifiers)))
    free_text = "".join(stated.get_all("License") or ()).strip()
    if 0 < len(free_text) <= 60 and "\n" not in free_text:
        return free_text
    return recognise(free_text)


def _directory_licence(directory: Path) -> str:
    if not directory.is_dir():
        return f"{UNKNOWN} (not in the module cache)"
    licences = {
        recognise(path.read_text(errors="replace"))
        for path in sorted(directory.iterdir())
        if path.is_file() and _FILES.fullmatch(path.name)
    }
    return " and ".join(sorted(licences - {UNKNOWN})) or UNKNOWN


def _escaped(module: str) -> str:
    """A module's name as the cache spells it: a capital letter is an exclamation mark and the small letter."""
    return re.sub(r"[A-Z]", lambda match: f"!{match[0].lower()}", module)
