"""SavedModels with the detection zoo's signature: made from a cut graph, or taken from an archive and checked.

The zoo's signature is input `input_tensor` uint8 [N, H, W, 3] (N is fixed at 1 in the zoo's own exports) and outputs
`detection_boxes` [N, K, 4] (ymin, xmin, ymax, xmax in 0..1), `detection_scores`, `detection_classes` [N, K] and
`num_detections` [N], all float32.
"""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np

from lookout.errors import LookoutError
from service.model.card import Graph, Input, ModelCard
from service.model.tensorflow_import import quiet_tensorflow
from service.model.tfjs import GraphDef

OUTPUTS: Final = ("detection_boxes", "detection_scores", "detection_classes", "num_detections")
INPUT: Final = "input_tensor"


def export(card: ModelCard, graph: GraphDef, destination: Path) -> None:
    """Write the graph of a tfjs-graph card as a SavedModel with the zoo's signature.

    The graph's own preprocessor, a TensorFlow 1 while loop over the batch, is replaced by one resize operation of the
    same numbers: kept as it is, it leaks 1.4 to 3 MB a request in TensorFlow 2.21 (measured).
    """
    tf = quiet_tensorflow()
    cut, size = needed(card)
    if cut.boxes is None or cut.scores is None:
        raise LookoutError(f"model card {card.name} names no boxes or no scores", "add them to [graph]")
    detect = pruned(graph, cut.preprocessed, (cut.boxes, cut.scores))
    suppression = card.suppression

    def signature(input_tensor: Any) -> dict[str, Any]:
        boxes, scores = detect(preprocess(tf, input_tensor, size))
        found = tf.image.combined_non_max_suppression(
            boxes,
            scores,
            max_output_size_per_class=suppression.max_detections,
            max_total_size=suppression.max_detections,
            iou_threshold=suppression.iou,
            score_threshold=1e-8,  # as in the zoo's pipeline configurations
            clip_boxes=True,
        )
        return {
            "detection_boxes": found.nmsed_boxes,
            "detection_scores": found.nmsed_scores,
            "detection_classes": found.nmsed_classes + 1.0,
            "num_detections": tf.cast(found.valid_detections, tf.float32),
        }

    module = tf.Module()
    module.detect = detect  # kept alive for the signature that calls it
    module.signature = tf.function(signature, [tf.TensorSpec([None, None, None, 3], tf.uint8, INPUT)])
    tf.saved_model.save(module, str(destination), signatures=module.signature)
    # A random identity of this very export: without it the same graph gives the same bytes.
    (destination / "fingerprint.pb").unlink(missing_ok=True)


def adopt(card: ModelCard, folder: Path, destination: Path) -> None:
    """Copy a SavedModel that has the zoo's signature; refuse one that has not, naming what is missing."""
    if not (folder / "saved_model.pb").is_file():
        raise LookoutError(
            f"model {card.name}: {card.source.path} holds no saved_model.pb",
            "set source.path to the saved_model folder",
        )
    signature = load(folder).signatures.get("serving_default")
    found = sorted(signature.structured_outputs) if signature is not None else []
    inputs = sorted(signature.structured_input_signature[1]) if signature is not None else []
    missing = [f"output {name}" for name in OUTPUTS if name not in found]
    missing += [] if INPUT in inputs else [f"input {INPUT}"]
    if missing:
        raise LookoutError(
            f"model {card.name} lacks the detection zoo's signature: no {', no '.join(missing)}",
            "export it with the TensorFlow object detection API's exporter, or take an archive of the detection zoo",
        )
    shutil.copytree(folder, destination)


def load(folder: Path) -> Any:
    """Load a SavedModel. LookoutError when TensorFlow cannot."""
    tf = quiet_tensorflow()
    try:
        return tf.saved_model.load(str(folder))
    except Exception as error:  # TensorFlow raises whatever its loaders raise; all of it means one thing
        raise LookoutError(
            f"TensorFlow cannot load the SavedModel: {str(error).splitlines()[0]}", "the model is damaged"
        ) from error


def preprocess(tf: Any, images: Any, size: Input) -> Any:
    """uint8 [N, H, W, 3] to scaled float [N, height, width, 3], as the TensorFlow 1 graph does it."""
    resized = tf.raw_ops.ResizeBilinear(
        images=tf.cast(images, tf.float32),
        size=[size.height, size.width],
        align_corners=False,
        half_pixel_centers=False,
    )
    return resized * size.scale + size.offset


def pruned(graph: GraphDef, source: str | tuple[()], sinks: tuple[str, ...]) -> Callable[..., Any]:
    """The part of a graph from one tensor (or none) to others, as a function. LookoutError when a tensor is not in the
    graph."""
    tf = quiet_tensorflow()
    try:
        whole = tf.compat.v1.wrap_function(lambda: tf.graph_util.import_graph_def(graph, name=""), [])
        part: Callable[..., Any] = whole.prune(source, list(sinks))
    except (KeyError, ValueError) as error:
        raise LookoutError(
            f"the graph cannot be cut at {source or ', '.join(sinks)}: {error}", "check [graph] in the model card"
        ) from error
    return part


def frozen(folder: Path) -> GraphDef:
    """The graph behind a SavedModel's signature: variables as constants, called functions in their callers' place."""
    quiet_tensorflow()
    # TensorFlow's own converter to LiteRT begins with it; there is no public name for it.
    from tensorflow.python.framework.convert_to_constants import (  # type: ignore[import-untyped]  # ships no types
        convert_variables_to_constants_v2,
    )

    model = load(folder)  # kept alive: its signatures hold only weak references
    return convert_variables_to_constants_v2(model.signatures["serving_default"]).graph.as_graph_def()


def anchors(card: ModelCard, graph: GraphDef) -> np.ndarray[Any, np.dtype[np.float32]]:
    """The graph's anchors, float32 [anchors, 4]: ymin, xmin, ymax, xmax in 0..1."""
    compute = pruned(graph, (), (needed(card)[0].anchors,))
    try:
        (found,) = compute()
    except Exception as error:  # whatever TensorFlow raises where it lacks a photo
        raise LookoutError("the anchors depend on the photo", "check [graph] anchors in the model card") from error
    return np.asarray(found.numpy(), np.float32).reshape(-1, 4)


def needed(card: ModelCard) -> tuple[Graph, Input]:
    """Where a card cuts its graph, and the size it wants. LookoutError when it does not say."""
    if card.graph is None or card.input is None:
        raise LookoutError(f"model card {card.name} does not say where its graph is cut", "add [graph] and [input]")
    return card.graph, card.input
