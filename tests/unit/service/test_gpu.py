"""A service that was promised a GPU does not serve without one."""

from pathlib import Path

import pytest

from lookout.errors import LookoutError
from service import gpu, runtimes
from service.model import card, tensorflow_import


@pytest.mark.parametrize("runtime", runtimes.CONVERTED)
def test_a_runtime_of_the_cpu_is_refused(runtime: runtimes.RuntimeName, tmp_path: Path) -> None:
    with pytest.raises(LookoutError, match=f"runtime {runtime} computes on the CPU"):
        gpu.open_session(runtime, tmp_path, card.load(card.DEFAULT))


def test_the_image_for_cpus_says_that_it_is_the_wrong_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(*_: object) -> None:
        raise ModuleNotFoundError("No module named 'tensorflow'", name="tensorflow")

    monkeypatch.setattr(runtimes, "open_session", absent)
    with pytest.raises(LookoutError, match="the one for CPUs"):
        gpu.open_session("tensorflow", tmp_path, card.load(card.DEFAULT))


@pytest.mark.xdist_group("tensorflow")
def test_the_real_tensorflow_without_a_gpu_is_refused_and_says_where_to_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtimes, "open_session", lambda *_: object())
    monkeypatch.setattr(gpu, "_DEVICES", tmp_path)
    tensorflow_import.hide_gpus()
    with pytest.raises(LookoutError, match="TensorFlow sees none") as caught:
        gpu.open_session("tensorflow", tmp_path, card.load(card.DEFAULT))
    said = str(caught.value)
    for word in (f"no device {tmp_path}/nvidia*", "nvidia.com/gpu", "device plugin", "driver", "TF_CPP_MIN_LOG_LEVEL"):
        assert word in said
