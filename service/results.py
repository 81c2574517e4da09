"""From what a session found on one photo to the bodies of the API: pure functions of labels and times."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from service import schema
from service.postprocess import Detections
from service.problems import Problem

STEPS: Final = ("decode", "preprocess", "inference", "postprocess")
"""What a worker does with a photo, in order."""


@dataclass(frozen=True)
class Look:
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


@dataclass(frozen=True)
class Answer:
    """The answer about one photo."""

    look: Look
    body: bytes
    """JSON, or the annotated photo as JPEG; empty where only the look was asked for."""


def batch_json(each: Sequence[Answer | Problem]) -> bytes:
    """The body of /v1/detect/batch, a BatchResponse, from its parts' JSON."""
    parts = [
        schema.Failure(problem=one.body()).model_dump_json().encode() if isinstance(one, Problem) else one.body
        for one in each
    ]
    return b'{"results":[' + b",".join(parts) + b"]}"


def response(look: Look, model: schema.Model, labels: Mapping[int, str]) -> schema.DetectResponse:
    """The body of /v1/detect: boxes in pixels of the upright photo."""
    width, height = look.width, look.height
    return schema.DetectResponse(
        model=model,
        image=schema.ImageSize(width=width, height=height),
        detections=[detection(look.found, index, width, height, labels) for index in range(len(look.found))],
        timing_ms=schema.Timing(
            total=_ms(look.marks_s[-1] - look.arrived_s),
            **{name: _ms(value) for name, value in look.spent_s.items()},
        ),
    )


def label_of(class_id: int, labels: Mapping[int, str]) -> str:
    """A class's name, or one made of its id where the model's card has none."""
    return labels.get(class_id, f"class {class_id}")


def detection(found: Detections, index: int, width: int, height: int, labels: Mapping[int, str]) -> schema.Detection:
    """One of the detections on a photo of that size."""
    y_min, x_min, y_max, x_max = (float(side) for side in found.boxes[index])
    number = int(found.classes[index])
    return schema.Detection(
        label=label_of(number, labels),
        class_id=number,
        score=round(min(1.0, float(found.scores[index])), 4),
        box=box(x_min, y_min, x_max, y_max, width, height),
    )


def box(x_min: float, y_min: float, x_max: float, y_max: float, width: int, height: int) -> schema.Box:
    """A rectangle in 0..1 as pixels of a photo of that size, to a tenth."""
    return schema.Box(
        x_min=round(x_min * width, 1),
        y_min=round(y_min * height, 1),
        x_max=round(x_max * width, 1),
        y_max=round(y_max * height, 1),
    )


def _ms(seconds: float) -> float:
    return round(max(0.0, seconds) * 1000, 3)
