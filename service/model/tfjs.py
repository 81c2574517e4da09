"""Reading a TensorFlow.js graph model (model.json and weight shards) as a TensorFlow GraphDef."""

import base64
import json
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt

from lookout.errors import LookoutError
from service.model.tensorflow_import import quiet_tensorflow

GraphDef = Any
"""tensorflow.GraphDef: TensorFlow ships no types, and importing it takes seconds."""


def read(folder: Path) -> GraphDef:
    """The graph in `folder`/model.json with its weights in place. LookoutError when it is not one or lacks some."""
    description = folder / "model.json"
    try:
        model = json.loads(description.read_text())
        topology, groups = model["modelTopology"], model["weightsManifest"]
        weights = {name: value for group in groups for name, value in _weights(folder, group).items()}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LookoutError(
            f"{description.name} is not a TensorFlow.js graph model: {error}", "check source.path in the card"
        ) from error
    return _graph(topology, weights)


def _weights(folder: Path, group: dict[str, Any]) -> dict[str, npt.NDArray[Any]]:
    shards = [str(path) for path in group["paths"]]
    for shard in shards:
        if PurePosixPath(shard).name != shard:
            raise ValueError(f"weight shard {shard!r} is not a plain file name")
    data = b"".join((folder / shard).read_bytes() for shard in shards)
    found: dict[str, npt.NDArray[Any]] = {}
    offset = 0
    for weight in group["weights"]:
        if "quantization" in weight:
            raise ValueError(f"weight {weight['name']} is quantised, which is not supported")
        kind, count = np.dtype(weight["dtype"]), int(np.prod(weight["shape"], dtype=np.int64))
        found[weight["name"]] = np.frombuffer(data, kind, count, offset).reshape(weight["shape"])
        offset += count * kind.itemsize
    if offset != len(data):
        raise ValueError(f"weights need {offset:,} bytes, the shards have {len(data):,}")
    return found


def _graph(topology: dict[str, Any], weights: dict[str, npt.NDArray[Any]]) -> GraphDef:
    from google.protobuf import json_format  # type: ignore[import-untyped]  # ships no types

    tf = quiet_tensorflow()

    for node in topology["node"]:
        for attribute in node.get("attr", {}).values():
            _text_as_base64(attribute)
    graph = tf.compat.v1.GraphDef()
    try:
        json_format.ParseDict({key: topology[key] for key in ("node", "versions") if key in topology}, graph)
    except json_format.ParseError as error:
        raise LookoutError(
            f"the graph of model.json cannot be read: {error}", "check source.path in the card"
        ) from error
    for node in graph.node:
        if node.op == "Const":
            if node.name not in weights:
                raise LookoutError(f"the model has no weights for {node.name}", "the model is incomplete")
            node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(weights[node.name]))
            node.attr["dtype"].type = node.attr["value"].tensor.dtype
    return graph


def _text_as_base64(attribute: dict[str, Any]) -> None:
    """TensorFlow.js writes byte strings as lists of numbers; the protobuf JSON form wants base64."""
    if isinstance(attribute.get("s"), list):
        attribute["s"] = base64.b64encode(bytes(attribute["s"])).decode()
    texts = attribute.get("list", {}).get("s")
    if texts:
        attribute["list"]["s"] = [
            base64.b64encode(bytes(text)).decode() if isinstance(text, list) else text for text in texts
        ]
