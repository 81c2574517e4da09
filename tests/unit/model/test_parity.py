"""The gate lets a runtime through only when its boxes agree."""

import numpy as np
import pytest

from service.model import parity
from service.postprocess import Detections


def seen(*objects: tuple[float, float, int]) -> Detections:
    """Detections from (left edge, score, class), each a fifth of the photo wide."""
    boxes = [[0.0, left, 0.2, left + 0.2] for left, _, _ in objects]
    return Detections(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array([score for _, score, _ in objects], np.float32),
        np.array([number for _, _, number in objects], np.int64),
    )


def test_the_same_boxes_agree_wholly() -> None:
    both = seen((0.1, 0.9, 1), (0.5, 0.8, 2))
    report = parity.compare("r", [(both, both)] * 200)
    assert (report.f1, report.median_score_shift, report.matched) == (1.0, 0.0, 400)
    assert report.passed


def test_counts_missed_and_added_boxes() -> None:
    report = parity.compare("r", [(seen((0.1, 0.9, 1), (0.5, 0.8, 2)), seen((0.1, 0.85, 1), (0.5, 0.8, 3)))])
    assert (report.matched, report.missed, report.added) == (1, 1, 1)
    assert report.f1 == 0.5
    assert report.median_score_shift == pytest.approx(0.05)


def test_matches_by_overlap_of_one_class_and_each_box_once() -> None:
    reference = seen((0.10, 0.9, 1))
    assert parity.match(reference, seen((0.12, 0.9, 1), (0.10, 0.8, 1))) == [(0, 0)]
    assert parity.match(reference, seen((0.25, 0.9, 1))) == []
    assert parity.match(reference, seen((0.10, 0.9, 2))) == []
    assert parity.match(seen(), reference) == []
    assert parity.match(reference, seen()) == []


def test_a_better_overlap_wins() -> None:
    assert parity.match(seen((0.10, 0.9, 1), (0.15, 0.8, 1)), seen((0.16, 0.9, 1))) == [(1, 0)]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"f1": 0.9499}, "F1"),
        ({"median_score_shift": 0.0301}, "score shift"),
        ({"median_score_shift": None}, "nothing to judge"),
        ({"variants": 199}, "199 variants"),
    ],
)
def test_names_why_a_runtime_does_not_pass(changes: dict[str, object], reason: str) -> None:
    good = {
        "runtime": "r",
        "variants": 200,
        "matched": 9,
        "missed": 0,
        "added": 0,
        "f1": 0.95,
        "median_score_shift": 0.03,
    }
    assert parity.Parity.model_validate(good).passed
    report = parity.Parity.model_validate(good | changes)
    assert len(report.failures) == 1
    assert reason in report.failures[0]


def test_nothing_seen_by_either_is_no_agreement() -> None:
    report = parity.compare("r", [(seen(), seen())] * 300)
    assert report.f1 == 0
    assert not report.passed
