"""LiteRT models: float32 and int8, from a photo's scaled pixels to raw predictions.

Both end at the box encodings and class logits. Decoding with anchors and suppression stay in floating point outside
(service/postprocess.py): inside an int8 graph their ranges would cost boxes.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from service.model import photos
from service.model.card import Input, ModelCard
from service.model.savedmodel import needed, pruned
from service.model.tensorflow_import import quiet_tensorflow
from service.model.tfjs import GraphDef
from service.preprocess import resize_bilinear_legacy

CALIBRATION_VARIANTS: Final = 130
"""Ten variants of each calibration photo; ranges change little beyond that (measured)."""


def convert(card: ModelCard, graph: GraphDef, kind: str, destination: Path) -> None:
    """Write the LiteRT model of `kind`, float32 or int8. Input [1, height, width, 3] of that kind (uint8 for int8),
    outputs `encodings` [1, anchors, 4] and `logits` [1, anchors, 1 + classes]."""
    tf = quiet_tensorflow()
    cut, size = needed(card)
    predict = pruned(graph, cut.preprocessed, (cut.encodings, cut.logits))

    def predictor(image: Any) -> dict[str, Any]:
        encodings, logits = predict(image)
        return {"encodings": encodings, "logits": logits}

    module = tf.Module()
    module.predict = predict  # kept alive for the function that calls it
    function = tf.function(predictor, [tf.TensorSpec([1, size.height, size.width, 3], tf.float32, "image")])
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()], module)
    if kind == "int8":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: calibration(size)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = tf.uint8
        converter.inference_output_type = tf.int8
    destination.write_bytes(converter.convert())


def calibration(size: Input) -> Iterator[list[np.ndarray[Any, np.dtype[np.float32]]]]:
    """The model's inputs [1, height, width, 3] for the calibration photos, scaled as the card says."""
    for variant in photos.calibration(CALIBRATION_VARIANTS):
        resized = resize_bilinear_legacy(variant.pixels, size.height, size.width)
        yield [(resized * np.float32(size.scale) + np.float32(size.offset))[np.newaxis]]
