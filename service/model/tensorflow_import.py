"""Importing TensorFlow: late, because it takes seconds, and quietly. Commands that convert nothing never do it."""

import logging
import os
from typing import Any


def quiet_tensorflow() -> Any:
    """Import TensorFlow without its start-up chatter and without taking a GPU's whole memory."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    import tensorflow as tf  # type: ignore[import-untyped]  # ships no types

    tf.get_logger().setLevel(logging.ERROR)
    return tf
