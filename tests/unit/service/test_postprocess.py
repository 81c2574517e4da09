"""Decoding and suppression hold their properties for any boxes."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from service.postprocess import decode, detect, overlap, sigmoid, suppress

SCALES = (10.0, 10.0, 5.0, 5.0)
Floats = npt.NDArray[np.float32]


@st.composite
def boxes(draw: st.DrawFn, least: int = 1, most: int = 30) -> Floats:
    count = draw(st.integers(least, most))
    corners = draw(arrays.arrays(np.float32, (count, 2, 2), elements=st.floats(0, 1, width=32)))
    low, high = corners.min(axis=1), corners.max(axis=1)
    return np.concatenate([low, high + np.float32(0.01)], axis=1)


@given(boxes())
def test_a_box_overlaps_itself_wholly_and_others_by_at_most_one(some: Floats) -> None:
    values = overlap(some[0], some)
    assert values[0] == pytest.approx(1, abs=1e-5)
    assert ((values >= 0) & (values <= 1 + 1e-5)).all()


@given(boxes(least=2))
def test_overlap_is_symmetric(some: Floats) -> None:
    assert overlap(some[0], some[1:2])[0] == pytest.approx(overlap(some[1], some[0:1])[0], abs=1e-6)


def test_a_box_without_area_overlaps_nothing() -> None:
    empty = np.array([0.5, 0.5, 0.5, 0.5], np.float32)
    assert overlap(empty, empty[np.newaxis])[0] == 0


@given(boxes(), st.integers(1, 3), st.floats(0.1, 0.9), st.integers(1, 40))
def test_survivors_of_one_class_overlap_by_at_most_the_bound(
    some: Floats, classes: int, iou: float, limit: int
) -> None:
    numbers = np.arange(len(some)) % classes
    kept = suppress(some, numbers, iou, limit)
    assert 1 <= len(kept) <= limit
    assert kept[0] == 0
    assert (np.diff(kept) > 0).all()
    for place, index in enumerate(kept):
        rest = kept[place + 1 :]
        same = rest[numbers[rest] == numbers[index]]
        assert (overlap(some[index], some[same]) <= iou).all()


@given(boxes(), st.floats(0.1, 0.9))
def test_every_suppressed_box_has_a_better_one_of_its_class_over_it(some: Floats, iou: float) -> None:
    numbers = np.zeros(len(some), np.int64)
    kept = suppress(some, numbers, iou, len(some))
    for index in set(range(len(some))) - set(kept.tolist()):
        better = kept[kept < index]
        assert (overlap(some[index], some[better]) > iou - 1e-5).any()


@given(boxes())
def test_zero_encodings_decode_to_the_anchors(anchors: Floats) -> None:
    assert decode(np.zeros_like(anchors), anchors, SCALES) == pytest.approx(anchors, abs=1e-5)


def test_decodes_as_the_box_coder_is_defined() -> None:
    anchor = np.array([[0.2, 0.2, 0.6, 0.4]], np.float32)
    encoding = np.array([[1.0, -2.0, 5 * np.log(2), 0.0]], np.float32)
    # Centre (0.4, 0.3) moves by a tenth of the height (0.04) and two tenths of the width (-0.04); height doubles.
    assert decode(encoding, anchor, SCALES)[0] == pytest.approx([0.04, 0.16, 0.84, 0.36], abs=1e-6)


@given(arrays.arrays(np.float32, 20, elements=st.floats(-200, 200, width=32)))
def test_sigmoid_stays_in_range_and_keeps_order(logits: Floats) -> None:
    scores = sigmoid(np.sort(logits))
    assert ((scores >= 0) & (scores <= 1)).all()
    assert (np.diff(scores) >= 0).all()


@given(st.integers(0, 2**32 - 1), st.floats(0, 1), st.integers(1, 100))
def test_detections_are_sorted_over_the_threshold_and_inside_the_photo(seed: int, threshold: float, limit: int) -> None:
    draw = np.random.default_rng(seed)
    count = 60
    low = draw.random((count, 2), np.float32) * 0.8
    anchors = np.concatenate([low, low + 0.2], axis=1)
    found = detect(
        draw.normal(size=(count, 4)).astype(np.float32),
        (draw.normal(size=(count, 5)) * 4).astype(np.float32),
        anchors,
        scales=SCALES,
        threshold=threshold,
        limit=limit,
        iou=0.6,
    )
    assert len(found) <= limit
    assert (found.scores >= threshold - 1e-6).all()
    assert (np.diff(found.scores) <= 0).all()
    assert ((found.boxes >= 0) & (found.boxes <= 1)).all()
    assert ((found.classes >= 1) & (found.classes <= 4)).all()


@pytest.mark.parametrize(("threshold", "count"), [(0.0, 3), (0.5, 1), (1.0, 0)])
def test_the_ends_of_the_threshold_mean_all_and_none(threshold: float, count: int) -> None:
    anchors = np.array([[0, 0, 0.1, 0.1], [0.4, 0.4, 0.5, 0.5], [0.8, 0.8, 0.9, 0.9]], np.float32)
    logits = np.array([[0, 3], [0, -3], [0, -30]], np.float32)
    found = detect(np.zeros((3, 4), np.float32), logits, anchors, scales=SCALES, threshold=threshold, limit=10, iou=0.6)
    assert len(found) == count
