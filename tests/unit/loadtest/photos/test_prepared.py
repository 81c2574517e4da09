"""Photos keep their size, are what the mix says, and are drawn by seed and weight."""

import io
from collections import Counter

import pytest
from PIL import Image

from loadtest.photos.mix import Variant
from loadtest.photos.prepared import choices, load_photos, prepared


def test_the_same_seed_gives_the_same_order_and_another_another() -> None:
    assert choices([1, 1, 1], 7) == choices([1, 1, 1], 7)
    assert choices([1, 1, 1], 7) != choices([1, 1, 1], 8)


def test_photos_are_drawn_by_weight() -> None:
    drawn = Counter(choices([3, 1], 7))
    assert drawn[0] / drawn.total() == pytest.approx(0.75, abs=0.01)


def test_bundled_photos_are_real_jpegs_with_their_size() -> None:
    photos = {photo.name: photo for photo in load_photos()}
    assert (photos["chelsea"].width, photos["chelsea"].height) == (451, 300)
    assert all(photo.data.startswith(b"\xff\xd8\xff") for photo in photos.values())


def test_by_default_the_photos_are_sent_as_they_are() -> None:
    photos, weights = prepared([Variant()])
    assert tuple(photos) == load_photos()
    assert weights == [1.0] * 3


@pytest.mark.parametrize("form", ["jpeg", "png", "webp"])
def test_a_variant_is_what_it_says(form: str) -> None:
    photos, weights = prepared([Variant.model_validate({"format": form, "long_side": 320, "weight": 2})])
    assert weights == [2.0] * 3
    for photo in photos:
        with Image.open(io.BytesIO(photo.data)) as image:
            assert image.format is not None
            assert (image.format.lower(), image.size) == (form, (photo.width, photo.height))
        assert max(photo.width, photo.height) == 320
        assert photo.content_type == f"image/{form}"
        assert photo.name.endswith(f".{form}@320")
