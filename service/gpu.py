"""A session on a GPU, or none: TensorFlow computes on the CPU where it finds no GPU, and its answers are the same.

Only the time they take would tell, of a pod that holds a GPU and leaves it idle. So where a GPU is required
(`LOOKOUT_REQUIRE_GPU`) the service does not become ready without one.
"""

import ctypes
from contextlib import suppress
from pathlib import Path
from typing import Final

from lookout import contract
from lookout.errors import LookoutError
from service import runtimes
from service.model.card import ModelCard
from service.model.tensorflow_import import quiet_tensorflow
from service.runtimes import RuntimeName, Session

_DRIVER: Final = "libcuda.so.1"
_DEVICES: Final = Path("/dev")


def open_session(runtime: RuntimeName, model: Path, card: ModelCard) -> Session:
    """As `runtimes.open_session`, on a GPU. LookoutError that says what to look at where that cannot be."""
    if runtime != "tensorflow":
        raise LookoutError(
            f"a GPU is required (LOOKOUT_REQUIRE_GPU), and runtime {runtime} computes on the CPU",
            "set LOOKOUT_RUNTIME=tensorflow, as detector/components/gpu does, or require no GPU",
        )
    try:
        session = runtimes.open_session(runtime, model, card)
    except ModuleNotFoundError as error:
        raise LookoutError(
            f"a GPU is required (LOOKOUT_REQUIRE_GPU), and this image has no {error.name}: it is the one for CPUs",
            "cut or promote the release anew, which names the bento's image for GPUs, or do not take the component gpu",
        ) from error
    # Not what is plugged in, but what operations are placed on: a GPU that is too old for the wheels is left out here.
    if not quiet_tensorflow().config.list_logical_devices("GPU"):
        raise LookoutError(
            f"a GPU is required (LOOKOUT_REQUIRE_GPU), and TensorFlow sees none: {_found()}",
            f"look at the pod's resource limit {contract.GPU_RESOURCE}, at NVIDIA's device plugin (does the node offer "
            f"{contract.GPU_RESOURCE} as allocatable?) and at the node's driver (nvidia-smi); "
            "TF_CPP_MIN_LOG_LEVEL=0 lets TensorFlow say what it misses",
        )
    return session


def _found() -> str:
    """What the container has of a GPU, from the device to the driver's library."""
    devices = sorted(str(path) for path in _DEVICES.glob("nvidia[0-9]*"))
    driver = f"{_DRIVER} cannot be loaded"
    with suppress(OSError):
        ctypes.CDLL(_DRIVER)
        driver = f"{_DRIVER} can be loaded"
    return f"the container has {', '.join(devices) or f'no device {_DEVICES}/nvidia*'}, and {driver}"
