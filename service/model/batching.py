"""Running a model on several images at once, to measure what that gains on one thread, as a worker has."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import numpy as np

from service.model.card import ModelCard
from service.model.savedmodel import load, needed
from service.model.tensorflow_import import quiet_tensorflow
from service.runtimes import FILES, RuntimeName

RUNTIMES: Final[tuple[RuntimeName, ...]] = ("openvino-int8", "openvino-float32", "tensorflow")
"""LiteRT's delegate cannot be given another batch than the one that the model was converted with."""

Outputs = list[np.ndarray[Any, Any]]


def runner(runtime: RuntimeName, model: Path, card: ModelCard, batch: int) -> Callable[[], Outputs]:
    """A function that runs the model of `runtime` once on `batch` equal images, on one thread, and gives what came out.

    The images are of the model's own size, so that the resizing inside a SavedModel costs next to nothing.
    """
    _, size = needed(card)
    images = np.random.default_rng(0).integers(0, 256, (1, size.height, size.width, 3), np.uint8).repeat(batch, axis=0)
    main = model / FILES[runtime][0]
    if runtime == "tensorflow":
        return _tensorflow(main, images)
    return _openvino(main, images)


def _tensorflow(model: Path, images: np.ndarray[Any, Any]) -> Callable[[], Outputs]:
    tf = quiet_tensorflow()
    with suppress(RuntimeError):  # its context is up: a session has set them
        tf.config.threading.set_intra_op_parallelism_threads(1)
    loaded = load(model)
    given = tf.constant(images)
    return lambda: [value.numpy() for value in loaded.signatures["serving_default"](input_tensor=given).values()]


def _openvino(model: Path, images: np.ndarray[Any, Any]) -> Callable[[], Outputs]:
    import openvino  # type: ignore[import-untyped]  # ships no marker for its types

    core = openvino.Core()
    read = core.read_model(model)
    for reshape in (one for one in read.get_ops() if one.get_type_name() == "Reshape"):
        # The converter wrote the batch of one into each of these.
        source = reshape.input(1).get_source_output().get_node()
        shape = source.get_data().copy()
        shape[0] = -1
        reshape.input(1).replace_source_output(openvino.opset13.constant(shape).output(0))
    read.reshape(list(images.shape))
    options = {"NUM_STREAMS": 1, "INFERENCE_NUM_THREADS": 1, "INFERENCE_PRECISION_HINT": "f32"}
    request = core.compile_model(read, "CPU", options).create_infer_request()
    given = images.astype(np.float32)
    return lambda: list(request.infer([given], share_inputs=True).values())
