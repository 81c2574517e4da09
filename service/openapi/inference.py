"""The Open Inference Protocol's paths in the document."""

from typing import Any, Final

from lookout import contract
from service.oip import inputs, outputs, wire
from service.openapi import examples
from service.openapi.operations import OPTIONAL_TOKEN, Json, done, error_answers, operation

TAG: Final = "Open Inference Protocol v2"
_VALUE: Final = {"type": ["boolean", "integer", "number", "string"]}
_PARAMETERS: Final = {"type": "object", "additionalProperties": _VALUE, "maxProperties": wire.MOST}
_SHAPE: Final = {"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 4}

SCHEMAS: Final[Json] = {
    "InferenceError": {
        "type": "object",
        "required": ["error"],
        "properties": {"error": {"type": "string"}},
        "additionalProperties": False,
    },
    "InferenceRequest": {
        "type": "object",
        "required": ["inputs"],
        "properties": {
            "id": {"type": "string", "maxLength": wire.ID_LENGTH},
            "parameters": {
                "type": "object",
                "properties": {
                    "threshold": {"type": "number", "minimum": 0, "maximum": 1, "default": 0},
                    "limit": {
                        "type": "integer",
                        "minimum": 1,
                        "maximum": contract.MAX_LIMIT,
                        "default": contract.MAX_LIMIT,
                    },
                    "binary_data_output": {"type": "boolean", "default": False},
                },
                "additionalProperties": _VALUE,
                "maxProperties": wire.MOST,
            },
            "inputs": {"type": "array", "minItems": 1, "maxItems": 1, "items": {"$ref": "#/components/schemas/Input"}},
            "outputs": {
                "type": "array",
                "maxItems": wire.MOST,
                "items": {
                    "type": "object",
                    "required": ["name"],
                    "properties": {
                        "name": {"enum": list(outputs.OUTPUTS)},
                        "parameters": {"type": "object", "properties": {"binary_data": {"type": "boolean"}}},
                    },
                },
            },
        },
    },
    "Input": {
        "type": "object",
        "required": ["name", "datatype", "shape"],
        "properties": {
            "name": {"enum": [inputs.IMAGE, inputs.PIXELS]},
            "datatype": {"enum": ["BYTES", "UINT8"]},
            "shape": _SHAPE,
            "parameters": _PARAMETERS,
            "data": {"type": "array", "description": "Photos in base64, or pixels 0..255, flat or nested"},
        },
    },
    "InferenceResponse": {
        "type": "object",
        "required": ["model_name", "model_version", "outputs"],
        "properties": {
            "model_name": {"const": contract.DETECTOR},
            "model_version": {"type": "string"},
            "id": {"type": "string"},
            "outputs": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["name", "datatype", "shape"],
                    "properties": {
                        "name": {"enum": list(outputs.OUTPUTS)},
                        "datatype": {"const": "FP32"},
                        "shape": _SHAPE,
                        "parameters": _PARAMETERS,
                        "data": {"type": "array", "items": {"type": "number"}},
                    },
                    "additionalProperties": False,
                },
            },
        },
        "additionalProperties": False,
    },
}


def paths() -> Json:
    """Every path of the protocol."""
    health, model = f"{contract.OIP_PATH}/health", contract.OIP_MODEL_PATH
    ready = {"name": contract.DETECTOR, "ready": True}
    server = {"name": "lookout", "version": "2", "extensions": ["binary_tensor_data"]}
    return {
        contract.OIP_PATH: _get("serverMetadata", "The server and its extensions", server),
        f"{health}/live": _get("serverLive", "Whether the server is alive", {"live": True}, 503),
        f"{health}/ready": _get("serverReady", "Whether the server is ready", {"ready": True}, 503),
        model: _get("modelMetadata", "Inputs and outputs of the model", _metadata()),
        f"{model}/ready": _get("modelReady", "Whether the model is ready", ready, 503),
        contract.OIP_INFER_PATH: {"post": _infer()},
    }


def _infer() -> Json:
    sized = {"description": "Length of the JSON before binary data", "schema": {"type": "string"}, "example": "312"}
    length = {"name": wire.HEADER_LENGTH, "in": "header", "required": False, **sized}
    sent = {
        "application/json": {
            "schema": {"$ref": "#/components/schemas/InferenceRequest"},
            "example": examples.PIXELS_SENT,
        },
        "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
    }
    answered = {
        "application/json": {"schema": {"$ref": "#/components/schemas/InferenceResponse"}, "example": examples.TENSORS},
        "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
    }
    return operation(
        "infer",
        TAG,
        "Photos or pixels in, the detection zoo's tensors out",
        done(answered, headers={wire.HEADER_LENGTH: sized}) | error_answers(400, 401, 408, 413, 415, 422, 500, 503),
        description=(
            f"One input: `{inputs.IMAGE}`, BYTES [N], encoded photos (in JSON as base64), or `{inputs.PIXELS}`, UINT8 "
            f"[N, height, width, 3], upright RGB. At most {contract.MAX_BATCH_IMAGES} photos. Binary tensor data is "
            "taken and given. Boxes are ymin, xmin, ymax, xmax in 0..1; all outputs are padded with zeros to `limit`."
        ),
        parameters=[length],
        security=OPTIONAL_TOKEN,
        requestBody={"required": True, "content": sent},
    )


def _get(name: str, summary: str, example: Json, *statuses: int) -> Json:
    described = {"type": "object", "required": list(example), "properties": {key: {} for key in example}}
    answers = done({"application/json": {"schema": described, "example": example}})
    return {"get": operation(name, TAG, summary, answers | error_answers(*statuses))}


def _metadata() -> dict[str, Any]:
    shapes = {name: list(shape) for name, shape in outputs.OUTPUTS.items()}
    return {
        "name": contract.DETECTOR,
        "versions": [examples.MODEL.version],
        "platform": "litert_tflite",
        "inputs": [
            {"name": inputs.IMAGE, "datatype": "BYTES", "shape": [-1]},
            {"name": inputs.PIXELS, "datatype": "UINT8", "shape": [-1, -1, -1, 3]},
        ],
        "outputs": [{"name": name, "datatype": "FP32", "shape": shape} for name, shape in shapes.items()],
    }
