"""Write a SavedModel laid out like the TensorFlow 2 detection zoo's exports; the only argument is its folder.

A detector of light, dark and warm patches: each anchor's logits are linear in the mean colour of the patch below it.
Its signature, its outputs and their types are those of an SSD of the zoo; nothing about it was trained.
"""

import sys

import numpy as np
import tensorflow as tf  # type: ignore[import-untyped]  # ships no types

SIZE, PATCH, STRIDE = 96, 32, 16
PLACES = (SIZE - PATCH) // STRIDE + 1
CLASSES = 5  # ids 1 to 5; 2 and 4 are gaps, which never fire


def anchors() -> np.ndarray:
    """Half as large as the patches: the box encodings double them."""
    low = np.arange(PLACES) * STRIDE / SIZE
    y, x = np.meshgrid(low, low, indexing="ij")
    quarter = PATCH / SIZE / 4
    sides = (y + quarter, x + quarter, y + 3 * quarter, x + 3 * quarter)
    return np.stack(sides, -1).reshape(1, -1, 4).astype(np.float32)


class Detector(tf.Module):  # type: ignore[misc]  # as above
    """As `exporter_main_v2.py` writes them: uint8 [1, H, W, 3] in, float32 out."""

    def __init__(self) -> None:
        super().__init__()
        # In units of the input, -1..1. Mean luma above 0.8, below 0.15, red over blue by more than 0.35.
        luma = np.array([0.299, 0.587, 0.114]) / 2
        kernel = np.zeros((PATCH, PATCH, 3, 1 + CLASSES), np.float32)
        for column, colour in ((1, 20 * luma), (3, -20 * luma), (5, np.array([10, 0, -10]))):
            kernel[..., column] = colour / PATCH**2
        self.kernel = tf.Variable(kernel)
        self.bias = tf.Variable([0.0, 20 * (0.5 - 0.8), -10.0, 20 * (0.15 - 0.5), -10.0, -20 * 0.35])

    @tf.function(input_signature=[tf.TensorSpec([1, None, None, 3], tf.uint8, "input_tensor")])  # type: ignore[untyped-decorator]
    def __call__(self, input_tensor: tf.Tensor) -> dict[str, tf.Tensor]:
        """The signature."""
        resized = tf.compat.v1.image.resize_bilinear(tf.cast(input_tensor, tf.float32), [SIZE, SIZE])
        image = tf.identity(resized * (2 / 255) - 1.0, "preprocessed")
        logits = tf.nn.conv2d(image, self.kernel, STRIDE, "VALID") + self.bias
        logits = tf.reshape(logits, [1, PLACES**2, 1 + CLASSES], "logits")
        still = tf.nn.conv2d(image, tf.zeros([PATCH, PATCH, 3, 4]), STRIDE, "VALID")
        grow = still + tf.constant([0.0, 0.0, 5 * np.log(2), 5 * np.log(2)], tf.float32)
        encodings = tf.reshape(grow, [1, PLACES**2, 4], "encodings")
        start = tf.constant(anchors(), name="anchors")
        boxes = _decoded(encodings, start)
        scores = tf.sigmoid(logits)
        found = tf.image.combined_non_max_suppression(
            boxes[:, :, None], scores[..., 1:], 100, 100, 0.6, 1e-8, clip_boxes=True
        )
        return {
            "detection_boxes": found.nmsed_boxes,
            "detection_scores": found.nmsed_scores,
            "detection_classes": found.nmsed_classes + 1.0,
            "num_detections": tf.cast(found.valid_detections, tf.float32),
            "detection_anchor_indices": tf.zeros([1, 100]),
            "detection_multiclass_scores": tf.zeros([1, 100, 1 + CLASSES]),
            "raw_detection_boxes": boxes,
            "raw_detection_scores": scores,
        }


def _decoded(encodings: tf.Tensor, start: tf.Tensor) -> tf.Tensor:
    size = start[..., 2:] - start[..., :2]
    middle = start[..., :2] + size / 2 + encodings[..., :2] / 10 * size
    half = tf.exp(encodings[..., 2:] / 5) * size / 2
    return tf.concat([middle - half, middle + half], -1)


module = Detector()
tf.saved_model.save(module, sys.argv[1], signatures=module.__call__)
