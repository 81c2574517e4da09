"""Requests that mean no good, drawn by a seed: damaged and lying images, bodies and parameters of every kind."""

import io
import json
import random
import struct
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from typing import Final, NamedTuple
from urllib.parse import quote

from PIL import Image

from lookout import contract
from service.model.photos import sample_photos

_EXTREMES: Final = (0, 1, 2, 127, 128, 255, 256, 65_535, 65_536, 2**31 - 1, 2**31, 2**32 - 1)
_TYPES: Final = (
    *[""] * 12,
    "image/jpeg",
    "image/png",
    "image/webp",
    "",
    "text/plain",
    "application/json",
    "image/gif",
    "a" * 300,
)
_EXPLAIN: Final = f"{contract.EXPLAIN_PATH}?cells=4"
_SINGLE: Final = (*[contract.DETECT_PATH] * 4, *[contract.RENDER_PATH] * 2, _EXPLAIN)
_LENGTH: Final = "Inference-Header-Content-Length"


class Hostile(NamedTuple):
    """One request, always a POST."""

    kind: str
    path: str
    headers: dict[str, str]
    body: bytes


def requests(seed: int, count: int) -> Iterator[Hostile]:
    """So many requests; the same ones for the same seed."""
    chance = random.Random(seed)  # noqa: S311  # repeatable on purpose, nothing secret
    kinds: list[Callable[[random.Random], Hostile]] = [_image, _image, _image, _header, _multipart, _oip, _parameters]
    for _ in range(count):
        yield chance.choice(kinds)(chance)


@cache
def photos() -> tuple[bytes, ...]:
    """Small real photos in every format that is taken, several of their variants each."""
    found = []
    options: tuple[tuple[str, dict[str, object]], ...] = (
        ("JPEG", {}), ("JPEG", {"progressive": True}), ("PNG", {}), ("WEBP", {}), ("WEBP", {"lossless": True}),
    )  # fmt: skip
    for number, data in enumerate(sample_photos().values()):
        with Image.open(io.BytesIO(data)) as original:
            small = original.convert("RGB").resize((160, 120))
        for kind, chosen in options:
            exif, sink = Image.Exif(), io.BytesIO()
            exif[0x0112] = number % 9
            (small if number % 3 else small.convert("L")).save(sink, kind, exif=exif, **chosen)
            found.append(sink.getvalue())
    return tuple(found)


def damaged(data: bytes, chance: random.Random) -> bytes:
    """The data with one to six changes of the kinds that break decoders: bits, lengths, cuts, copies."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        place, length = chance.randrange(len(changed) or 1), chance.randint(1, 64)
        way = chance.randrange(6)
        if way == 0:
            changed[place : place + 1] = bytes([chance.randrange(256)])
        elif way == 1:
            changed[place : place + 4] = struct.pack(chance.choice("<>") + "I", chance.choice(_EXTREMES))
        elif way == 2:
            changed[place : place + 2] = struct.pack(">H", chance.choice(_EXTREMES) & 0xFFFF)
        elif way == 3:
            del changed[place : place + length]
        elif way == 4:
            changed[place:place] = changed[chance.randrange(len(changed) or 1) :][:length]
        else:
            del changed[place:]
    return bytes(changed)


def _body(chance: random.Random) -> bytes:
    data = chance.choice(photos())
    way = chance.randrange(8)
    if way == 0:
        other = chance.choice(photos())
        return data[: chance.randrange(len(data))] + other[chance.randrange(len(other)) :]
    if way == 1:
        return chance.randbytes(chance.randint(0, 2_000))
    if way == 2:
        return data[:16] + chance.randbytes(chance.randint(0, 4_000))
    return damaged(data, chance)


def _image(chance: random.Random) -> Hostile:
    return Hostile("image", chance.choice(_SINGLE), {"Content-Type": chance.choice(_TYPES)}, _body(chance))


def _header(chance: random.Random) -> Hostile:
    """A size that is a lie, in a header that is none."""
    width, height = chance.choice(_EXTREMES), chance.choice(_EXTREMES)

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    depth, colour = chance.choice([(1, 0), (8, 2), (16, 6), (8, 3), (3, 9)])
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    png += chunk(b"IDAT", zlib.compress(bytes(chance.randrange(5_000)))) + chunk(b"IEND", b"")
    canvas = b"\x10\0\0\0" + (width & 0xFFFFFF).to_bytes(3, "little") + (height & 0xFFFFFF).to_bytes(3, "little")
    webp = b"RIFF" + struct.pack("<I", chance.choice(_EXTREMES)) + b"WEBPVP8X" + struct.pack("<I", 10) + canvas
    jpeg = bytearray(photos()[0])
    frame = jpeg.index(b"\xff\xc0") + 5
    jpeg[frame : frame + 4] = struct.pack(">HH", height & 0xFFFF, width & 0xFFFF)
    body = chance.choice([png, webp, bytes(jpeg)])
    return Hostile("header", chance.choice(_SINGLE), {"Content-Type": ""}, body)


def _multipart(chance: random.Random) -> Hostile:
    boundary = chance.choice(["x", "-" * 60, "b\"'", "", "a b", "x" * 200])
    parts = b""
    for _ in range(chance.choice([0, 1, 1, 2, 3, 17, 40])):
        name = chance.choice(["image", "images", "", "i\0", "name", "image" * 50])
        disposition = chance.choice(
            [f'form-data; name="{name}"; filename="a.jpg"', f'form-data; name="{name}"', "form-data", "attachment", ""]
        )
        more = chance.choice(
            ["", "Content-Type: image/jpeg\r\n", "Content-Transfer-Encoding: base64\r\n", "broken\r\n"]
        )
        head = f"--{boundary}\r\nContent-Disposition: {disposition}\r\n{more}\r\n"
        parts += head.encode() + _body(chance) + b"\r\n"
    parts += f"--{boundary}--\r\n".encode()
    body = damaged(parts, chance) if chance.random() < 0.5 else parts
    kind = chance.choice(
        [f"multipart/form-data; boundary={boundary}", "multipart/form-data", "multipart/mixed; boundary=x"]
    )
    return Hostile("multipart", chance.choice((*_SINGLE, contract.BATCH_PATH)), {"Content-Type": kind}, body)


def _oip(chance: random.Random) -> Hostile:
    photo = _body(chance)
    size = chance.choice([len(photo) + 4, len(photo), 0, -1, 2**40, "7", None, True])
    shape = chance.choice([[1], [2], [-1], [], [1, 4, 4, 3], [2**31], ["x"], [1] * 40, None])
    tensor = {
        "name": chance.choice(["image", "input_tensor", "", "x" * 500, None, 7]),
        "datatype": chance.choice(["BYTES", "UINT8", "FP32", "", None]),
        "shape": shape,
        "parameters": chance.choice([{"binary_data_size": size}, {}, {"shared_memory_region": "x"}, [], {"a": {}}]),
    }
    if chance.random() < 0.5:
        tensor["data"] = chance.choice(
            [[1, 2, 3] * 16, ["aGk="], [[[]]], "x", [256], [1.5], {"a": 1}, [None], [True] * 48]
        )
    request = {
        "id": chance.choice(["1", "x" * 2_000, 7]),
        "inputs": [tensor] * chance.choice([0, 1, 1, 1, 2, 40]),
        "outputs": chance.choice([None, [], [{"name": "detection_boxes"}], [{"name": "x"}], [{}] * 40, "x"]),
        "parameters": chance.choice([{}, {"threshold": 2}, {"limit": "5"}, {"threshold": None}, {"x": "y"}, []]),
    }
    head = json.dumps(request).encode()
    odd = chance.choice(
        [head, head, head, damaged(head, chance), b"[" * 5_000, b'{"inputs": NaN}', b"\xff\xfe", b"", b"0"]
    )
    body = odd + len(photo).to_bytes(4, "little") + photo
    length = chance.choice([str(len(odd)), str(len(odd)), str(len(odd)), "", "-1", "9" * 30, "1e3", str(len(body) + 1)])
    headers = {_LENGTH: length} if chance.random() < 0.9 else {"Content-Encoding": "gzip"}
    return Hostile("oip", contract.OIP_INFER_PATH, headers, body)


def _parameters(chance: random.Random) -> Hostile:
    names = ("threshold", "limit", "rank", "cells", "x", "", "threshold[]", "limit\0")
    values = (
        "0.5",
        "-1",
        "nan",
        "1e999",
        "9" * 400,
        "",
        "' OR 1=1",
        "../../etc/passwd",
        "\u0665",
        "true",
        "0x10",
        "\0",
    )
    pairs = [(chance.choice(names), chance.choice(values)) for _ in range(chance.choice([1, 1, 2, 5, 60]))]
    query = "&".join(f"{quote(name)}={quote(value)}" for name, value in pairs) or "%"
    path = f"{chance.choice((contract.DETECT_PATH, contract.EXPLAIN_PATH, contract.BATCH_PATH, '/v1/none'))}?{query}"
    return Hostile(
        "parameters", path, {"X-Request-ID": chance.choice(["x", "a b", "é", "x" * 200])}, chance.choice(photos())
    )
