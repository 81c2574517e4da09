"""Validation errors as lines a person can act on: the field's path, what is wrong, what is allowed."""

from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails


def explain(error: ValidationError, model: type[BaseModel], prefix: str = "") -> list[str]:
    """One line for each mistake, for example `lookout:nodePools[1].gpu.count: must be at least 1, is 0`."""
    return [_line(details, model, prefix) for details in error.errors(include_url=False)]


def _line(details: ErrorDetails, model: type[BaseModel], prefix: str) -> str:
    path = _path(details["loc"])
    context = details.get("ctx", {})
    given = details["input"]
    match details["type"]:
        case "extra_forbidden":
            parent = _model_at(model, details["loc"][:-1])
            allowed = ", ".join(sorted(_keys(parent))) if parent else "see the example files"
            what = f"unknown key; allowed here: {allowed}"
        case "missing":
            what = "is missing"
        case "literal_error":
            what = f"{given!r} is not one of {context['expected']}"
        case "greater_than_equal":
            what = f"must be at least {context['ge']}, is {given}"
        case "less_than_equal":
            what = f"must be at most {context['le']}, is {given}"
        case "string_pattern_mismatch":
            what = f"{given!r} does not match {context['pattern']}"
        case "value_error":
            what = str(context["error"])
        case _:
            what = f"{details['msg'][:1].lower()}{details['msg'][1:]}, is {given!r}"
    return f"{prefix}{path}: {what}" if path else what


def _path(location: tuple[int | str, ...]) -> str:
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _keys(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_at(model: type[BaseModel], location: tuple[int | str, ...]) -> type[BaseModel] | None:
    current: type[BaseModel] | None = model
    for part in location:
        if isinstance(part, int):
            continue
        if current is None:
            return None
        found = [field for name, field in current.model_fields.items() if part in (name, field.alias)]
        current = _model_in(found[0].annotation) if found else None
    return current


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((model for part in get_args(annotation) if (model := _model_in(part))), None)
