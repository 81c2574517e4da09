"""The framing of an inference request: a JSON object, perhaps followed by the raw bytes of tensors.

Open Inference Protocol v2, HTTP/REST, and its binary tensor data extension: the header Inference-Header-Content-Length
says how long the JSON is; each input with the parameter `binary_data_size` takes that many bytes behind it, in order.
"""

from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from service import problems

HEADER_LENGTH: Final = "Inference-Header-Content-Length"
MAX_JSON_VALUES: Final = 1_200_000
"""Values in the JSON of a request: a 640x480 photo as numbers has 921,600. They are counted before they are parsed."""
_VALUE_BYTES: Final = 96
"""Memory of a parsed value, whatever it took on the wire: an empty list or object in a list is the largest."""

Parameter = bool | int | float | str


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)  # unknown members are left alone: clients may know more than the protocol


class InputTensor(_Part):
    """One input, its values in `data` or behind the JSON."""

    name: str
    shape: tuple[int, ...] = Field(max_length=8)
    datatype: str
    parameters: dict[str, Parameter] = {}
    data: Any = None


class WantedOutput(_Part):
    """One output that the client asks for."""

    name: str
    parameters: dict[str, Parameter] = {}


class InferenceRequest(_Part):
    """The JSON of an inference request."""

    id: str | None = None
    parameters: dict[str, Parameter] = {}
    inputs: tuple[InputTensor, ...] = Field(max_length=8)
    outputs: tuple[WantedOutput, ...] | None = Field(None, max_length=8)


@dataclass(frozen=True)
class Frame:
    """A body in its two parts."""

    head: bytes
    """The JSON; the body itself where nothing follows it."""
    tail: memoryview
    values: int
    """How many values the JSON holds at most."""

    @property
    def cost_bytes(self) -> int:
        """Most memory that taking it apart needs beside the body: copies of both parts, strings and what base64 in
        them stands for, and the values."""
        return 3 * len(self.head) + len(self.tail) + _VALUE_BYTES * self.values


@dataclass(frozen=True)
class Received:
    """A request with the raw bytes of each input, None where its values are in the JSON."""

    request: InferenceRequest
    raw: tuple[memoryview | None, ...]


def frame(body: bytes, header_length: str | None) -> Frame:
    """The parts of a body; `header_length` is the value of Inference-Header-Content-Length, None when not sent.

    Problem 400 for a length that is none, 413 for more JSON values than are taken.
    """
    length = len(body) if header_length is None else _length(header_length, len(body))
    head = body[:length]
    values = sum(head.count(sign) for sign in (b",", b"[", b"{"))
    if values > MAX_JSON_VALUES:
        raise problems.too_many_values(MAX_JSON_VALUES)
    return Frame(head, memoryview(body)[length:], values)


def parse(parts: Frame) -> Received:
    """Read the JSON and give each input its bytes. Problem 400 for whatever does not follow the protocol."""
    try:
        request = InferenceRequest.model_validate_json(parts.head)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise problems.bad_body(f"{where or 'The JSON'}: {first['msg'][:200]}.") from error
    return Received(request, _split(request.inputs, parts.tail))


def _length(text: str, most: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 12 and int(text) <= most):
        raise problems.bad_body(f"{HEADER_LENGTH} must be a whole number of bytes within the body.")
    return int(text)


def _split(inputs: tuple[InputTensor, ...], rest: memoryview) -> tuple[memoryview | None, ...]:
    found: list[memoryview | None] = []
    for tensor in inputs:
        size = tensor.parameters.get("binary_data_size")
        if "shared_memory_region" in tensor.parameters:
            raise problems.bad_tensor(f"{tensor.name[:60]}: shared memory is not offered.")
        if (size is None) == (tensor.data is None):
            raise problems.bad_tensor(f"{tensor.name[:60]} needs either data or the parameter binary_data_size.")
        if size is None:
            found.append(None)
            continue
        if isinstance(size, bool) or not isinstance(size, int) or not 0 <= size <= len(rest):
            raise problems.bad_tensor(f"{tensor.name[:60]}: binary_data_size is not a size within the body.")
        found.append(rest[:size])
        rest = rest[size:]
    if len(rest):
        raise problems.bad_body(f"{len(rest):,} bytes behind the JSON belong to no input.")
    return tuple(found)
