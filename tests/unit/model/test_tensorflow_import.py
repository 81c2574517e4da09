"""Serving leaves GPUs visible and shares their memory; converting and judging hide them."""

import os
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from lookout.errors import LookoutError
from service.model import importer, tensorflow_import


@pytest.fixture
def grown(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, bool]]:
    """GPUs of a made-up TensorFlow that were told to grow."""
    told: list[tuple[Any, bool]] = []
    config = SimpleNamespace(
        list_physical_devices=lambda kind: [f"{kind}:0", f"{kind}:1"],
        experimental=SimpleNamespace(set_memory_growth=lambda gpu, on: told.append((gpu, on))),
    )
    logger = SimpleNamespace(setLevel=lambda _: None)
    monkeypatch.setitem(sys.modules, "tensorflow", SimpleNamespace(config=config, get_logger=lambda: logger))
    monkeypatch.setattr(os, "environ", dict(os.environ))
    os.environ.pop("CUDA_VISIBLE_DEVICES", None)
    return told


def test_importing_tensorflow_hides_no_gpu_and_shares_their_memory(grown: list[tuple[Any, bool]]) -> None:
    tensorflow_import.quiet_tensorflow()
    assert "CUDA_VISIBLE_DEVICES" not in os.environ
    assert grown == [("GPU:0", True), ("GPU:1", True)]


def test_an_import_of_a_model_hides_gpus_before_anything_else(
    grown: list[tuple[Any, bool]], monkeypatch: pytest.MonkeyPatch
) -> None:
    del grown
    hidden: list[str | None] = []

    def refuse(*_: object) -> None:
        hidden.append(os.environ.get("CUDA_VISIBLE_DEVICES"))
        raise LookoutError("far enough")

    monkeypatch.setattr("service.model.fetch.source_tree", refuse)
    with pytest.raises(LookoutError, match="far enough"):
        importer.import_model(again=True)
    assert hidden == ["-1"]


def test_a_choice_of_gpus_is_the_user_s(grown: list[tuple[Any, bool]]) -> None:
    del grown
    os.environ["CUDA_VISIBLE_DEVICES"] = "1"
    tensorflow_import.hide_gpus()
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "1"
