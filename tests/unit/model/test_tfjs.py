"""A TensorFlow.js model that is not complete is refused before anything is converted."""

import json
from pathlib import Path
from typing import Any

import pytest

from lookout.errors import LookoutError
from service.model import tfjs


def model(tmp_path: Path, data: bytes = b"\0" * 8, **weight: Any) -> Path:
    weights = [{"name": "w", "shape": [2], "dtype": "float32"} | weight]
    text = {"modelTopology": {"node": []}, "weightsManifest": [{"paths": ["shard"], "weights": weights}]}
    (tmp_path / "model.json").write_text(json.dumps(text))
    (tmp_path / "shard").write_bytes(data)
    return tmp_path


@pytest.mark.parametrize("data", [b"", b"\0" * 7, b"\0" * 9])
def test_refuses_shards_of_the_wrong_size(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(LookoutError, match="not a TensorFlow"):
        tfjs.read(model(tmp_path, data))


def test_refuses_quantised_weights(tmp_path: Path) -> None:
    with pytest.raises(LookoutError, match="quantised"):
        tfjs.read(model(tmp_path, quantization={"dtype": "uint8"}))


def test_refuses_a_shard_outside_the_folder(tmp_path: Path) -> None:
    folder = model(tmp_path)
    text = (folder / "model.json").read_text().replace('"shard"', '"../shard"')
    (folder / "model.json").write_text(text)
    with pytest.raises(LookoutError, match="plain file name"):
        tfjs.read(folder)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"modelTopology": {}}'])
def test_refuses_what_is_no_graph_model(tmp_path: Path, text: str) -> None:
    (tmp_path / "model.json").write_text(text)
    with pytest.raises(LookoutError, match="not a TensorFlow"):
        tfjs.read(tmp_path)


def test_says_when_model_json_is_missing(tmp_path: Path) -> None:
    with pytest.raises(LookoutError, match=r"model\.json"):
        tfjs.read(tmp_path)
