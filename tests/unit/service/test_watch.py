"""What a served photo leaves in the metrics: its size, its light, its scores, and drift once there is enough."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from lookout import contract
from service import profile, sight
from service.intake import Parameters
from service.metrics import Metrics
from service.model.stored import CARD_FILE, StoredCard
from service.postprocess import Detections
from service.profile import Profile
from service.sight import Sight
from service.watch import Watch

NOTHING = Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64))
DARK, LIGHT = np.full((60, 80, 3), 20, np.uint8), np.full((60, 80, 3), 240, np.uint8)


def gauges(text: bytes, name: str) -> dict[str, float]:
    """Values of a metric by its feature, empty where it has none."""
    return {
        sample.labels.get("feature", ""): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
        if sample.name == name
    }


def reference(brightnesses: tuple[float, ...] = (0.1, 0.5)) -> Profile:
    return profile.of([Sight(4_800, value) for value in brightnesses * 500], "made up")


@pytest.mark.parametrize("shape", [(1, 1), (33, 32), (480, 640), (1081, 1919)])
def test_brightness_is_the_mean_luma_of_the_whole_photo(shape: tuple[int, int]) -> None:
    rows, columns = np.mgrid[0 : shape[0], 0 : shape[1]]
    slope = np.uint8(255 * (rows / shape[0] + columns / shape[1]) / 2)
    assert sight.brightness(np.dstack([slope] * 3)) == pytest.approx(float(slope.mean()) / 255, abs=0.02)


def test_green_is_brighter_than_blue() -> None:
    pixels = np.zeros((40, 40, 3), np.uint8)
    pixels[..., 1] = 255
    assert sight.brightness(pixels) == pytest.approx(0.587, abs=1e-3)


def test_a_photo_leaves_its_size_light_and_scores(client: TestClient) -> None:
    answer = client.post("/v1/detect", content=jpeg(400, 300, 128), headers={"content-type": "image/jpeg"})
    assert answer.status_code == 200
    text = client.get("/metrics").text
    for line in (
        f'{contract.METRIC_PIXELS}_bucket{{le="100000.0"}} 0.0',
        f'{contract.METRIC_PIXELS}_bucket{{le="300000.0"}} 1.0',
        f'{contract.METRIC_BRIGHTNESS}_bucket{{le="0.5"}} 0.0',
        f'{contract.METRIC_BRIGHTNESS}_bucket{{le="0.6"}} 1.0',
        f'{contract.METRIC_SCORE}_bucket{{le="0.8"}} 0.0',
        f'{contract.METRIC_SCORE}_bucket{{le="0.9"}} 1.0',
    ):
        assert line in text.splitlines()


def test_a_model_without_a_profile_has_no_drift(client: TestClient) -> None:
    assert contract.METRIC_DRIFT not in client.get("/metrics").text


def test_the_service_judges_its_photos_by_the_models_profile(
    model_dir: Path, make_client: Callable[..., TestClient]
) -> None:
    card = StoredCard.model_validate_json((model_dir / CARD_FILE).read_text())
    (model_dir / CARD_FILE).write_text(card.model_copy(update={"profile": reference()}).model_dump_json())
    client = make_client()
    client.post("/v1/detect", content=jpeg(40, 30, 128), headers={"content-type": "image/jpeg"})
    text = client.get("/metrics").content
    assert gauges(text, contract.METRIC_DRIFT_PHOTOS) == {"": 1.0}
    assert gauges(text, contract.METRIC_DRIFT) == {}  # one photo is too few to tell


def test_drift_shows_once_there_is_enough_and_goes_with_its_photos() -> None:
    metrics, clock = Metrics(), [0.0]
    seen = Watch(metrics, reference(), lambda: clock[0])
    for _ in range(200):
        seen.see(sight.of(DARK, 4_800, NOTHING), Parameters())
        seen.see(sight.of(np.full_like(DARK, 128), 4_800, NOTHING), Parameters())
    same = gauges(metrics.text(), contract.METRIC_DRIFT)
    assert set(same) == {"brightness", "pixels"}  # nothing was found, then or now: scores and classes are not judged
    assert max(same.values()) < 0.02
    clock[0] = 7_200.0
    for _ in range(200):
        seen.see(sight.of(LIGHT, 4_800, NOTHING), Parameters())
    changed = gauges(metrics.text(), contract.METRIC_DRIFT)
    assert changed["brightness"] > contract.DRIFT_PSI
    assert changed["pixels"] < 0.02
    clock[0] = 20_000.0
    assert gauges(metrics.text(), contract.METRIC_DRIFT) == {}


def jpeg(width: int, height: int, grey: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), (grey, grey, grey)).save(buffer, "JPEG")
    return buffer.getvalue()
