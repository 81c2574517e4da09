"""What is watched of a photo."""

import io

import numpy as np
import pytest
from PIL import Image

from service import sight
from service.model.photos import sample_photos

WEIGHTS = np.array([0.299, 0.587, 0.114])


@pytest.mark.parametrize("name", sorted(sample_photos()))
@pytest.mark.parametrize("size", [(640, 480), (300, 210), (977, 684)])
def test_a_photos_brightness_is_its_mean_luma_to_two_percent_of_the_range(name: str, size: tuple[int, int]) -> None:
    pixels = np.asarray(Image.open(io.BytesIO(sample_photos()[name])).convert("RGB").resize(size))
    assert sight.brightness(pixels) == pytest.approx((pixels @ WEIGHTS).mean() / 255, abs=0.02)


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (23, 24), (25, 49), (4000, 3)])
@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (10, 200, 60)])
def test_one_colour_is_as_bright_as_itself_whatever_the_size(
    size: tuple[int, int], colour: tuple[int, int, int]
) -> None:
    pixels = np.full((*size, 3), colour, np.uint8)
    assert sight.brightness(pixels) == pytest.approx(np.dot(colour, WEIGHTS) / 255)
