"""Which files the load generator's image carries, and whether what they import is locked for it."""

import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from loadtest import image
from loadtest.incluster.closure import closure, imported
from lookout import paths
from lookout.oci import python


def _write(root: Path, **files: str) -> None:
    for name, text in files.items():
        path = root / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_it_follows_imports_of_imports_and_those_inside_functions(tmp_path: Path) -> None:
    _write(
        tmp_path,
        loadtest__a="import json\nfrom loadtest import b\n",
        loadtest__b="def late():\n    from service.c import thing\n",
        service__c="thing = 1\n",
        service__d="",
        lookout__e="",
    )
    (tmp_path / "loadtest/__init__.py").write_text("")
    assert list(closure(["loadtest.a"], tmp_path)) == [
        "loadtest/__init__.py",
        "loadtest/a.py",
        "loadtest/b.py",
        "service/c.py",
    ]


def test_a_circle_of_imports_ends(tmp_path: Path) -> None:
    _write(tmp_path, loadtest__a="import loadtest.b\n", loadtest__b="import loadtest.a\n")
    assert list(closure(["loadtest.a"], tmp_path)) == ["loadtest/a.py", "loadtest/b.py"]


def test_a_module_that_is_not_there_is_no_empty_image(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"loadtest\.gone"):
        closure(["loadtest.gone"], tmp_path)


def test_the_image_carries_no_infrastructure_and_no_other_room() -> None:
    rooms = {name.split("/")[0] for name in closure(image.ROOTS)}
    assert rooms == {"loadtest", "lookout", "service"}
    assert "loadtest/incluster/cluster.py" not in closure(image.ROOTS)


def test_every_distribution_that_the_image_s_code_imports_is_locked_for_it() -> None:
    known = packages_distributions()
    names = {
        name.split(".")[0]
        for file in _loaded_at_start()
        for name in imported(file, lazily=False)
        if name.split(".")[0] not in {*sys.stdlib_module_names, "lookout", "loadtest", "service"}
    }
    needed = {canonicalize_name(distribution) for name in names for distribution in known[name]}
    assert needed - set(_locked(image.REQUIREMENTS)) == set()
    assert {"locust", "numpy", "pydantic"} <= needed


def test_the_image_s_versions_are_those_tested_here() -> None:
    everything = _locked("requirements/lookout.txt")
    assert {name: version for name, version in _locked(image.REQUIREMENTS).items() if everything[name] != version} == {}


def _loaded_at_start() -> list[Path]:
    """Files reached by imports at a module's top level alone: what must be there for the processes to start."""
    found: dict[str, Path] = {}
    pending = list(image.ROOTS)
    while pending:
        name = pending.pop()
        file = paths.PROJECT_ROOT / f"{name.replace('.', '/')}.py"
        if name not in found and file.is_file():
            found[name] = file
            pending += imported(file, lazily=False)
    return list(found.values())


def _locked(name: str) -> dict[str, str]:
    lines = python.for_python((paths.PROJECT_ROOT / name).read_text(), "3.11").splitlines()
    requirements = [Requirement(line.removesuffix(" \\")) for line in lines if "==" in line]
    return {canonicalize_name(one.name): str(one.specifier) for one in requirements}
