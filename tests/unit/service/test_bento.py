"""A bento's version is its content, and its content is complete."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from lookout import paths
from lookout.errors import LookoutError
from service import bento, image, profile
from service.model import card as cards
from service.model import stored
from service.model.importer import import_model
from service.runtimes import RuntimeName
from service.sight import Sight


@pytest.fixture
def code(tmp_path: Path) -> dict[str, Path]:
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_text(name)
    return {name: tmp_path / name for name in ("a.py", "b.py")}


def test_the_same_content_gives_the_same_version(code: dict[str, Path], tmp_path: Path) -> None:
    first = bento.content_version(code, stored_card())
    elsewhere = tmp_path / "else"
    elsewhere.mkdir()
    copies = {}
    for name, path in reversed(code.items()):
        (elsewhere / name).write_bytes(path.read_bytes())
        copies[name] = elsewhere / name
    assert bento.content_version(copies, stored_card()) == first


def test_any_change_gives_another_version(code: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    versions = {bento.content_version(code, stored_card()), bento.content_version(code, stored_card(version="1" * 12))}
    versions.add(bento.content_version(code, stored_card(runtime="litert-float32")))
    seen = profile.of([Sight(1, 0.5)], "one photo")
    versions.add(bento.content_version(code, stored_card().model_copy(update={"profile": seen})))
    versions.add(bento.content_version({"a.py": code["a.py"], "c.py": code["b.py"]}, stored_card()))
    code["a.py"].write_text("changed")
    versions.add(bento.content_version(code, stored_card()))
    before = bento._bentofile
    monkeypatch.setattr(bento, "_bentofile", lambda tag: before(tag) | {"description": "Another."})
    versions.add(bento.content_version(code, stored_card()))
    assert len(versions) == 7


def stored_card(version: str = "0" * 12, runtime: RuntimeName = "litert-int8") -> stored.StoredCard:
    return stored.StoredCard(card=cards.load(), version=version, runtime=runtime)


def test_a_damaged_model_is_refused_with_its_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = import_model()
    record = stored.read_record(cards.DEFAULT)
    assert record is not None
    home = tmp_path / "bentoml"
    copy = stored.folder(home, *model.tag.split(":"))
    shutil.copytree(model.path, copy)
    monkeypatch.setenv("BENTOML_HOME", str(home))
    (copy / "int8.tflite").write_bytes(b"rubbish")
    with pytest.raises(LookoutError, match=r"is damaged \(int8\.tflite was changed\)") as caught:
        bento.build()
    assert "lookout model import" in str(caught.value.remedy)

    # The same for a bento of the store, also when its model is not the one imported last.
    built = home / "bentos/detector/abc"
    built.mkdir(parents=True)
    (built / "bento.yaml").write_text(f"models: [{{tag: '{model.tag}'}}]")
    with pytest.raises(LookoutError, match=r"int8\.tflite was changed"):
        image.find("detector:abc")
    monkeypatch.setattr(stored, "read_record", lambda _: None)
    with pytest.raises(LookoutError, match="its files do not give its version"):
        image.find("detector:abc")
    shutil.copyfile(model.path / "int8.tflite", copy / "int8.tflite")
    assert image.find("detector:abc") == (built, model.tag, copy)
    shutil.rmtree(copy)
    with pytest.raises(LookoutError, match="the store has no model"):
        image.find("detector:abc")


def test_holds_no_build_time_module_and_no_bytecode() -> None:
    names = set(bento.code_files())
    assert not {name for name in names if "pycache" in name or name.endswith(".pyc")}
    assert not names & {"service/bento.py", "service/image.py", "service/model/importer.py", "service/model/photos.py"}
    assert {"service/service.py", "service/web/index.html", "lookout/contract.py", bento.REQUIREMENTS} <= names


def test_is_built_once_and_a_damaged_one_is_built_again() -> None:
    import_model()
    first = bento.build()
    assert first.tag == f"detector:{bento.content_version(bento.code_files(), stored.read_card(first.model_path))}"
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
    if name in ("service.service", "service.serving", "service.__main__"):
        continue  # they want a model
    module = importlib.import_module(name)
    assert module.__file__.startswith({str(tmp_path)!r}), module.__file__
heavy = {{"tensorflow", "skimage", "typer", "scipy", "kubernetes", "pulumi", "bentoml"}} & set(sys.modules)
assert not heavy, heavy
"""
    )
    done = subprocess.run([sys.executable, "try.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
