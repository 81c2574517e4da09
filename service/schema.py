"""The bodies of the service's API. The load test checks responses with these same models; importing them is cheap."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from lookout import contract


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Box(_Body):
    """A rectangle in pixels of the upright original."""

    x_min: Annotated[float, Field(ge=0)]
    y_min: Annotated[float, Field(ge=0)]
    x_max: Annotated[float, Field(ge=0)]
    y_max: Annotated[float, Field(ge=0)]


class Detection(_Body):
    """One object."""

    label: str
    class_id: Annotated[int, Field(ge=1, description="COCO's id, 1..90, or the model card's")]
    score: Annotated[float, Field(ge=0, le=1)]
    box: Box


class Model(_Body):
    """Which model answered, and how it ran."""

    name: str
    version: str
    runtime: str


class ImageSize(_Body):
    """Size in pixels of the upright original."""

    width: Annotated[int, Field(ge=1)]
    height: Annotated[int, Field(ge=1)]


class Timing(_Body):
    """Where the time went, in milliseconds."""

    intake: Annotated[float, Field(ge=0, description="Reading the body, as fast as it was sent; before `total`")] = 0.0
    queue: Annotated[float, Field(ge=0, description="Waiting for a worker")]
    decode: Annotated[float, Field(ge=0)]
    preprocess: Annotated[float, Field(ge=0)]
    inference: Annotated[float, Field(ge=0)]
    postprocess: Annotated[float, Field(ge=0)]
    total: Annotated[float, Field(ge=0, description="From the last byte of the body to the finished result")]


class DetectResponse(_Body):
    """What /v1/detect answers: detections, best score first."""

    model: Model
    image: ImageSize
    detections: Annotated[list[Detection], Field(max_length=contract.MAX_LIMIT)]
    timing_ms: Timing


class ExplainResponse(_Body):
    """What /v1/explain answers: how far the score of one detection falls when a part of the photo is hidden."""

    model: Model
    image: ImageSize
    detection: Detection
    region: Annotated[Box, Field(description="The part of the photo that the heat map covers")]
    heat: Annotated[
        list[list[float]], Field(description="Rows of cells over the region: fall of the score, below 0 where it rose")
    ]
    total_ms: Annotated[float, Field(ge=0, description="From the last byte of the body to the finished heat map")]


class Problem(_Body):
    """An error, as RFC 9457 has it (application/problem+json)."""

    type: Annotated[str, Field(description="urn:lookout:problem:<name>, or about:blank")]
    title: str
    status: Annotated[int, Field(ge=400, le=599)]
    detail: str
    request_id: str | None = None


class Failure(_Body):
    """A photo of a batch that could not be judged."""

    problem: Problem


class BatchResponse(_Body):
    """What /v1/detect/batch answers: one entry a photo, in the order sent."""

    results: Annotated[list[DetectResponse | Failure], Field(max_length=contract.MAX_BATCH_IMAGES)]


class ParityFigures(_Body):
    """Box agreement of a runtime with the reference SavedModel, measured at import."""

    runtime: str
    variants: int
    f1: float
    median_score_shift: float | None
    passed: bool


class ModelResponse(_Body):
    """What /v1/model answers."""

    name: str
    version: str
    runtime: str
    title: str
    generation: Literal["tf1-detection-zoo", "tf2-detection-zoo"]
    licence: str
    source: str
    labels: dict[int, str]
    parity: list[ParityFigures]
    threads: int
    bento: Annotated[str | None, Field(description="name:version; null when served from a clone")] = None
