"""Runtimes behind one small protocol: a session detects on one photo at a time and belongs to one thread."""

from pathlib import Path
from typing import Any, Final, Literal, Protocol

from lookout.errors import LookoutError
from service.model.card import ModelCard
from service.postprocess import Detections
from service.preprocess import Pixels

RuntimeName = Literal["litert-int8", "litert-float32", "tensorflow"]
RUNTIMES: Final[tuple[RuntimeName, ...]] = ("litert-int8", "litert-float32", "tensorflow")

SAVED_MODEL: Final = "saved_model"
ANCHORS: Final = "anchors.npy"
LITERT_FILES: Final[dict[str, str]] = {"litert-int8": "int8.tflite", "litert-float32": "float32.tflite"}


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


def open_session(runtime: RuntimeName, model: Path, card: ModelCard, threads: int = 1) -> Session:
    """Load the model in folder `model` into a session. LookoutError when the runtime or the model's file is missing."""
    if runtime == "tensorflow":
        from service.runtimes.tensorflow import TensorFlowSession  # not installed in the CPU image

        return TensorFlowSession(_there(model / SAVED_MODEL), threads)
    from service.runtimes.litert import LiteRTSession

    return LiteRTSession(_there(model / LITERT_FILES[runtime]), _there(model / ANCHORS), card, threads)


def files_of(runtime: RuntimeName) -> tuple[str, ...]:
    """Names, inside a model's folder, of what this runtime needs beside card.json."""
    return (SAVED_MODEL,) if runtime == "tensorflow" else (LITERT_FILES[runtime], ANCHORS)


def detect(session: Session, image: Pixels, threshold: float, limit: int) -> Detections:
    """The three steps in a row, where nobody times them."""
    return session.finish(session.infer(session.prepare(image)), threshold, limit)


def _there(path: Path) -> Path:
    if not path.exists():
        raise LookoutError(f"the model has no {path.name}", "import it again: lookout model import --again")
    return path
