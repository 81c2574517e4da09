"""JSON schemas of every kind a running API server knows, in the layout that kubeconform reads."""

import json
from pathlib import Path
from typing import Any

_INT_OR_STRING = {"oneOf": [{"type": "string"}, {"type": "integer"}]}
_QUANTITY = {"oneOf": [{"type": "string"}, {"type": "number"}]}


def write(openapi: dict[str, Any], directory: Path) -> str:
    """Write a file a kind from the server's OpenAPI v2 document; returns kubeconform's -schema-location.

    Objects are closed: a field the server does not know is an error, which the server itself would only warn about.
    """
    definitions = {name: _strict(definition) for name, definition in openapi["definitions"].items()}
    definitions["io.k8s.apimachinery.pkg.util.intstr.IntOrString"] = _INT_OR_STRING
    definitions["io.k8s.apimachinery.pkg.api.resource.Quantity"] = _QUANTITY
    (directory / "_definitions.json").write_text(json.dumps({"definitions": definitions}))
    for name, definition in openapi["definitions"].items():
        for kind in definition.get("x-kubernetes-group-version-kind", ()):
            group = kind["group"].partition(".")[0]
            parts = [kind["kind"].lower(), *([group] if group else []), kind["version"]]
            reference = {"$ref": f"_definitions.json#/definitions/{name}"}
            (directory / f"{'-'.join(parts)}.json").write_text(json.dumps(reference))
    return f"{directory}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json"


def _strict(schema: Any) -> Any:
    """The same schema, closed, in kubeconform's terms. Names below `properties` are fields, never keywords."""
    if not isinstance(schema, dict):
        return schema
    if schema.get("format") == "int-or-string" or schema.get("x-kubernetes-int-or-string"):
        return _INT_OR_STRING
    strict: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "$ref":
            strict[key] = f"_definitions.json{value}"
        elif key == "properties":
            strict[key] = {name: _strict(field) for name, field in value.items()}
        elif key in ("items", "additionalProperties"):
            strict[key] = _strict(value)
        elif key in ("allOf", "anyOf", "oneOf"):
            strict[key] = [_strict(part) for part in value]
        elif key in ("type", "required", "enum", "minimum", "maximum", "minLength", "maxLength", "pattern"):
            strict[key] = value
    if "properties" in strict and "additionalProperties" not in strict:
        strict["additionalProperties"] = bool(schema.get("x-kubernetes-preserve-unknown-fields"))
    return strict
