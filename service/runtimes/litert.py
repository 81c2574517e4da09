"""LiteRT on the CPU (XNNPACK): float32 and int8 models that end at raw predictions."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter  # type: ignore[import-untyped]  # ships no types

from lookout.errors import LookoutError
from service.model.card import ModelCard
from service.postprocess import Detections
from service.preprocess import Pixels, resize_bilinear_legacy
from service.runtimes.cut import Cut, Raw


class LiteRTSession:
    """One interpreter with its tensors."""

    def __init__(self, model: Path, anchors: Path, card: ModelCard, threads: int) -> None:
        self._cut = Cut(anchors, card)
        try:
            self._interpreter = Interpreter(model_path=str(model), num_threads=threads)
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise LookoutError(f"LiteRT cannot load {model.name}: {error}", "import the model again") from error
        self._input = self._interpreter.get_input_details()[0]
        outputs = self._interpreter.get_output_details()
        # Names do not survive every converter; the last dimension tells box encodings from class logits.
        self._encodings, self._logits = sorted(outputs, key=lambda output: int(output["shape"][-1]))
        self._factor, self._shift = self._input_scaling()

    def prepare(self, image: Pixels) -> npt.NDArray[Any]:
        """Resize, scale and, for int8, quantise: [1, height, width, 3] of the model's input type."""
        values = resize_bilinear_legacy(image, self._cut.size.height, self._cut.size.width)
        values *= self._factor
        values += self._shift
        if self._input["dtype"] != np.float32:
            limits = np.iinfo(self._input["dtype"])
            np.clip(np.rint(values, out=values), limits.min, limits.max, out=values)
        return values.astype(self._input["dtype"], copy=False)[np.newaxis]

    def infer(self, prepared: npt.NDArray[Any]) -> Raw:
        """Encodings [A, 4] and logits [A, 1 + classes], float32."""
        self._interpreter.set_tensor(self._input["index"], prepared)
        self._interpreter.invoke()
        return self._read(self._encodings), self._read(self._logits)

    def finish(self, raw: Raw, threshold: float, limit: int) -> Detections:
        """Decode, threshold and suppress."""
        return self._cut.finish(raw, threshold, limit)

    def _read(self, output: dict[str, Any]) -> npt.NDArray[np.float32]:
        values = self._interpreter.get_tensor(output["index"])[0]
        scale, zero = output["quantization"]
        if values.dtype == np.float32:
            return np.asarray(values)
        return np.asarray((values.astype(np.float32) - np.float32(zero)) * np.float32(scale), np.float32)

    def _input_scaling(self) -> tuple[np.float32, np.float32]:
        """One multiplication and one addition from pixels 0..255 to the input, quantisation included."""
        factor, shift = self._cut.size.scale, self._cut.size.offset
        if self._input["dtype"] != np.float32:
            scale, zero = self._input["quantization"]
            factor, shift = factor / scale, shift / scale + zero
        return np.float32(factor), np.float32(shift)
