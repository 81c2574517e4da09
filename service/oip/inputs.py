"""The two inputs of the model: `image`, encoded photos, or `input_tensor`, pixels."""

import base64
import binascii
import math
from typing import Any, Final

import numpy as np

from lookout import contract
from service import problems
from service.decode import Pixels
from service.intake import Photo
from service.oip.wire import InputTensor, Received
from service.settings import Settings

IMAGE: Final = "image"
PIXELS: Final = "input_tensor"
_PREFIX_BYTES: Final = 4
"""Length before each element of a BYTES tensor, little-endian."""


def images(received: Received, settings: Settings) -> list[Photo] | list[Pixels]:
    """The photos of a request, in order: encoded ones still to be decoded, or pixels uint8 [height, width, 3].

    Problem 400 for another input, type or shape, 413 and 422 for what is over the limits.
    """
    if len(received.request.inputs) != 1:
        raise problems.bad_tensor(f"Exactly one input is taken: {IMAGE} or {PIXELS}.")
    tensor, raw = received.request.inputs[0], received.raw[0]
    if tensor.name == IMAGE:
        return _photos(tensor, raw)
    if tensor.name == PIXELS:
        return _pixels(tensor, raw, settings)
    raise problems.bad_tensor(f"There is no input {tensor.name[:60]!r}; known: {IMAGE}, {PIXELS}.")


def _photos(tensor: InputTensor, raw: memoryview | None) -> list[Photo]:
    _expect(tensor, "BYTES", 1)
    elements = _base64(tensor.data) if raw is None else _elements(raw)
    if len(elements) != tensor.shape[0]:
        raise problems.bad_tensor(f"{IMAGE} has shape [{tensor.shape[0]}], but {len(elements)} elements came.")
    return [Photo(element, "") for element in elements]


def _elements(raw: memoryview) -> list[bytes]:
    """The elements of a binary BYTES tensor: each its length in four bytes, then itself."""
    found: list[bytes] = []
    while len(raw):
        end = _PREFIX_BYTES + int.from_bytes(raw[:_PREFIX_BYTES], "little")
        if len(raw) < max(end, _PREFIX_BYTES) or len(found) == contract.MAX_BATCH_IMAGES:
            raise problems.bad_tensor(f"The elements of {IMAGE} do not fit its bytes or its shape.")
        found.append(bytes(raw[_PREFIX_BYTES:end]))
        raw = raw[end:]
    return found


def _base64(data: Any) -> list[bytes]:
    """JSON knows no bytes: each photo is sent as base64 there."""
    if not isinstance(data, list) or not all(isinstance(one, str) for one in data):
        raise problems.bad_tensor(f"In JSON, {IMAGE} is a list of photos in base64.")
    try:
        return [base64.b64decode(one, validate=True) for one in data]
    except (binascii.Error, ValueError) as error:
        raise problems.bad_tensor(f"An element of {IMAGE} is not base64; or send it as binary data.") from error


def _pixels(tensor: InputTensor, raw: memoryview | None, settings: Settings) -> list[Pixels]:
    _expect(tensor, "UINT8", 4)
    count, height, width, channels = tensor.shape
    if channels != 3 or min(height, width) < 1:
        raise problems.bad_tensor(f"{PIXELS} is [N, height, width, 3], upright RGB.")
    if height * width > settings.max_image_pixels:
        raise problems.too_many_pixels(width, height, settings.max_image_pixels)
    values = np.frombuffer(raw, np.uint8) if raw is not None else _numbers(tensor.data)
    if values.size != math.prod(tensor.shape):
        raise problems.bad_tensor(f"{PIXELS} needs {math.prod(tensor.shape):,} values, {values.size:,} came.")
    return list(values.reshape(count, height, width, channels))


def _numbers(data: Any) -> Pixels:
    """A JSON tensor, flat or nested, as numbers; the shape is the tensor's own."""
    # As objects first: left to choose, NumPy would make a million strings as wide as the longest one.
    values = np.asarray(data, dtype=np.object_).ravel()
    if set(map(type, values)) - {int} or (values.size and not 0 <= values.min() <= values.max() <= 255):
        raise problems.bad_tensor(f"{PIXELS} holds whole numbers from 0 to 255, in rows of one length.")
    return values.astype(np.uint8)


def _expect(tensor: InputTensor, datatype: str, rank: int) -> None:
    if tensor.datatype != datatype:
        raise problems.bad_tensor(f"{tensor.name} has datatype {datatype}, not {tensor.datatype[:20]}.")
    if len(tensor.shape) != rank:
        raise problems.bad_tensor(f"{tensor.name} has {rank} dimension(s), not {len(tensor.shape)}.")
    if not 1 <= tensor.shape[0] <= contract.MAX_BATCH_IMAGES:
        raise problems.bad_tensor(f"{tensor.name} holds 1 to {contract.MAX_BATCH_IMAGES} photos a request.")
