"""Parts that every operation of the document is made of: parameters, bodies, answers, problems."""

from typing import Any, Final

from pydantic import BaseModel

from service import problems
from service.intake import ExplainParameters, Parameters
from service.openapi import examples

Json = dict[str, Any]

OPTIONAL_TOKEN: Final[list[Json]] = [{}, {"token": []}]
"""A service may ask for tokens (`LOOKOUT_TOKENS_FILE`); by default none does."""
_TEXT: Final = {
    "threshold": "Least score of a detection",
    "limit": "Most detections of a photo",
    "rank": "Which detection of the photo, as /v1/detect orders them, from 0",
    "cells": "Rows and columns of the heat map",
}


def operation(name: str, tag: str, summary: str, answers: Json, **more: Any) -> Json:
    """One operation; `answers` by status."""
    return {"operationId": name, "tags": [tag], "summary": summary, **more, "responses": answers}


def query(kind: type[Parameters] | type[ExplainParameters]) -> list[Json]:
    """The query parameters of an operation."""
    properties = kind.model_json_schema()["properties"]
    return [
        {"name": name, "in": "query", "description": _TEXT[name], "schema": properties[name]} for name in properties
    ]


def done(content: Json, description: str = "Done", headers: Json | None = None) -> Json:
    """The answer with status 200."""
    own = {
        "X-Request-ID": {"description": "The request's id, also in the log", "schema": {"type": "string"}},
        "traceresponse": {
            "description": "For a request of the API with the W3C header traceparent: our work in its trace",
            "schema": {"type": "string"},
        },
    }
    return {"200": {"description": description, "headers": own | (headers or {}), "content": content}}


def body(example: BaseModel) -> Json:
    """JSON of a model, with an instance of it as example."""
    reference = {"$ref": f"#/components/schemas/{type(example).__name__}"}
    return {"application/json": {"schema": reference, "example": example.model_dump(mode="json")}}


def text(example: str) -> Json:
    """Plain text."""
    return {"text/plain": {"schema": {"type": "string"}, "example": example}}


def binary(media_type: str) -> Json:
    """Bytes of some media type."""
    return {media_type: {"schema": {"type": "string", "format": "binary"}}}


def problem_answers(*statuses: int) -> Json:
    """Answers with these statuses as RFC 9457 problems."""
    return _refusals(statuses, problems.MEDIA_TYPE, "Problem", _as_problem)


def error_answers(*statuses: int) -> Json:
    """Answers with these statuses in the Open Inference Protocol's shape."""
    return _refusals(statuses, "application/json", "InferenceError", lambda one: {"error": one.detail})


def _refusals(statuses: tuple[int, ...], media_type: str, name: str, shape: Any) -> Json:
    answers: Json = {}
    for status in statuses:
        meaning, cases = examples.PROBLEMS[status]
        given = {one.name: {"summary": one.title, "value": shape(one)} for one in cases}
        content = {media_type: {"schema": {"$ref": f"#/components/schemas/{name}"}, "examples": given}}
        answers[str(status)] = {"description": meaning, "content": content}
        if headers := {header: value for one in cases for header, value in one.headers.items()}:
            described = {header: {"schema": {"type": "string"}, "example": value} for header, value in headers.items()}
            answers[str(status)]["headers"] = described
    return answers


def _as_problem(problem: problems.Problem) -> Json:
    return problem.body(examples.REQUEST_ID).model_dump(mode="json")
