"""A profile of one's own photos: what is counted, what is refused, and the version of the model that carries it."""

import io
import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lookout import contract, paths
from lookout.errors import EXIT_FAILURE, EXIT_USAGE
from service import bento, drift, profile
from service.model import card as cards
from service.model import evaluate, fetch, importer, own_profile, profiling, stored
from service.postprocess import Detections
from service.profile import Profile
from service.sight import Sight
from tests.unit.command import ended

CALIBRATION = profile.of([Sight(50_000, 0.25, (0.95,), (18,))] * 400, "made-up photos")
ENOUGH = 130


class FakeSession:
    """Sees a cup and, less surely, a cat on whatever it is shown."""

    def prepare(self, image: Any) -> Any:
        return image

    def infer(self, prepared: Any) -> Any:
        return prepared

    def finish(self, raw: Any, threshold: float, limit: int) -> Detections:
        del raw
        boxes = np.array([[0.1, 0.2, 0.5, 0.6], [0.0, 0.0, 1.0, 1.0]], np.float32)
        return Detections(boxes, np.array([0.85, 0.55], np.float32), np.array([47, 17])).first(limit, threshold)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """BentoML's home with one imported model in it, whose sessions are made up."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("BENTOML_HOME", str(tmp_path / "bentoml"))
    (tmp_path / "bentoml").mkdir()
    # BentoML takes its home once for a whole process, so here it is left out: its store is a folder a version.
    monkeypatch.setattr(importer, "_store", partial(store, tmp_path / "bentoml"))
    monkeypatch.setattr(own_profile, "open_session", lambda *_: FakeSession())
    built = tmp_path / "built"
    built.mkdir()
    write_files(built)
    card = cards.load()
    found = stored.StoredCard(
        card=card,
        version=stored.content_version(card, stored.digests(built)),
        runtime="litert-int8",
        profile=CALIBRATION,
    )
    (built / stored.CARD_FILE).write_text(found.model_dump_json())
    importer.keep(found, built, "the inputs", tmp_path / "bentoml", lambda _: None)
    return tmp_path / "bentoml"


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """A folder of photos, bright ones and dark ones, one of them in a folder below, and two that are none."""
    folder = tmp_path / "album"
    (folder / "below").mkdir(parents=True)
    for number in range(ENOUGH - 1):
        (folder / f"{number:03}.jpg").write_bytes(jpeg(40 if number % 2 else 220))
    (folder / "below/one.jpg").write_bytes(jpeg(220))
    (folder / "text.jpg").write_bytes(b"This is no photo.")
    (folder / "cut.jpg").write_bytes(jpeg(128)[:200])
    (folder / "notes.txt").write_text("not meant")
    return folder


def store(home: Path, found: stored.StoredCard, built: Path) -> None:
    folder = stored.folder(home, found.card.name, found.version)
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(built, folder)


def write_files(built: Path) -> None:
    for name in ("int8.tflite", "anchors.npy"):
        (built / name).write_bytes(name.encode())


def jpeg(grey: int, size: tuple[int, int] = (64, 48)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, (grey, grey, grey)).save(buffer, "JPEG")
    return buffer.getvalue()


def run(*words: str) -> int:
    return ended("model", "profile", *words)


def latest(home: Path) -> tuple[Path, stored.StoredCard]:
    folder = stored.latest(home, cards.DEFAULT)
    return folder, stored.read_card(folder)


def test_a_new_version_of_the_model_carries_the_counts_and_nothing_else_of_the_photos(
    home: Path, album: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder_before, before = latest(home)
    assert run(str(album)) == 0
    folder, after = latest(home)
    assert after.version != before.version
    assert after.profile is not None
    assert after.profile.photos == ENOUGH
    assert after.profile.brightness.counts == (ENOUGH // 2 - 1, 0, 0, 0, 0, 0, ENOUGH // 2 + 1)
    assert after.profile.pixels.counts[0] == ENOUGH
    assert (after.profile.classes.ids, after.profile.classes.counts) == ((17, 47), (ENOUGH, ENOUGH, 0))
    assert stored.read_card(folder_before).profile == CALIBRATION  # the version before stays as it was

    printed = capfd.readouterr()
    assert after.tag in printed.out
    assert f"{ENOUGH} photos, 2 left out" in printed.out
    assert f"left out {album / 'text.jpg'}: The first bytes belong to no image type" in printed.err
    assert f"left out {album / 'cut.jpg'}: The JPEG data is damaged" in printed.err
    written = (folder / stored.PROFILE_FILE).read_text() + (folder / stored.CARD_FILE).read_text()
    assert str(album) not in written
    assert "000.jpg" not in written


def test_bento_and_image_take_it_like_any_other_version(home: Path, album: Path) -> None:
    _, before = latest(home)
    run(str(album))
    folder, after = latest(home)
    assert stored.intact(home, cards.DEFAULT, after.version) == folder
    assert set(stored.serving_files(folder)) == {stored.CARD_FILE, stored.PROFILE_FILE, "int8.tflite", "anchors.npy"}
    files = {"requirements": paths.PROJECT_ROOT / bento.REQUIREMENTS}
    assert bento.content_version(files, before) != bento.content_version(files, after)
    (folder / stored.PROFILE_FILE).write_text(CALIBRATION.model_dump_json())
    with pytest.raises(Exception, match=r"profile\.json was changed"):
        stored.intact(home, cards.DEFAULT, after.version)


def test_the_same_photos_give_the_same_version_and_other_photos_another(
    home: Path, album: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(str(album))
    first = latest(home)[1].version
    capsys.readouterr()
    assert run(str(album)) == 0
    assert "unchanged" in capsys.readouterr().out
    assert latest(home)[1].version == first
    (album / "more.jpg").write_bytes(jpeg(128))
    run(str(album))
    assert latest(home)[1].version != first


@pytest.mark.usefixtures("home")
def test_tells_how_far_the_photos_are_from_the_profile_before(album: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(str(album), "--json") == 0
    first = json.loads(capsys.readouterr().out)
    assert run(str(album), "--json") == 0
    again = json.loads(capsys.readouterr().out)
    assert [one["photo"] for one in first["left_out"]] == [str(album / "cut.jpg"), str(album / "text.jpg")]
    assert (first["photos"], again["before"]) == (ENOUGH, first["model"])
    psi = {one["feature"]: one["psi"] for one in first["features"]}
    assert psi["class"] > contract.DRIFT_PSI
    assert psi["score"] > contract.DRIFT_PSI
    assert psi["brightness"] is None  # of 400 and 130 photos chance alone makes more than a quarter of what counts
    assert {one["feature"]: one["psi"] for one in again["features"]}["class"] == pytest.approx(0)


def test_counts_what_the_clients_ask_for(home: Path, album: Path) -> None:
    assert run(str(album), "--threshold", "0.7", "--limit", "5") == 0
    found = latest(home)[1].profile
    assert found is not None
    assert (found.threshold, found.limit) == (0.7, 5)
    assert (found.classes.ids, sum(found.score.counts)) == ((47,), ENOUGH)


def test_photos_too_few_to_judge_one_feature_by_are_taken_and_said_to_be(
    home: Path, album: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in sorted(album.glob("0[0-9][0-9].jpg"))[:20]:
        path.unlink()
    assert run(str(album)) == 0
    assert "brightness (121 photos or more)" in capsys.readouterr().out.replace("\n", " ")
    assert latest(home)[1].profile != CALIBRATION


@pytest.mark.parametrize(
    ("kept", "said"), [(10, "by 10 photos no other photos can be judged"), (0, "none of the photos can be used")]
)
def test_too_few_photos_are_refused_and_change_nothing(
    home: Path, album: Path, capsys: pytest.CaptureFixture[str], kept: int, said: str
) -> None:
    before = latest(home)
    shutil.rmtree(album / "below")
    for path in sorted(album.glob("[0-9]*.jpg"))[kept:]:
        path.unlink()
    assert run(str(album)) == EXIT_FAILURE
    assert said in capsys.readouterr().err
    assert latest(home) == before


def test_a_model_that_is_not_there_and_photos_that_are_not_are_told_apart(
    home: Path, album: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(str(album), "--model", "nosuch") == EXIT_FAILURE
    assert "model nosuch was not imported yet" in capsys.readouterr().err
    assert run(str(tmp_path / "nosuch")) == EXIT_USAGE
    assert latest(home)[1].profile == CALIBRATION


def test_a_photo_is_judged_from_as_many_on_as_is_said() -> None:
    for bins in range(2, 82):
        for counted in (1, 20, 21, 150, 520, 10_000):
            reference = [counted] + [0] * (bins - 1)
            least = own_profile.least(counted, bins)
            if least is None:
                assert drift.score(reference, [10**12] + [0] * (bins - 1)) is None, (bins, counted)
                continue
            assert drift.score(reference, [least + 1] + [0] * (bins - 1)) is not None, (bins, counted)
            assert drift.score(reference, [least - 1] + [0] * (bins - 1)) is None, (bins, counted)
        enough = own_profile.needed(bins)
        assert enough is not None
        assert own_profile.least(enough, bins) is not None
        assert own_profile.least(enough - 1, bins) is None
    assert own_profile.least(1000, 1) is None
    assert own_profile.least(0, 7) is None


@pytest.fixture
def importing(monkeypatch: pytest.MonkeyPatch) -> Callable[..., stored.StoredCard]:
    """Import the default model with the work left out: its files are made up, and other inputs than last time."""
    monkeypatch.setattr(importer, "_inputs", lambda _: "other inputs")
    monkeypatch.setattr(importer, "_convert", lambda _card, _source, built, _say: write_files(built))
    monkeypatch.setattr(importer, "_fastest_that_agrees", lambda *_: "litert-int8")
    monkeypatch.setattr(fetch, "source_tree", lambda *_: Path())
    monkeypatch.setattr(evaluate, "judge", lambda *_: [])
    monkeypatch.setattr(evaluate, "judge_reduced", lambda *_: None)
    monkeypatch.setattr(profiling, "reference", lambda *_: CALIBRATION)

    def run_import(**options: Any) -> stored.StoredCard:
        return stored.read_card(importer.import_model(**options).path)

    return run_import


def test_a_new_import_keeps_it_and_import_again_is_the_way_back(
    home: Path, album: Path, importing: Callable[..., stored.StoredCard]
) -> None:
    _, imported = latest(home)
    run(str(album))
    _, own = latest(home)
    kept = importing()
    assert (kept.version, kept.profile) == (own.version, own.profile)
    record = stored.read_record(cards.DEFAULT)
    assert record is not None
    assert record.inputs == "other inputs"
    back = importing(again=True)
    assert (back.version, back.profile) == (imported.version, CALIBRATION)


def test_a_damaged_model_is_imported_again_and_keeps_it(
    home: Path, album: Path, importing: Callable[..., stored.StoredCard]
) -> None:
    run(str(album))
    own = importing()
    folder, _ = latest(home)
    (folder / "int8.tflite").write_bytes(b"rubbish")
    said: list[str] = []
    mended = importing(progress=said.append)
    assert f"the stored model {own.tag} is damaged (int8.tflite was changed)" in said[0]
    assert (mended.tag, mended.profile) == (own.tag, own.profile)
    assert (folder / "int8.tflite").read_bytes() == b"int8.tflite"


def test_a_profile_that_was_changed_or_counts_other_classes_is_not_kept(home: Path, album: Path) -> None:
    run(str(album))
    folder, own = latest(home)
    assert isinstance(stored.kept_profile(home, own.card), Profile)
    assert stored.kept_profile(home, own.card.model_copy(update={"labels": {1: "other"}})) is None
    (folder / stored.PROFILE_FILE).write_text(CALIBRATION.model_dump_json())
    assert stored.kept_profile(home, own.card) is None
