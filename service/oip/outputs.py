"""The outputs, named and shaped as the TensorFlow detection zoo's: float32, padded with zeros to one length."""

import json
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from service import problems
from service.oip.wire import InferenceRequest
from service.postprocess import Detections, Floats

BOXES: Final = "detection_boxes"
SCORES: Final = "detection_scores"
CLASSES: Final = "detection_classes"
COUNT: Final = "num_detections"
OUTPUTS: Final = {BOXES: (-1, -1, 4), SCORES: (-1, -1), CLASSES: (-1, -1), COUNT: (-1,)}
"""Shapes by name; the first dimension is the photos', the second the most detections that were asked for."""


def wanted(request: InferenceRequest) -> dict[str, bool]:
    """The outputs to answer with, and whether as binary data. Problem 400 for one that does not exist."""
    binary = request.parameters.get("binary_data_output") is True
    if request.outputs is None:
        return dict.fromkeys(OUTPUTS, binary)
    chosen: dict[str, bool] = {}
    for output in request.outputs:
        if output.name not in OUTPUTS:
            raise problems.bad_tensor(f"There is no output {output.name[:60]!r}; known: {', '.join(OUTPUTS)}.")
        for refused in ("classification", "shared_memory_region"):
            if refused in output.parameters:
                raise problems.bad_tensor(f"{output.name}: the parameter {refused} is not offered.")
        chosen[output.name] = output.parameters.get("binary_data", binary) is True
    return chosen


def tensors(found: Sequence[Detections], most: int) -> dict[str, Floats]:
    """Each output by name for N photos: boxes [N, most, 4] (ymin, xmin, ymax, xmax in 0..1), scores and class ids
    [N, most], counts [N]."""
    filled = {
        BOXES: np.zeros((len(found), most, 4), np.float32),
        SCORES: np.zeros((len(found), most), np.float32),
        CLASSES: np.zeros((len(found), most), np.float32),
        COUNT: np.asarray([len(one) for one in found], np.float32),
    }
    for place, one in enumerate(found):
        filled[BOXES][place, : len(one)] = one.boxes
        filled[SCORES][place, : len(one)] = one.scores
        filled[CLASSES][place, : len(one)] = one.classes
    return filled


def encode(head: dict[str, Any], values: dict[str, Floats], chosen: dict[str, bool]) -> tuple[bytes, int | None]:
    """The body of an answer: `head` with the chosen outputs, and the length of its JSON when binary data follows."""
    listed: list[dict[str, Any]] = []
    raw: list[bytes] = []
    for name, binary in chosen.items():
        array = values[name]
        output: dict[str, Any] = {"name": name, "datatype": "FP32", "shape": list(array.shape)}
        if binary:
            raw.append(array.astype("<f4", copy=False).tobytes())
            output["parameters"] = {"binary_data_size": len(raw[-1])}
        else:
            output["data"] = array.ravel().tolist()
        listed.append(output)
    described = json.dumps(head | {"outputs": listed}).encode()
    return b"".join([described, *raw]), len(described) if raw else None
