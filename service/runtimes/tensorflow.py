"""TensorFlow: any SavedModel with the detection zoo's signature. The reference every other runtime is judged by."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from service.model.savedmodel import load
from service.model.tensorflow_import import quiet_tensorflow
from service.postprocess import Detections
from service.preprocess import Pixels


class TensorFlowSession:
    """One loaded SavedModel; TensorFlow's own thread pools are process-wide, so `threads` bounds the first session."""

    def __init__(self, saved_model: Path, threads: int) -> None:
        self._tf = quiet_tensorflow()
        with suppress(RuntimeError):  # TensorFlow refuses once its context is up: the first session decides
            self._tf.config.threading.set_intra_op_parallelism_threads(threads)
        self._model = load(saved_model)  # kept alive: its signatures hold only weak references
        self._detect = self._model.signatures["serving_default"]

    def prepare(self, image: Pixels) -> Any:
        """uint8 [1, H, W, 3]: the SavedModel resizes by itself."""
        return self._tf.constant(image[np.newaxis])

    def infer(self, prepared: Any) -> dict[str, Any]:
        """The zoo's outputs."""
        outputs: dict[str, Any] = self._detect(input_tensor=prepared)
        return outputs

    def finish(self, raw: dict[str, Any], threshold: float, limit: int) -> Detections:
        """Cut to the number of detections, the threshold and the limit."""
        count = int(raw["num_detections"].numpy()[0])
        return Detections(
            raw["detection_boxes"].numpy()[0][:count],
            raw["detection_scores"].numpy()[0][:count],
            raw["detection_classes"].numpy()[0][:count].astype(np.int64),
        ).first(limit, threshold)
