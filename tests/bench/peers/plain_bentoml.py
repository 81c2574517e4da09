"""A detector as BentoML's tutorials write one: a decorated class, the SavedModel, a PIL image in, a dict out.

    bentoml serve tests.bench.peers.plain_bentoml:Plain

The image is the method's only positional argument, so that its bytes are the body (BentoML's "root input"): the form
that costs this peer least.
"""

import os
from typing import Any

import bentoml
import numpy as np
import tensorflow as tf  # type: ignore[import-untyped]  # ships no types
from PIL.Image import Image


@bentoml.service
class Plain:
    """Object detection, with every setting as BentoML has it."""

    def __init__(self) -> None:
        self.model = tf.saved_model.load(os.environ["BENCH_SAVED_MODEL"])
        self.signature = self.model.signatures["serving_default"]

    @bentoml.api(route="/v1/detect")
    def detect(self, image: Image, /) -> dict[str, Any]:
        """Boxes, scores and classes of one photo."""
        pixels = np.asarray(image.convert("RGB"))
        found = self.signature(input_tensor=tf.constant(pixels[np.newaxis]))
        scores = found["detection_scores"].numpy()[0]
        kept = scores >= 0.5
        return {
            "boxes": found["detection_boxes"].numpy()[0][kept].tolist(),
            "scores": scores[kept].tolist(),
            "classes": found["detection_classes"].numpy()[0][kept].tolist(),
        }
