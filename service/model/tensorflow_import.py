"""Importing TensorFlow: late, because it takes seconds, and quietly. Commands that convert nothing never do it.

On GPUs it takes memory as it needs it, not all there is, so that a service shares the device. Converting and judging
hide the GPUs first: what they find out must not depend on the machine, and photos one at a time gain nothing.
"""

import logging
import os
from contextlib import suppress
from typing import Any


def hide_gpus() -> None:
    """Keep this process's TensorFlow on the CPU. Call it before the first import; a choice of the user's wins."""
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")


def quiet_tensorflow() -> Any:
    """Import TensorFlow without its start-up chatter and without taking a GPU's whole memory."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf  # type: ignore[import-untyped]  # ships no types

    tf.get_logger().setLevel(logging.ERROR)
    for gpu in tf.config.list_physical_devices("GPU"):
        with suppress(RuntimeError):  # its context is up: the first import in this process has set it
            tf.config.experimental.set_memory_growth(gpu, True)
    return tf
