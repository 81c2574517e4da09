"""OpenVINO on the CPU: int8 and float32 models that end at raw predictions."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import openvino  # type: ignore[import-untyped]  # ships no marker for its types

from lookout.errors import LookoutError
from service.model.card import ModelCard
from service.postprocess import Detections
from service.preprocess import Pixels, resize_bilinear_legacy
from service.runtimes.cut import Cut, Raw


class OpenVINOSession:
    """One compiled model with one stream of `threads` threads: its caller waits for it."""

    def __init__(self, model: Path, anchors: Path, card: ModelCard, threads: int) -> None:
        self._cut = Cut(anchors, card)
        self._request = _compiled(model, threads).create_infer_request()

    def prepare(self, image: Pixels) -> npt.NDArray[np.float32]:
        """Resize: float32 [1, height, width, 3], still 0..255. Scaling is in the model."""
        return resize_bilinear_legacy(image, self._cut.size.height, self._cut.size.width)[np.newaxis]

    def infer(self, prepared: npt.NDArray[np.float32]) -> Raw:
        """Encodings and logits, float32; they hold until the session infers again."""
        # Neither tensor is copied: that is a megabyte on either side.
        outputs = self._request.infer([prepared], share_inputs=True, share_outputs=True)
        # Names do not survive every converter; the last dimension tells box encodings from class logits.
        encodings, logits = sorted((np.asarray(values)[0] for values in outputs.values()), key=_width)
        return encodings, logits

    def finish(self, raw: Raw, threshold: float, limit: int) -> Detections:
        """Decode, threshold and suppress."""
        return self._cut.finish(raw, threshold, limit)


def _compiled(model: Path, threads: int) -> Any:
    try:
        return openvino.Core().compile_model(
            str(model),
            "CPU",
            {
                "NUM_STREAMS": 1,
                "INFERENCE_NUM_THREADS": threads,
                # Pods of one node would all pin their threads to its first cores.
                "ENABLE_CPU_PINNING": False,
                # By default bfloat16 where the processor has it: scores would depend on the machine.
                "INFERENCE_PRECISION_HINT": "f32",
            },
        )
    except RuntimeError as error:
        raise LookoutError(
            f"OpenVINO cannot load {model.name}: {str(error)[:200]}", "import the model again"
        ) from error


def _width(values: npt.NDArray[np.float32]) -> int:
    return int(values.shape[-1])
