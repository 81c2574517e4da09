"""From what a session found on one photo to the bodies of the API: pure functions of labels and times."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from service import schema
from service.postprocess import Detections
from service.problems import Problem

STEPS: Final = ("decode", "preprocess", "inference", "postprocess")
"""What a worker does with a photo, in order."""


class Look(NamedTuple):
    """What was found on one photo, and when."""

    width: int
    """Of the upright original, as `height`."""
    height: int
    brightness: float
    """Mean luma, 0..1."""
    found: Detections
    intake_s: float
    arrived_s: float
    marks_s: tuple[float, ...]
    """Start of the first step and end of each; same clock as `arrived_s`. One more than STEPS."""

    @property
    def spent_s(self) -> dict[str, float]:
        """Seconds by stage, as far as they are known before there is an answer."""
        steps = {name: self.marks_s[place + 1] - self.marks_s[place] for place, name in enumerate(STEPS)}
        return {"intake": self.intake_s, "queue": self.marks_s[0] - self.arrived_s, **steps}


class Answer(NamedTuple):
    """The answer about one photo."""

    look: Look
    body: bytes
    """JSON, or the annotated photo as JPEG; empty where only the look was asked for."""


def batch_json(each: Sequence[bytes | Problem]) -> bytes:
    """The body of /v1/detect/batch, a BatchResponse, from its parts' JSON."""
    parts = [
        schema.Failure(problem=one.body()).model_dump_json().encode() if isinstance(one, Problem) else one
        for one in each
    ]
    return b'{"results":[' + b",".join(parts) + b"]}"


def response(look: Look, model: Mapping[str, str], labels: Mapping[int, str]) -> dict[str, Any]:
    """The body of /v1/detect, a DetectResponse as plain data: what a worker says need not be checked, which would take
    longer than writing it down."""
    size = {"width": look.width, "height": look.height}
    return {
        "model": model,
        "image": size,
        "detections": detections(look.found, **size, labels=labels),
        "timing_ms": {
            "total": _ms(look.marks_s[-1] - look.arrived_s),
            **{name: _ms(value) for name, value in look.spent_s.items()},
        },
    }


def label_of(class_id: int, labels: Mapping[int, str]) -> str:
    """A class's name, or one made of its id where the model's card has none."""
    return labels.get(class_id, f"class {class_id}")


def detections(found: Detections, width: int, height: int, labels: Mapping[int, str]) -> list[dict[str, Any]]:
    """The detections on a photo of that size, each a schema.Detection as plain data."""
    return [
        {
            "label": label_of(number, labels),
            "class_id": number,
            "score": round(min(1.0, score), 4),
            "box": box(x_min, y_min, x_max, y_max, width, height),
        }
        for (y_min, x_min, y_max, x_max), score, number in zip(
            found.boxes.tolist(), found.scores.tolist(), found.classes.tolist(), strict=True
        )
    ]


def box(x_min: float, y_min: float, x_max: float, y_max: float, width: int, height: int) -> dict[str, float]:
    """A rectangle in 0..1 as pixels of a photo of that size, to a tenth: a schema.Box as plain data."""
    return {
        "x_min": round(x_min * width, 1),
        "y_min": round(y_min * height, 1),
        "x_max": round(x_max * width, 1),
        "y_max": round(y_max * height, 1),
    }


def _ms(seconds: float) -> float:
    return round(max(0.0, seconds) * 1000, 3)
