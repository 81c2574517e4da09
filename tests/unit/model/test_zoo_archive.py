"""Archives in the TensorFlow 2 detection zoo's layout go through the same door, by URL and sha256.

The archive is made here: a SavedModel with the zoo's signature whose every detection is fixed.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomli_w

from lookout.errors import EXIT_FAILURE
from service.model import stored
from service.runtimes import BatchSession, detect, open_session
from tests.unit.command import ended
from tests.unit.model.test_card import archive_card

MAKE = """
import sys, tensorflow as tf
class Detector(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([1, None, None, 3], tf.uint8, "input_tensor")])
    def __call__(self, input_tensor):
        height = tf.cast(tf.shape(input_tensor)[1], tf.float32)
        outputs = {
            "detection_boxes": tf.constant([[[0.1, 0.2, 0.5, 0.6], [0.0, 0.0, 1.0, 1.0]]]),
            "detection_scores": tf.constant([[0.9, 0.3]]),
            "detection_classes": tf.constant([[18.0, 1.0]]),
            "num_detections": tf.reshape(tf.minimum(height, 2.0), [1]),
        }
        return {name: outputs[name] for name in self.wanted}
for folder, wanted in zip(sys.argv[1::2], sys.argv[2::2]):
    module = Detector()
    module.wanted = wanted.split(",")
    tf.saved_model.save(module, folder, signatures=module.__call__)
"""
KEEP = """
import sys
from pathlib import Path
from service import bento_home
from service.model import importer, stored
built = Path(sys.argv[1])
importer.keep(stored.read_card(built), built, "the inputs", bento_home.use(), print)
"""
# Beside the other tests on TensorFlow: they are half of what one process has to do.
pytestmark = pytest.mark.xdist_group("archives")
OUTPUTS = ("detection_boxes", "detection_scores", "detection_classes", "num_detections")


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One with the zoo's signature, and one that lacks half of it."""
    directory = tmp_path_factory.mktemp("zoo")
    made = {name: directory / name / "saved_model" for name in ("whole", "lacking")}
    command = [sys.executable, "-c", MAKE, str(made["whole"]), ",".join(OUTPUTS)]
    command += [str(made["lacking"]), ",".join(OUTPUTS[:2])]
    subprocess.run(command, check=True, capture_output=True)
    packed = {}
    for name, folder in made.items():
        packed[name] = directory / f"{name}.tar.gz"
        with tarfile.open(packed[name], "w:gz") as tar:
            tar.add(folder, "ssd_test/saved_model")
    return packed


def own_places(tmp_path: Path) -> dict[str, str]:
    own = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "XDG_STATE_HOME": str(tmp_path / "state"), "COLUMNS": "200"}
    return {name: value for name, value in os.environ.items() if name != "BENTOML_HOME"} | own


def lookout(tmp_path: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "lookout.cli", *words]
    return subprocess.run(command, env=own_places(tmp_path), capture_output=True, text=True, check=False)


def card_file(tmp_path: Path, published: Path, **changes: Any) -> Path:
    sha256 = hashlib.sha256(published.read_bytes()).hexdigest()
    values = {"name": "ssd_test", "source__url": published.as_uri(), "source__sha256": sha256}
    card = archive_card(**(values | {"source__path": "ssd_test/saved_model"} | changes))
    path = tmp_path / "card.toml"
    path.write_text(tomli_w.dumps(card))
    return path


def test_an_archive_is_imported_stored_and_detects(archives: dict[str, Path], tmp_path: Path) -> None:
    card = card_file(tmp_path, archives["whole"])
    done = lookout(tmp_path, "model", "import", "--card", str(card), "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["tag"].startswith("ssd_test:")
    assert (found["runtime"], found["changed"]) == ("tensorflow", True)
    model = Path(found["path"])
    session = open_session("tensorflow", model, stored.read_card(model).card)
    assert isinstance(session, BatchSession)
    assert not session.takes_many  # as the zoo exports them
    seen = detect(session, np.zeros((40, 50, 3), np.uint8), 0.5, 10)
    assert (seen.classes.tolist(), len(seen)) == ([18], 1)
    again = json.loads(lookout(tmp_path, "model", "import", "--card", str(card), "--json").stdout)
    assert (again["tag"], again["changed"]) == (found["tag"], False)
    # What is damaged in BentoML's store is stored anew; test_own_profile.py has it imported anew.
    built = tmp_path / "built"
    shutil.copytree(model, built, ignore=shutil.ignore_patterns("model.yaml"))
    (model / "saved_model" / "saved_model.pb").write_bytes(b"rubbish")
    subprocess.run([sys.executable, "-c", KEEP, built], env=own_places(tmp_path), check=True)
    assert stored.digests(model) == stored.digests(built)


def test_an_archive_without_the_zoos_signature_is_refused(archives: dict[str, Path], tmp_path: Path) -> None:
    card = card_file(tmp_path, archives["lacking"])
    done = lookout(tmp_path, "model", "import", "--card", str(card))
    assert done.returncode == 1
    assert "no output detection_classes" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list((tmp_path / "cache" / "lookout" / "bentoml").glob("models/*/*"))
    assert not list((tmp_path / "cache" / "lookout" / "models").glob(".import-*"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"source__sha256": "1" * 64}, "is not what its card pins"),
        ({"source__path": "ssd_test"}, "no saved_model.pb"),
        ({"source__path": "elsewhere"}, "has no folder elsewhere"),
        ({"source__url": "file:///nowhere/x.tar.gz"}, "cannot fetch"),
    ],
)
def test_a_wrong_card_is_refused_in_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    changes: dict[str, Any],
    words: str,
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("COLUMNS", "200")
    published = tmp_path / "ssd_test.tar.gz"
    (tmp_path / "f").write_text("x")
    with tarfile.open(published, "w:gz") as tar:
        tar.add(tmp_path / "f", "ssd_test/saved_model/readme")
    assert ended("model", "import", "--card", str(card_file(tmp_path, published, **changes))) == EXIT_FAILURE
    said = capsys.readouterr().err
    assert words in said
    assert "Traceback" not in said
