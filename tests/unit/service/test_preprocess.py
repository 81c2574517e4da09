"""Resizing samples exactly where TensorFlow 1 does."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.preprocess import resize_bilinear_legacy


def test_doubling_interpolates_halfway_and_repeats_the_last_pixel() -> None:
    image = np.repeat(np.array([[0, 100]], np.uint8)[:, :, np.newaxis], 3, axis=2)
    assert resize_bilinear_legacy(image, 1, 4)[0, :, 0].tolist() == [0, 50, 100, 100]


def test_shrinking_samples_without_averaging() -> None:
    image = np.zeros((1, 6, 3), np.uint8)
    image[0, ::2] = 200
    assert resize_bilinear_legacy(image, 1, 3)[0, :, 0].tolist() == [200, 200, 200]


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 40), st.integers(1, 40))
def test_follows_the_definition_for_any_size(height: int, width: int, to_height: int, to_width: int) -> None:
    image = np.random.default_rng(height * 41 + width).integers(0, 256, (height, width, 3), np.uint8)
    resized = resize_bilinear_legacy(image, to_height, to_width)
    assert resized.shape == (to_height, to_width, 3)
    assert resized.dtype == np.float32
    y, x = to_height - 1, to_width - 1
    top, left = y * height / to_height, x * width / to_width
    y0, x0 = int(top), int(left)
    y1, x1 = min(y0 + 1, height - 1), min(x0 + 1, width - 1)
    down, right = top - y0, left - x0
    pixels = image.astype(float)
    above = pixels[y0, x0] * (1 - right) + pixels[y0, x1] * right
    below = pixels[y1, x0] * (1 - right) + pixels[y1, x1] * right
    assert resized[y, x] == pytest.approx(above * (1 - down) + below * down, abs=0.02)


def test_keeps_an_image_of_the_right_size() -> None:
    image = np.random.default_rng(0).integers(0, 256, (30, 20, 3), np.uint8)
    assert (resize_bilinear_legacy(image, 30, 20) == image).all()
