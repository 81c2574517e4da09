"""A bento's version is its content, and its content is complete."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from lookout import paths
from service import bento
from service.model.importer import import_model


@pytest.fixture
def code(tmp_path: Path) -> dict[str, Path]:
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_text(name)
    return {name: tmp_path / name for name in ("a.py", "b.py")}


def test_the_same_content_gives_the_same_version(code: dict[str, Path], tmp_path: Path) -> None:
    first = bento.content_version(code, "m:1")
    elsewhere = tmp_path / "else"
    elsewhere.mkdir()
    copies = {}
    for name, path in reversed(code.items()):
        (elsewhere / name).write_bytes(path.read_bytes())
        copies[name] = elsewhere / name
    assert bento.content_version(copies, "m:1") == first


def test_any_change_gives_another_version(code: dict[str, Path]) -> None:
    versions = {bento.content_version(code, "m:1"), bento.content_version(code, "m:2")}
    versions.add(bento.content_version({"a.py": code["a.py"], "c.py": code["b.py"]}, "m:1"))
    code["a.py"].write_text("changed")
    versions.add(bento.content_version(code, "m:1"))
    assert len(versions) == 4


def test_holds_no_build_time_module_and_no_bytecode() -> None:
    names = set(bento.code_files())
    assert not {name for name in names if "pycache" in name or name.endswith(".pyc")}
    assert not names & {"service/bento.py", "service/image.py", "service/model/importer.py", "service/model/photos.py"}
    assert {"service/service.py", "service/web/index.html", "lookout/contract.py", bento.REQUIREMENTS} <= names


def test_is_built_once_and_a_damaged_one_is_built_again() -> None:
    import_model()
    first = bento.build()
    assert first.tag == f"detector:{bento.content_version(bento.code_files(), first.model_tag)}"
    described = yaml.safe_load((first.path / "bento.yaml").read_text())
    assert described["models"][0]["tag"] == first.model_tag
    assert described["services"][0]["config"]["workers"] == 1
    assert not bento.build().changed

    (first.path / "src/service/app.py").write_text("rubbish")
    said: list[str] = []
    again = bento.build(said.append)
    assert (again.tag, again.changed) == (first.tag, True)
    assert "service/app.py differs" in said[0]
    assert (again.path / "src/service/app.py").read_bytes() == (paths.PROJECT_ROOT / "service/app.py").read_bytes()


def test_its_code_imports_by_itself_and_without_tensorflow(tmp_path: Path) -> None:
    for name, path in bento.code_files().items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(path.read_bytes())
    (tmp_path / "try.py").write_text(
        f"""
import importlib, pathlib, sys
sys.path.insert(0, {str(tmp_path)!r})
for path in sorted(pathlib.Path({str(tmp_path)!r}).glob("*/**/*.py")):
    name = ".".join(path.relative_to({str(tmp_path)!r}).with_suffix("").parts).removesuffix(".__init__")
    if name in ("service.service", "service.__main__"):
        continue  # they want a model
    module = importlib.import_module(name)
    assert module.__file__.startswith({str(tmp_path)!r}), module.__file__
heavy = {{"tensorflow", "skimage", "typer", "scipy", "kubernetes", "pulumi", "bentoml"}} & set(sys.modules)
assert not heavy, heavy
"""
    )
    done = subprocess.run([sys.executable, "try.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
