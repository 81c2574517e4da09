"""The real model, imported through the real door: what each runtime sees on real photographs.

The first run fetches and converts (about a minute); later ones find the model in the cache.
"""

import io
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from lookout import contract
from service import runtimes, schema
from service.app import create_app
from service.decode import decode
from service.model import batching, evaluate, own_profile, parity, photos, savedmodel, stored
from service.model import card as cards
from service.model.importer import ImportedModel, import_model
from service.postprocess import Detections
from service.preprocess import resize_bilinear_legacy
from service.runtimes import RuntimeName, detect, open_session
from service.settings import Settings

pytestmark = pytest.mark.xdist_group("tensorflow")
EXPECTED = {"chelsea": {"cat": 0.9}, "coffee": {"cup": 0.9, "dining table": 0.7}, "motorcycle": {"motorcycle": 0.95}}


@pytest.fixture(scope="session")
def model() -> ImportedModel:
    return import_model(cards.DEFAULT)


@pytest.fixture(scope="session")
def card(model: ImportedModel) -> stored.StoredCard:
    return stored.read_card(model.path)


@pytest.mark.parametrize("runtime", runtimes.RUNTIMES)
def test_every_runtime_sees_what_is_in_the_photos(
    model: ImportedModel, card: stored.StoredCard, runtime: RuntimeName
) -> None:
    for photo, seen in evaluate.on_samples(model.path, card.card, runtime).items():
        found = dict(seen)
        assert set(found) == set(EXPECTED[photo]), photo
        for label, least in EXPECTED[photo].items():
            assert found[label] >= least, (photo, label)


@pytest.mark.parametrize("runtime", ["litert-float32", "openvino-float32"])
def test_float32_gives_the_numbers_of_the_savedmodel(
    model: ImportedModel, card: stored.StoredCard, runtime: RuntimeName
) -> None:
    reference = open_session("tensorflow", model.path, card.card)
    candidate = open_session(runtime, model.path, card.card)
    for pixels in photos.sample_pixels().values():
        one, other = detect(reference, pixels, 0.3, 100), detect(candidate, pixels, 0.3, 100)
        assert other.classes.tolist() == one.classes.tolist()
        assert other.boxes == pytest.approx(one.boxes, abs=1e-3)
        assert other.scores == pytest.approx(one.scores, abs=1e-3)


def test_the_card_holds_the_figures_by_which_the_runtime_was_chosen(card: stored.StoredCard) -> None:
    reports = {report.runtime: report for report in card.parity}
    assert tuple(reports) == runtimes.CONVERTED
    assert all(report.variants >= parity.MIN_VARIANTS for report in reports.values())
    assert reports["litert-float32"].passed
    assert reports["openvino-float32"].passed
    assert card.runtime == next(report.runtime for report in card.parity if report.passed)


def test_judging_again_gives_the_figures_of_the_card(model: ImportedModel, card: stored.StoredCard) -> None:
    again = evaluate.judge(model.path, card.card, [card.runtime], lambda _: None)[0]
    kept = next(report for report in card.parity if report.runtime == card.runtime)
    assert again.f1 == pytest.approx(kept.f1, abs=0.02)
    assert again.passed


def test_big_photos_are_judged_as_they_are_decoded(model: ImportedModel, card: stored.StoredCard) -> None:
    assert card.reduced is not None
    assert card.reduced.variants >= parity.MIN_VARIANTS
    assert card.reduced.passed
    again = evaluate.judge_reduced(model.path, card.card, card.runtime, lambda _: None, count=24)
    assert again is not None
    assert again.f1 >= parity.MIN_F1 - 0.05  # of so few boxes one more or less is two hundredths


def test_the_gate_would_stop_photos_that_are_decoded_too_small(
    model: ImportedModel, card: stored.StoredCard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluate, "enough_for", lambda _: (60, 60))
    report = evaluate.judge_reduced(model.path, card.card, card.runtime, lambda _: None, count=24)
    assert report is not None
    assert report.f1 < parity.MIN_F1


def test_sessions_of_one_process_do_not_disturb_each_other(model: ImportedModel, card: stored.StoredCard) -> None:
    sessions = [open_session(card.runtime, model.path, card.card) for _ in range(4)]
    some = [one.pixels for one in photos.held_out(8)]
    alone = [detect(sessions[0], pixels, 0.3, 100) for pixels in some]

    def turn(place: int) -> list[Detections]:
        return [detect(sessions[place], pixels, 0.3, 100) for pixels in some]

    with ThreadPoolExecutor(len(sessions)) as pool:
        for together in pool.map(turn, range(len(sessions))):
            for one, other in zip(alone, together, strict=True):
                assert (one.boxes == other.boxes).all()
                assert (one.scores == other.scores).all()


def test_the_gate_would_stop_a_runtime_that_resizes_otherwise(model: ImportedModel, card: stored.StoredCard) -> None:
    reference = open_session("tensorflow", model.path, card.card)
    candidate = open_session("litert-float32", model.path, card.card)

    def squeezed(pixels: photos.Pixels) -> photos.Pixels:
        small = Image.fromarray(pixels).resize((100, 100), Image.Resampling.LANCZOS)
        return np.asarray(small.resize((pixels.shape[1], pixels.shape[0])))

    pairs = [
        (detect(reference, one.pixels, 0.5, 100), detect(candidate, squeezed(one.pixels), 0.5, 100))
        for one in photos.held_out(60)
    ]
    assert parity.compare("squeezed", pairs).f1 < parity.MIN_F1


def test_resizing_gives_tensorflows_own_numbers(card: stored.StoredCard) -> None:
    from service.model.tensorflow_import import quiet_tensorflow

    tf = quiet_tensorflow()
    size = card.card.input
    assert size is not None
    for pixels in photos.sample_pixels().values():
        expected = savedmodel.preprocess(tf, tf.constant(pixels[np.newaxis]), size).numpy()[0]
        ours = resize_bilinear_legacy(pixels, size.height, size.width) * size.scale + size.offset
        assert ours == pytest.approx(expected, abs=1e-4)


def test_the_savedmodel_takes_batches(model: ImportedModel) -> None:
    detect_all = savedmodel.load(model.path / runtimes.SAVED_MODEL).signatures["serving_default"]
    from service.model.tensorflow_import import quiet_tensorflow

    pixels = photos.sample_pixels()["chelsea"]
    outputs = detect_all(input_tensor=quiet_tensorflow().constant(np.stack([pixels, pixels[:, ::-1]])))
    assert sorted(outputs) == sorted(savedmodel.OUTPUTS)
    assert outputs["detection_classes"].numpy()[:, 0].tolist() == [17, 17]


@pytest.mark.parametrize("runtime", batching.RUNTIMES)
def test_what_is_timed_in_batches_is_the_model(
    model: ImportedModel, card: stored.StoredCard, runtime: RuntimeName
) -> None:
    alone, together = (batching.runner(runtime, model.path, card.card, size)() for size in (1, 3))
    for one, three in zip(alone, together, strict=True):
        assert three == pytest.approx(np.repeat(one, 3, axis=0), abs=1e-3)


def test_importing_again_does_no_work(model: ImportedModel) -> None:
    said: list[str] = []
    again = import_model(cards.DEFAULT, said.append)
    assert (again.tag, again.changed, said) == (model.tag, False, [])


@pytest.fixture(scope="session")
def served(model: ImportedModel) -> Iterator[TestClient]:
    with TestClient(create_app(model.path, Settings())) as client:
        deadline = time.monotonic() + 60
        while client.get(contract.READINESS_PATH).status_code != 200:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield client


@pytest.mark.parametrize("photo", sorted(EXPECTED))
def test_the_service_finds_the_objects_in_photos(served: TestClient, photo: str) -> None:
    answer = served.post(
        contract.DETECT_PATH, content=photos.sample_photos()[photo], headers={"Content-Type": "image/jpeg"}
    )
    body = schema.DetectResponse.model_validate_json(answer.content)
    assert {one.label for one in body.detections} == set(EXPECTED[photo])
    for one in body.detections:
        assert 0 <= one.box.x_min < one.box.x_max <= body.image.width
        assert 0 <= one.box.y_min < one.box.y_max <= body.image.height


def test_a_profile_of_ones_own_photos_counts_what_the_service_would_find(
    model: ImportedModel, card: stored.StoredCard, tmp_path: Path
) -> None:
    for name, data in photos.sample_photos().items():
        (tmp_path / f"{name}.jpg").write_bytes(data)
    paths = [tmp_path / f"{name}.jpg" for name in EXPECTED]
    sights = own_profile.look(
        model.path, card, paths, 0.5, 20, lambda _path, wrong: pytest.fail(str(wrong)) if wrong else None
    )
    for sight, (name, seen) in zip(sights, EXPECTED.items(), strict=True):
        assert {card.card.labels[class_id] for class_id in sight.classes} == set(seen), name


def test_serving_needs_few_of_the_models_files(model: ImportedModel) -> None:
    files = stored.serving_files(model.path)
    assert stored.CARD_FILE in files
    assert not any(name.startswith(runtimes.SAVED_MODEL) for name in files)
    assert all(isinstance(path, Path) and path.is_file() for path in files.values())


def test_the_service_decodes_photos_to_the_pixels_that_were_judged() -> None:
    for data in photos.sample_photos().values():
        expected = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
        assert (decode(data, "image/jpeg", contract.MAX_IMAGE_PIXELS) == expected).all()
