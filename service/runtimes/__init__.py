"""Runtimes behind one small protocol: a session detects on one photo at a time and belongs to one thread.

Where a run on several photos is less work than as many runs, it takes several (docs/decisions/0018-batches.md).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Literal, Protocol, runtime_checkable

from lookout.errors import LookoutError
from service.model.card import ModelCard
from service.postprocess import Detections
from service.preprocess import Pixels

RuntimeName = Literal["openvino-int8", "litert-int8", "openvino-float32", "litert-float32", "tensorflow"]
CONVERTED: Final[tuple[RuntimeName, ...]] = ("openvino-int8", "litert-int8", "openvino-float32", "litert-float32")
"""Runtimes of a cut and converted graph, fastest first (docs/decisions/0014-runtime.md)."""
RUNTIMES: Final[tuple[RuntimeName, ...]] = (*CONVERTED, "tensorflow")

SAVED_MODEL: Final = "saved_model"
ANCHORS: Final = "anchors.npy"
FILES: Final[dict[RuntimeName, tuple[str, ...]]] = {
    "openvino-int8": ("int8.xml", "int8.bin", ANCHORS),
    "litert-int8": ("int8.tflite", ANCHORS),
    "openvino-float32": ("float32.xml", "float32.bin", ANCHORS),
    "litert-float32": ("float32.tflite", ANCHORS),
    "tensorflow": (SAVED_MODEL,),
}
"""Names, inside a model's folder, of what each runtime needs beside card.json; the model itself comes first."""


class Session(Protocol):
    """One loaded model. Not thread-safe: give each compute thread its own. The three steps are timed apart."""

    def prepare(self, image: Pixels) -> Any:
        """From upright RGB pixels uint8 [H, W, 3] to the model's input."""
        ...

    def infer(self, prepared: Any) -> Any:
        """Run the model."""
        ...

    def finish(self, raw: Any, threshold: float, limit: int) -> Detections:
        """From the model's output to at most `limit` detections of at least `threshold`, best first."""
        ...


@runtime_checkable
class BatchSession(Session, Protocol):
    """A session whose run may be on several photos. `finish(apart(infer(prepare_all(images)))[i], ...)` finds on
    photo i what `detect` finds on it alone, but for rounding."""

    takes_many: bool
    """Whether this model does: some are exported for one photo at a time."""

    def prepare_all(self, images: Sequence[Pixels]) -> Any:
        """As `prepare`, from photos of one size."""
        ...

    def apart(self, raw: Any) -> list[Any]:
        """The output for each photo of a run."""
        ...


def open_session(runtime: RuntimeName, model: Path, card: ModelCard, threads: int = 1) -> Session:
    """Load the model in folder `model` into a session. LookoutError when the runtime or the model's file is missing."""
    main, *_ = (_there(model / name) for name in FILES[runtime])
    if runtime == "tensorflow":
        from service.runtimes.tensorflow import TensorFlowSession  # not installed in the CPU image

        return TensorFlowSession(main, threads)
    if runtime in ("openvino-int8", "openvino-float32"):
        from service.runtimes.openvino import OpenVINOSession

        return OpenVINOSession(main, model / ANCHORS, card, threads)
    from service.runtimes.litert import LiteRTSession

    return LiteRTSession(main, model / ANCHORS, card, threads)


def detect(session: Session, image: Pixels, threshold: float, limit: int) -> Detections:
    """The three steps in a row, where nobody times them."""
    return session.finish(session.infer(session.prepare(image)), threshold, limit)


def _there(path: Path) -> Path:
    if not path.exists():
        raise LookoutError(f"the model has no {path.name}", "import it again: lookout model import --again")
    return path
