"""TensorFlow: any SavedModel with the detection zoo's signature. The reference every other runtime is judged by."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from service.model.savedmodel import INPUT, OUTPUTS, load
from service.model.tensorflow_import import quiet_tensorflow
from service.postprocess import Detections
from service.preprocess import Pixels

Raw = dict[str, npt.NDArray[np.float32]]
"""The zoo's outputs, one row a photo each."""


class TensorFlowSession:
    """One loaded SavedModel; TensorFlow's own thread pools are process-wide, so `threads` bounds the first session."""

    def __init__(self, saved_model: Path, threads: int) -> None:
        self._tf = quiet_tensorflow()
        with suppress(RuntimeError):  # TensorFlow refuses once its context is up: the first session decides
            self._tf.config.threading.set_intra_op_parallelism_threads(threads)
        self._model = load(saved_model)  # kept alive: its signatures hold only weak references
        self._detect = self._model.signatures["serving_default"]
        self.takes_many: bool = self._detect.structured_input_signature[1][INPUT].shape[0] is None
        """The zoo's own exports take one photo a run."""

    def prepare(self, image: Pixels) -> Any:
        """uint8 [1, H, W, 3]: the SavedModel resizes by itself."""
        return self._tf.constant(image[np.newaxis])

    def prepare_all(self, images: Sequence[Pixels]) -> Any:
        """uint8 [N, H, W, 3]."""
        return self._tf.constant(np.stack(images))

    def infer(self, prepared: Any) -> Raw:
        """The zoo's outputs; a device that works beside this thread has then finished."""
        outputs = self._detect(input_tensor=prepared)
        return {name: outputs[name].numpy() for name in OUTPUTS}

    def apart(self, raw: Raw) -> list[Raw]:
        """Views of one row each."""
        count = len(raw["num_detections"])
        return [{name: values[place : place + 1] for name, values in raw.items()} for place in range(count)]

    def finish(self, raw: Raw, threshold: float, limit: int) -> Detections:
        """Cut to the number of detections, the threshold and the limit."""
        count = int(raw["num_detections"][0])
        return Detections(
            raw["detection_boxes"][0][:count],
            raw["detection_scores"][0][:count],
            raw["detection_classes"][0][:count].astype(np.int64),
        ).first(limit, threshold)
