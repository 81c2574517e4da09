"""The whole document: /v1, the probes, and the Open Inference Protocol."""

from typing import Any, Final

from pydantic.json_schema import models_json_schema

from lookout import contract
from service import schema
from service.intake import ExplainParameters, Parameters
from service.openapi import examples, inference
from service.openapi.operations import OPTIONAL_TOKEN, Json, binary, body, done, operation, problem_answers, query, text
from service.settings import Settings

_BODIES: Final = (
    schema.DetectResponse,
    schema.BatchResponse,
    schema.ExplainResponse,
    schema.ModelResponse,
    schema.Problem,
)
_TYPES: Final = ("image/jpeg", "image/png", "image/webp")
_API: Final = "Detection"
_OPERATION: Final = "Operation"
_REFUSED: Final = (400, 401, 408, 413, 415, 422, 500, 503)


def document(settings: Settings) -> dict[str, Any]:
    """The service's OpenAPI 3.1 description."""
    _, definitions = models_json_schema(
        [(one, "serialization") for one in _BODIES], ref_template="#/components/schemas/{model}"
    )
    limits = f"At most {settings.max_image_bytes:,} bytes and {settings.max_image_pixels:,} pixels an image."
    return {
        "openapi": "3.1.0",
        "info": {"title": "Lookout detector", "version": "1", "description": f"Finds objects in photos. {limits}"},
        "servers": [{"url": "/"}],
        "tags": [{"name": name} for name in (_API, inference.TAG, _OPERATION)],
        "paths": _detection() | inference.paths() | _probes(),
        "components": {
            "schemas": definitions["$defs"] | inference.SCHEMAS,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _detection() -> Json:
    image = {"type": "string", "format": "binary"}
    raw: Json = {}
    for kind in _TYPES:
        raw |= binary(kind)
    one = raw | _multipart("image", image)
    several = _multipart("images", {"type": "array", "items": image, "maxItems": contract.MAX_BATCH_IMAGES})
    drawn = done(
        binary("image/jpeg"),
        headers={"X-Detections": {"description": "How many were drawn", "schema": {"type": "string"}, "example": "1"}},
    )
    return {
        contract.DETECT_PATH: _post("detect", "Detect objects in one photo", one, done(body(examples.DETECTED))),
        contract.BATCH_PATH: _post(
            "detectBatch",
            "Detect objects in several photos: one result or problem each",
            several,
            done(body(examples.batch())),
        ),
        contract.RENDER_PATH: _post("render", "The photo with its detections drawn", one, drawn),
        contract.EXPLAIN_PATH: _post(
            "explain",
            "Which parts of the photo one detection rests on: an occlusion heat map",
            one,
            done(body(examples.EXPLAINED)),
            ExplainParameters,
        ),
        contract.MODEL_PATH: {
            "get": operation("model", _API, "The model, its labels and how it was judged", done(body(examples.MODEL)))
        },
    }


def _probes() -> Json:
    return {
        contract.LIVENESS_PATH: _probe("livez", "Liveness probe: 503 when the model cannot be loaded", "ok\n", 503),
        contract.READINESS_PATH: _probe("readyz", "Readiness probe: 503 until warm, after SIGTERM", "ready\n", 503),
        contract.METRICS_PATH: _probe("metrics", "Prometheus metrics", examples.METRICS),
    }


def _post(
    name: str, summary: str, content: Json, answers: Json, kind: type[Parameters] | type[ExplainParameters] = Parameters
) -> Json:
    return {
        "post": operation(
            name,
            _API,
            summary,
            answers | problem_answers(*_REFUSED),
            parameters=query(kind),
            security=OPTIONAL_TOKEN,
            requestBody={"required": True, "content": content},
        )
    }


def _probe(name: str, summary: str, example: str, *statuses: int) -> Json:
    return {"get": operation(name, _OPERATION, summary, done(text(example)) | problem_answers(*statuses))}


def _multipart(field: str, content: Json) -> Json:
    form = {"type": "object", "required": [field], "properties": {field: content}, "additionalProperties": False}
    return {"multipart/form-data": {"schema": form}}
