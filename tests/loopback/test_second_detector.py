"""Another detector takes the place of the first by its model card alone: on the SavedModel itself.

Other labels with gaps between their ids, another input size, and the quirks of the TensorFlow 2 zoo's exports: a batch
fixed at one, classes as floats, outputs nobody asked for. It comes as an archive through the same door as the first
(`second_detector.py` makes it; nothing about it was trained). tests/soak has it converted and judged as well.
"""

import io
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from client import DetectorClient
from lookout import contract
from service.schema import DetectResponse
from tests.loopback import patches
from tests.loopback.service import running
from tests.unit.model.test_zoo_archive import card_file, lookout

pytestmark = pytest.mark.loopback


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A service with it, imported into a store of its own."""
    place = tmp_path_factory.mktemp("second")
    card = card_file(place, patches.archive(place), **patches.CARD)
    done = lookout(place, "model", "import", "--card", str(card), "--json")
    assert done.returncode == 0, done.stderr
    with running(Path(json.loads(done.stdout)["path"]), threads="1") as (url, _):
        yield url


def test_its_boxes_lie_on_what_it_found_under_its_own_names(url: str) -> None:
    with DetectorClient(url) as detector:
        for width, height in ((96, 96), (600, 420)):
            answer = detector.detect(patches.photo(width, height))
            assert (answer.image.width, answer.image.height) == (width, height)
            assert patches.misplaced(answer) == []


def test_a_batch_and_both_protocols_name_it(url: str) -> None:
    with DetectorClient(url) as detector:
        model = detector.model()
        assert (model.name, model.labels, model.runtime) == (patches.NAME, patches.LABELS, "tensorflow")
        for answer in detector.detect_batch([patches.photo(96, 96), patches.photo(192, 96, "JPEG")]):
            assert isinstance(answer, DetectResponse)
            assert patches.misplaced(answer) == []
    pixels = np.asarray(Image.open(io.BytesIO(patches.photo(96, 96))))
    given = {"name": "input_tensor", "shape": [1, 96, 96, 3], "datatype": "UINT8", "data": pixels.ravel().tolist()}
    answered = httpx.post(url + contract.OIP_INFER_PATH, json={"inputs": [given]}, trust_env=False, timeout=30).json()
    told = {one["name"]: one["data"] for one in answered["outputs"]}
    found = zip(told["detection_classes"], told["detection_scores"], strict=True)
    assert {int(class_id) for class_id, score in found if score > 0.5} == set(patches.LABELS)


def test_it_is_counted_and_watched_under_its_own_names(url: str) -> None:
    with DetectorClient(url) as detector:
        detector.detect(patches.photo(96, 96))
    metrics = httpx.get(url + contract.METRICS_PATH, trust_env=False).text
    assert f'{contract.METRIC_DETECTIONS}{{label="warm"}}' in metrics
    assert f"{contract.METRIC_DRIFT_PHOTOS} " in metrics
