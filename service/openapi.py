"""The OpenAPI document, made from the same models that make the bodies, and the model's public description."""

from typing import Any

from pydantic.json_schema import models_json_schema

from lookout import contract
from service import problems, schema
from service.intake import Parameters
from service.model.stored import StoredCard
from service.settings import Settings

_BODIES = (schema.DetectResponse, schema.BatchResponse, schema.ModelResponse, schema.Problem)
_TYPES = ("image/jpeg", "image/png", "image/webp")
_PROBLEMS = {
    400: "Empty, damaged or 0x0 image, or a malformed body",
    408: "The body came too slowly",
    413: "Too many bytes",
    415: "Another format, or a declared type that disagrees with the data",
    422: "Too many pixels, or a bad parameter",
    500: "An error of the service; its log has the details under the request's id",
    503: "Over capacity, starting or stopping; Retry-After says when to try again",
}


def document(settings: Settings) -> dict[str, Any]:
    """The service's OpenAPI 3.1 description."""
    _, definitions = models_json_schema(
        [(body, "serialization") for body in _BODIES], ref_template="#/components/schemas/{model}"
    )
    image = {"type": "string", "format": "binary"}
    one = {kind: {"schema": image} for kind in _TYPES} | _multipart("image", image)
    several = _multipart("images", {"type": "array", "items": image, "maxItems": contract.MAX_BATCH_IMAGES})
    limits = f"At most {settings.max_image_bytes:,} bytes and {settings.max_image_pixels:,} pixels an image."
    return {
        "openapi": "3.1.0",
        "info": {"title": "Lookout detector", "version": "1", "description": f"Finds objects in photos. {limits}"},
        "paths": {
            contract.DETECT_PATH: _post("Detect objects in one photo", one, _json("DetectResponse")),
            contract.BATCH_PATH: _post("Detect objects in several photos", several, _json("BatchResponse")),
            contract.RENDER_PATH: _post("The photo with its detections drawn", one, {"image/jpeg": {"schema": image}}),
            contract.MODEL_PATH: _get("The model, its labels and how it was judged", _json("ModelResponse")),
            contract.LIVENESS_PATH: _get("Liveness probe", _text()),
            contract.READINESS_PATH: _get("Readiness probe: 503 until warm and after SIGTERM", _text()),
            contract.METRICS_PATH: _get("Prometheus metrics", _text()),
        },
        "components": {"schemas": definitions["$defs"]},
    }


def model_response(stored: StoredCard, runtime: str, threads: int, bento: str | None) -> schema.ModelResponse:
    """The model as /v1/model shows it."""
    card, source = stored.card, stored.card.source
    return schema.ModelResponse(
        name=card.name,
        version=stored.version,
        runtime=runtime,
        title=card.title,
        generation=card.generation,
        licence=card.licence,
        source=f"npm:{source.package}@{source.version}" if source.kind == "npm" else source.url,
        labels=card.labels,
        parity=[
            schema.ParityFigures(
                runtime=report.runtime,
                variants=report.variants,
                f1=report.f1,
                median_score_shift=report.median_score_shift,
                passed=report.passed,
            )
            for report in stored.parity
        ],
        threads=threads,
        bento=bento,
    )


def _post(summary: str, body: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    properties = Parameters.model_json_schema()["properties"]
    refused = {"content": {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
    return {
        "post": {
            "summary": summary,
            "parameters": [{"name": name, "in": "query", "schema": properties[name]} for name in properties],
            "requestBody": {"required": True, "content": body},
            "responses": {
                "200": {"description": "Done", "content": answer},
                **{str(status): {"description": text, **refused} for status, text in _PROBLEMS.items()},
            },
        }
    }


def _get(summary: str, answer: dict[str, Any]) -> dict[str, Any]:
    return {"get": {"summary": summary, "responses": {"200": {"description": "Done", "content": answer}}}}


def _json(name: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}


def _text() -> dict[str, Any]:
    return {"text/plain": {"schema": {"type": "string"}}}


def _multipart(field: str, content: dict[str, Any]) -> dict[str, Any]:
    form = {"type": "object", "required": [field], "properties": {field: content}, "additionalProperties": False}
    return {"multipart/form-data": {"schema": form}}
