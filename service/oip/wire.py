"""The framing of an inference request: a JSON object, perhaps followed by the raw bytes of tensors.

Open Inference Protocol v2, HTTP/REST, and its binary tensor data extension: the header Inference-Header-Content-Length
says how long the JSON is; each input with the parameter `binary_data_size` takes that many bytes behind it, in order.
"""

from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError, from_json

from service import problems

HEADER_LENGTH: Final = "Inference-Header-Content-Length"
MAX_JSON_VALUES: Final = 1_300_000
"""Values in the JSON of a request, counted before it is parsed: a 640x480 photo has 921,600 in 307,681 lists."""
_MOST_MEMBERS: Final = 1_000
"""Members of objects, counted before as well. A request needs a few dozen; half a million keep Python's lock, and with
it everybody else, for a second."""
_VALUE_BYTES: Final = 96
"""Memory of a parsed value, whatever it took on the wire: an empty list or object in a list is the largest."""
_TEXT_BYTES: Final = 6
"""Memory of each byte of JSON: its copy before binary data, the parser's own copy of a string with escapes, and four
bytes a character of a string that has one outside the Basic Multilingual Plane. Base64 and its photos take less."""
MOST: Final = 16
"""Inputs, outputs, dimensions or parameters of one thing."""
ID_LENGTH: Final = 1_000
"""Characters of an id: it is sent back."""
_SAID: Final = 60
"""Characters of a client's own words in an error."""


def _few(value: Any) -> Any:
    """Only tensors are long: of anything else a million would each have errors of their own, at a kilobyte each, with
    copies of their names."""
    if isinstance(value, list | dict) and len(value) > MOST:
        raise PydanticCustomError("too_many", f"At most {MOST} are taken")
    if isinstance(value, dict) and max(map(len, value), default=0) > _SAID:
        raise PydanticCustomError("too_long", f"Names have at most {_SAID} characters")
    return value


_Few = BeforeValidator(_few)
Parameters = Annotated[dict[str, bool | int | float | str], _Few]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)  # unknown members are left alone: clients may know more than the protocol


class InputTensor(_Part):
    """One input, its values in `data` or behind the JSON."""

    name: str
    shape: Annotated[tuple[Annotated[int, Field(ge=-1, lt=1 << 31)], ...], _Few]
    datatype: str
    parameters: Parameters = {}
    data: Any = None


class WantedOutput(_Part):
    """One output that the client asks for."""

    name: str
    parameters: Parameters = {}


class InferenceRequest(_Part):
    """The JSON of an inference request."""

    id: Annotated[str, Field(max_length=ID_LENGTH)] | None = None
    parameters: Parameters = {}
    inputs: Annotated[tuple[InputTensor, ...], _Few]
    outputs: Annotated[tuple[WantedOutput, ...] | None, _Few] = None


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
        """Most memory that taking it apart needs beside the body: its text, copies of the photos in its tail, and the
        values."""
        return _TEXT_BYTES * len(self.head) + len(self.tail) + _VALUE_BYTES * self.values


@dataclass(frozen=True)
class Received:
    """A request with the raw bytes of each input, None where its values are in the JSON."""

    request: InferenceRequest
    raw: tuple[memoryview | None, ...]


def frame(body: bytes, header_length: str | None) -> Frame:
    """The parts of a body; `header_length` is the value of Inference-Header-Content-Length, None when not sent.

    Problem 400 for a length that is none and for JSON that is no request's, 413 for more values than are taken.
    """
    length = len(body) if header_length is None else _length(header_length, len(body))
    head = body[:length]
    values = sum(head.count(sign) for sign in (b",", b"[", b"{"))
    if values > MAX_JSON_VALUES:
        raise problems.too_many_values(MAX_JSON_VALUES)
    if head.count(b":") > _MOST_MEMBERS:
        raise problems.bad_body(f"The JSON has more than {_MOST_MEMBERS:,} members, which no inference request has.")
    return Frame(head, memoryview(body)[length:], values)


def parse(parts: Frame) -> Received:
    """Read the JSON and give each input its bytes. Problem 400 for whatever does not follow the protocol."""
    try:
        # Not `model_validate_json`: it would hold a tree of its own beside the objects, of up to 300 bytes a value.
        request = InferenceRequest.model_validate(from_json(parts.head))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise problems.bad_body(f"{where or 'The JSON'}: {first['msg'][:200]}.") from error
    except ValueError as error:
        raise problems.bad_body(f"The JSON cannot be read: {str(error)[:200]}.") from error
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
            raise problems.bad_tensor(f"{tensor.name[:_SAID]}: shared memory is not offered.")
        if (size is None) == (tensor.data is None):
            raise problems.bad_tensor(f"{tensor.name[:_SAID]} needs either data or the parameter binary_data_size.")
        if size is None:
            found.append(None)
            continue
        if isinstance(size, bool) or not isinstance(size, int) or not 0 <= size <= len(rest):
            raise problems.bad_tensor(f"{tensor.name[:_SAID]}: binary_data_size is not a size within the body.")
        found.append(rest[:size])
        rest = rest[size:]
    if len(rest):
        raise problems.bad_body(f"{len(rest):,} bytes behind the JSON belong to no input.")
    return tuple(found)
