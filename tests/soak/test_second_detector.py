"""A second detector, converted: its card says where its graph is cut, and the import does the rest.

The same conversion, calibration and gate as the first detector's, three quarters of a minute of processor time; what it
is made of stands in tests/loopback/patches.py.
"""

import json
from pathlib import Path

import pytest

from client import DetectorClient
from service.model.stored import StoredCard
from tests.loopback import patches
from tests.loopback.service import running
from tests.unit.model.test_zoo_archive import card_file, lookout


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model's folder in a store of its own."""
    place = tmp_path_factory.mktemp("second")
    card = card_file(place, patches.archive(place), **patches.CARD, **patches.CUT)
    done = lookout(place, "model", "import", "--card", str(card), "--json")
    assert done.returncode == 0, done.stderr
    return Path(json.loads(done.stdout)["path"])


def test_it_passed_the_same_gate_and_is_watched_by_its_own_profile(imported: Path) -> None:
    stored = StoredCard.model_validate_json((imported / "card.json").read_bytes())
    assert stored.runtime.endswith("-int8"), [report.failures for report in stored.parity]
    assert all(report.variants == 240 and report.matched > 200 for report in stored.parity)
    assert stored.profile is not None
    assert set(stored.profile.classes.ids) <= set(patches.LABELS)


@pytest.mark.parametrize("runtime", ["", "tensorflow"], ids=["as imported", "SavedModel"])
def test_its_boxes_lie_where_the_savedmodel_has_them(imported: Path, runtime: str) -> None:
    with running(imported, threads="1", runtime=runtime) as (url, _), DetectorClient(url) as detector:
        for width, height in ((96, 96), (600, 420)):
            assert patches.misplaced(detector.detect(patches.photo(width, height))) == []
