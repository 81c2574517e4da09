"""Photos that calibrate never judge, and a seed always gives the same variant."""

import io
import subprocess
import sys

from PIL import Image

from service.model import photos


def test_calibration_and_judgement_share_no_scene() -> None:
    def scene(name: str) -> str:
        return name.split(".")[0].removesuffix("_left").removesuffix("_right")

    assert not {scene(name) for name in photos.HELD_OUT} & {scene(name) for name in photos.CALIBRATION}


def test_variants_are_the_same_every_time_and_differ_from_each_other() -> None:
    first, again = list(photos.held_out(9)), list(photos.held_out(9))
    assert [one.pixels.tobytes() for one in first] == [one.pixels.tobytes() for one in again]
    assert len({one.pixels.tobytes() for one in first}) == 9
    assert {one.name.split("-")[0] for one in first} == {"chelsea", "coffee", "motorcycle_left"}


def test_a_variant_does_not_depend_on_how_many_are_made() -> None:
    assert [one.name for one in photos.held_out(5)] == [one.name for one in photos.held_out(50)][:5]
    assert list(photos.held_out(5))[4].pixels.tobytes() == list(photos.held_out(8))[4].pixels.tobytes()


def test_sample_photos_are_jpegs() -> None:
    found = photos.sample_photos()
    assert set(found) == {"chelsea", "coffee", "motorcycle"}
    for data in found.values():
        assert Image.open(io.BytesIO(data)).format == "JPEG"


def test_sample_photos_need_neither_tensorflow_nor_scikit_image_imported() -> None:
    code = (
        "import sys; from service.model.photos import sample_photos; sample_photos(); "
        "assert not {'tensorflow', 'skimage'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_big_variants_are_at_least_twice_as_large_as_asked_for_and_the_same_every_time() -> None:
    first, again = list(photos.large(9, (100, 150))), list(photos.large(9, (100, 150)))
    assert [one.jpeg for one in first] == [one.jpeg for one in again]
    for number, one in enumerate(first):
        height, width, _ = one.pixels.shape
        times = min(height / 100, width / 150)
        assert (4 if number == 7 else 2) <= times < (5.3 if number == 7 else 2.7)
