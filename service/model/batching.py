"""Running a model on several images at once, to measure what that gains. What serves takes one at a time."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from service.model.card import ModelCard
from service.model.savedmodel import load, needed
from service.model.tensorflow_import import quiet_tensorflow
from service.runtimes import FILES, RuntimeName

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
    return _openvino(main, images) if runtime.startswith("openvino") else _litert(main, images)


def _tensorflow(model: Path, images: np.ndarray[Any, Any]) -> Callable[[], Outputs]:
    tf, loaded = quiet_tensorflow(), load(model)
    given = tf.constant(images)
    return lambda: [value.numpy() for value in loaded.signatures["serving_default"](input_tensor=given).values()]


def _openvino(model: Path, images: np.ndarray[Any, Any]) -> Callable[[], Outputs]:
    import openvino  # type: ignore[import-untyped]  # ships no marker for its types

    core = openvino.Core()
    read = core.read_model(model)
    read.reshape(list(images.shape))
    options = {"NUM_STREAMS": 1, "INFERENCE_NUM_THREADS": 1, "INFERENCE_PRECISION_HINT": "f32"}
    request = core.compile_model(read, "CPU", options).create_infer_request()
    given = images.astype(np.float32)
    return lambda: list(request.infer([given], share_inputs=True).values())


def _litert(model: Path, images: np.ndarray[Any, Any]) -> Callable[[], Outputs]:
    from ai_edge_litert.interpreter import Interpreter  # type: ignore[import-untyped]  # ships no types

    interpreter = Interpreter(model_path=str(model), num_threads=1)
    first = interpreter.get_input_details()[0]
    interpreter.resize_tensor_input(first["index"], images.shape)
    interpreter.allocate_tensors()
    given = images.astype(first["dtype"])

    def run() -> Outputs:
        interpreter.set_tensor(first["index"], given)
        interpreter.invoke()
        return [interpreter.get_tensor(output["index"]) for output in interpreter.get_output_details()]

    return run
