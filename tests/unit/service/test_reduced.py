"""A big JPEG is decoded no larger than the model needs; whatever is answered about it is in the original's pixels."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lookout import contract
from service import schema
from service.decode import decode, decode_reduced, reduction
from service.model import card as cards
from service.model.parity import Parity
from service.model.stored import CARD_FILE, StoredCard
from tests.unit.service.conftest import ClientFactory, FakeSession

NEEDED = (300, 400)
_LIMIT = 40_000_000


@pytest.fixture
def model_dir(tmp_path: Path) -> Path:
    """A model whose runtime was judged on reduced JPEGs and passed."""
    good = Parity(runtime="litert-int8", variants=240, matched=9, missed=0, added=0, f1=0.99, median_score_shift=0.01)
    stored = StoredCard(card=cards.load(), version="0123456789ab", runtime="litert-int8", reduced=good)
    (tmp_path / CARD_FILE).write_text(stored.model_dump_json())
    return tmp_path


def quarters(width: int, height: int, kind: str = "JPEG", orientation: int = 1, **options: Any) -> bytes:
    """A photo of four colours: upright, red and green above blue and white. `orientation` is how it is stored."""
    image = Image.new("RGB", (width, height), "white")
    image.paste("red", (0, 0, width // 2, height // 2))
    image.paste("lime", (width // 2, 0, width, height // 2))
    image.paste("blue", (0, height // 2, width // 2, height))
    undone = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # what Pillow's exif_transpose would undo
    if orientation in undone:
        image = image.transpose(Image.Transpose(undone[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    image.save(buffer, kind, exif=exif, **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("height", "width", "needed", "by"),
    [
        (1080, 1920, None, 1),
        (1080, 1920, (450, 450), 2),
        (899, 2000, (450, 450), 2),
        (898, 2000, (450, 450), 1),
        (2160, 3840, (450, 450), 4),
        (40_000, 40_000, (300, 300), 8),
        (480, 640, (450, 450), 1),
    ],
)
def test_reduces_only_as_far_as_enough_is_left(
    height: int, width: int, needed: tuple[int, int] | None, by: int
) -> None:
    assert reduction(height, width, needed) == by


@given(st.integers(2, 700), st.integers(1, 700), st.integers(1, 200), st.integers(1, 200))
def test_what_is_left_is_what_was_asked_for(height: int, width: int, tall: int, wide: int) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height)).save(buffer, "JPEG")
    found = decode_reduced(buffer.getvalue(), "", _LIMIT, (tall, wide))
    by = reduction(height, width, (tall, wide))
    assert found.pixels.shape == (-(-height // by), -(-width // by), 3)
    assert (found.height, found.width, found.whole) == (height, width, by == 1)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}])
def test_a_reduced_photo_is_upright_and_knows_its_size(orientation: int, options: dict[str, Any]) -> None:
    found = decode_reduced(quarters(1202, 902, orientation=orientation, **options), "", _LIMIT, (300, 400))
    assert (found.width, found.height) == (1202, 902)
    assert found.pixels.shape == (451, 601, 3)
    corners = found.pixels[[20, 20, -20, -20], [20, -20, 20, -20]].astype(int)
    assert np.abs(corners - [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]]).max() < 12


def test_needs_of_a_turned_photo_are_those_of_the_upright_one() -> None:
    lying = quarters(1000, 400, orientation=6)  # stored 400 wide and 1000 high
    assert decode_reduced(lying, "", _LIMIT, (200, 500)).pixels.shape == (200, 500, 3)
    assert decode_reduced(lying, "", _LIMIT, (500, 200)).whole


def test_only_jpegs_are_reduced() -> None:
    for kind in ("PNG", "WEBP"):
        assert decode_reduced(quarters(1200, 900, kind), "", _LIMIT, (10, 10)).whole


def test_a_reduced_photo_looks_like_the_whole_one() -> None:
    data = quarters(1200, 900)
    small = decode_reduced(data, "", _LIMIT, (450, 600)).pixels.astype(int)
    whole = decode(data, "", _LIMIT).reshape(450, 2, 600, 2, 3).mean(axis=(1, 3))
    assert np.abs(small - whole).mean() < 1


class Noting(FakeSession):
    """Remembers the sizes it was shown."""

    shown: list[tuple[int, ...]]

    def prepare(self, image: Any) -> Any:
        self.shown.append(image.shape)
        return np.zeros((1, 30, 30, 3), np.float32)


def test_boxes_are_in_pixels_of_the_original(make_client: ClientFactory) -> None:
    Noting.shown = []
    client = make_client(session=Noting)
    answer = client.post(contract.DETECT_PATH, content=quarters(2000, 1000, orientation=6))
    body = schema.DetectResponse.model_validate_json(answer.content)
    assert Noting.shown[-1] == (500, 1000, 3)
    assert body.image == schema.ImageSize(width=2000, height=1000)
    assert body.detections[0].box == schema.Box(x_min=400, y_min=100, x_max=1200, y_max=500)

    explained = client.post(contract.EXPLAIN_PATH, content=quarters(2000, 1000)).json()
    assert (explained["image"], explained["detection"]["box"]["x_max"]) == ({"width": 2000, "height": 1000}, 1200)


def test_drawing_is_on_the_whole_photo_and_of_what_a_detection_answers(make_client: ClientFactory) -> None:
    Noting.shown = []
    client = make_client(session=Noting)
    answer = client.post(contract.RENDER_PATH, content=quarters(2000, 1000))
    assert Noting.shown[-1] == (500, 1000, 3)
    assert Image.open(io.BytesIO(answer.content)).size == (2000, 1000)


@pytest.mark.parametrize(
    ("reduced", "settings"),
    [({"f1": 0.9}, {}), ({}, {"runtime": "litert-float32"})],
    ids=["did not pass", "another runtime than was judged"],
)
def test_a_photo_is_decoded_whole_where_the_gate_says_nothing_else(
    make_client: ClientFactory, model_dir: Path, reduced: dict[str, Any], settings: dict[str, Any]
) -> None:
    stored = StoredCard.model_validate_json((model_dir / CARD_FILE).read_bytes())
    judged = stored.reduced.model_copy(update=reduced) if stored.reduced else None
    (model_dir / CARD_FILE).write_text(stored.model_copy(update={"reduced": judged}).model_dump_json())
    Noting.shown = []
    client = make_client(session=Noting, **settings)
    assert client.post(contract.DETECT_PATH, content=quarters(2000, 1000)).status_code == 200
    assert Noting.shown[-1] == (1000, 2000, 3)
