"""What the HTTP process and its workers say to each other, as frames and back."""

import traceback
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from service.decode import Pixels
from service.frames import Frame
from service.memory import TOGETHER_BYTES
from service.occlusion import Inputs
from service.postprocess import Detections, Floats
from service.problems import Problem
from service.results import Answer, Look
from service.work import Asked, Prepared

_SCORE_BYTES: Final = 4


class Said(NamedTuple):
    """What a worker says of a photo, to be taken apart once there is time for it."""

    numbers: list[Any]
    found: Sequence[bytes]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the upright original."""
        return self.numbers[0], self.numbers[1]

    @property
    def detections(self) -> int:
        """How many there are."""
        return len(self.found[1]) // _SCORE_BYTES

    @property
    def encoding_s(self) -> float:
        """Seconds that the answer's body took."""
        return float(self.numbers[-1])

    def look(self) -> Look:
        """The whole of it."""
        width, height, brightness, intake_s, arrived_s, marks_s, _ = self.numbers
        return Look(width, height, brightness, _read_detections(self.found), intake_s, arrived_s, tuple(marks_s))


class Reply(NamedTuple):
    """A worker's answer about a photo, as the HTTP process has it."""

    said: Said
    body: bytes
    """As in `Answer`."""


def photo(image: bytes | Pixels, asked: Asked) -> Frame:
    """A photo as it was sent, or as pixels, and what is asked about it."""
    if isinstance(image, bytes):
        return Frame({"do": "photo", "asked": asked}, [image])
    return Frame({"do": "photo", "asked": asked, "array": _array(image)}, [_bytes(image)])


def read_photo(frame: Frame) -> tuple[bytes | Pixels, Asked]:
    """As given to `photo`."""
    asked, (data,) = Asked(*frame.header["asked"]), frame.parts
    return (_read_array(data, frame.header["array"]) if "array" in frame.header else data), asked


def may_share_run(frame: Frame) -> bool:
    """Whether it is a photo for which others of the same run need not wait long: neither large nor to be drawn on."""
    if frame.header.get("do") != "photo" or frame.header["asked"].kind == "draw":
        return False
    return sum(len(part) for part in frame.parts) <= TOGETHER_BYTES


def answer(given: Answer, encoding_s: float) -> Frame:
    """The answer about a photo, and the seconds that encoding it took."""
    look = given.look
    numbers = [look.width, look.height, look.brightness, look.intake_s, look.arrived_s, look.marks_s, encoding_s]
    return Frame({"look": numbers}, [*_detections(look.found), given.body])


def read_answer(frame: Frame) -> Reply:
    """As given to `answer`."""
    *found, body = frame.parts
    return Reply(Said(frame.header["look"], found), body)


def prepare(data: bytes, declared: str) -> Frame:
    """A photo that an explanation is about."""
    return Frame({"do": "prepare", "declared": declared}, [data])


def prepared(given: Prepared) -> Frame:
    """A photo as the model sees it."""
    header = {"size": [given.width, given.height], "array": _array(given.inputs)}
    return Frame(header, [*_detections(given.found), _bytes(given.inputs)])


def read_prepared(frame: Frame) -> Prepared:
    """As given to `prepared`."""
    inputs = _read_array(frame.parts[-1], frame.header["array"])
    return Prepared(inputs, _read_detections(frame.parts), *frame.header["size"])


def without(inputs: Inputs, patch: Floats) -> Frame:
    """A prepared photo and the patch to hide."""
    return Frame({"do": "without", "patch": patch.tolist(), "array": _array(inputs)}, [_bytes(inputs)])


def read_without(frame: Frame) -> tuple[Inputs, Floats]:
    """As given to `without`."""
    return _read_array(frame.parts[0], frame.header["array"]), np.array(frame.header["patch"], np.float32)


def detections(found: Detections) -> Frame:
    """What was found, and nothing else."""
    return Frame({}, _detections(found))


def read_detections(frame: Frame) -> Detections:
    """As given to `detections`."""
    return _read_detections(frame.parts)


def run(photos: int) -> Frame:
    """So many photos follow, to be shown to the model in as few runs as can be."""
    return Frame({"run": photos})


def failed(error: Exception) -> Frame:
    """What is wrong with a photo, or with us."""
    if isinstance(error, Problem):
        return problem(error)
    return Frame({"error": "".join(traceback.format_exception(error))})


def problem(given: Problem) -> Frame:
    """What is wrong with a photo."""
    return Frame({"problem": [given.status, given.name, given.title, given.detail, given.headers]})


def read_problem(frame: Frame) -> Problem | None:
    """As given to `problem`; None in any other frame."""
    said = frame.header.get("problem")
    return Problem(*said) if said else None


def _detections(found: Detections) -> list[Any]:
    return [found.boxes.tobytes(), found.scores.tobytes(), found.classes.astype(np.int64).tobytes()]


def _read_detections(parts: Any) -> Detections:
    boxes, scores, classes = parts[:3]
    return Detections(
        np.frombuffer(boxes, np.float32).reshape(-1, 4),
        np.frombuffer(scores, np.float32),
        np.frombuffer(classes, np.int64),
    )


def _array(values: Inputs) -> list[Any]:
    return [values.dtype.str, values.shape]


def _bytes(values: Inputs) -> memoryview:
    return np.ascontiguousarray(values).data.cast("B")


def _read_array(data: bytes, described: list[Any]) -> Inputs:
    kind, shape = described
    return np.frombuffer(data, np.dtype(kind)).reshape(shape)
