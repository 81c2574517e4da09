"""Archives in the TensorFlow 2 detection zoo's layout go through the same door, by URL and sha256.

The archive is made here: a SavedModel with the zoo's signature whose every detection is fixed.
"""

import hashlib
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
import tomli_w

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
        return {name: outputs[name] for name in sys.argv[2:]}
module = Detector()
tf.saved_model.save(module, sys.argv[1], signatures=module.__call__)
"""
SEE = """
import sys, numpy as np
from pathlib import Path
from service.model.stored import read_card
from service.runtimes import detect, open_session
model = Path(sys.argv[1])
session = open_session("tensorflow", model, read_card(model).card)
found = detect(session, np.zeros((40, 50, 3), np.uint8), 0.5, 10)
print(found.classes.tolist(), len(found))
"""
OUTPUTS = ("detection_boxes", "detection_scores", "detection_classes", "num_detections")


def archive(tmp_path: Path, *outputs: str) -> Path:
    folder = tmp_path / "ssd_test" / "saved_model"
    subprocess.run([sys.executable, "-c", MAKE, str(folder), *outputs], check=True, capture_output=True)
    path = tmp_path / "ssd_test.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        tar.add(tmp_path / "ssd_test", "ssd_test")
    return path


def lookout(tmp_path: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    own = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "XDG_STATE_HOME": str(tmp_path / "state"), "COLUMNS": "200"}
    environment = {name: value for name, value in os.environ.items() if name != "BENTOML_HOME"} | own
    return subprocess.run(
        [sys.executable, "-m", "lookout.cli", *words], env=environment, capture_output=True, text=True, check=False
    )


def card_file(tmp_path: Path, published: Path, **changes: Any) -> Path:
    sha256 = hashlib.sha256(published.read_bytes()).hexdigest()
    values = {"name": "ssd_test", "source__url": published.as_uri(), "source__sha256": sha256}
    card = archive_card(**(values | {"source__path": "ssd_test/saved_model"} | changes))
    path = tmp_path / "card.toml"
    path.write_text(tomli_w.dumps(card))
    return path


def test_an_archive_is_imported_stored_and_detects(tmp_path: Path) -> None:
    card = card_file(tmp_path, archive(tmp_path, *OUTPUTS))
    done = lookout(tmp_path, "model", "import", "--card", str(card), "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["tag"].startswith("ssd_test:")
    assert (found["runtime"], found["changed"]) == ("tensorflow", True)
    seen = subprocess.run(
        [
            sys.executable,
            "-c",
            SEE,
            found["path"],
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert seen.stdout.strip() == "[18] 1", seen.stderr
    again = json.loads(lookout(tmp_path, "model", "import", "--card", str(card), "--json").stdout)
    assert (again["tag"], again["changed"]) == (found["tag"], False)
    # A changed file in the store is noticed and mended.
    (Path(found["path"]) / "saved_model" / "saved_model.pb").write_bytes(b"rubbish")
    mended = lookout(tmp_path, "model", "import", "--card", str(card), "--json")
    assert json.loads(mended.stdout)["tag"] == found["tag"], mended.stderr
    assert len((Path(found["path"]) / "saved_model" / "saved_model.pb").read_bytes()) > 1_000


def test_an_archive_without_the_zoos_signature_is_refused(tmp_path: Path) -> None:
    card = card_file(tmp_path, archive(tmp_path, "detection_boxes", "detection_scores"))
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
def test_a_wrong_card_is_refused_in_one_line(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    published = tmp_path / "ssd_test.tar.gz"
    (tmp_path / "f").write_text("x")
    with tarfile.open(published, "w:gz") as tar:
        tar.add(tmp_path / "f", "ssd_test/saved_model/readme")
    done = lookout(tmp_path, "model", "import", "--card", str(card_file(tmp_path, published, **changes)))
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr
