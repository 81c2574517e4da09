"""What comes in: every hostile or odd body has its own answer, and none of them is a 500."""

import asyncio
import io
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.unit.service.conftest import ClientFactory

DETECT = "/v1/detect"


def encoded(kind: str = "JPEG", size: tuple[int, int] = (64, 48), mode: str = "RGB", **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise(size, 60).convert(mode).save(buffer, kind, **options)
    return buffer.getvalue()


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and has next to no data: what a decompression bomb starts with."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    )


def webp_header(width: int, height: int) -> bytes:
    """An extended WebP that claims a canvas size."""
    body = b"\x10\0\0\0" + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    chunk = b"VP8X" + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", len(chunk) + 4) + b"WEBP" + chunk


def send(
    client: TestClient, data: bytes, declared: str | None = "image/jpeg", query: str = ""
) -> tuple[int, dict[str, object]]:
    headers = {"Content-Type": declared} if declared is not None else {}
    answer = client.post(DETECT + query, content=data, headers=headers)
    if answer.status_code != 200:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == answer.status_code
    return answer.status_code, answer.json()


@pytest.mark.parametrize(
    ("kind", "declared"),
    [
        ("JPEG", "image/jpeg"),
        ("JPEG", "image/jpg"),
        ("PNG", "image/png"),
        ("WEBP", "image/webp"),
        ("PNG", None),
        ("WEBP", "application/octet-stream"),
        ("JPEG", "IMAGE/JPEG; q=1"),
    ],
)
def test_takes_the_three_formats_declared_or_not(client: TestClient, kind: str, declared: str | None) -> None:
    status, body = send(client, encoded(kind), declared)
    assert status == 200
    assert body["image"] == {"width": 64, "height": 48}


@pytest.mark.parametrize(
    ("kind", "mode", "options"),
    [
        ("JPEG", "CMYK", {}),
        ("JPEG", "L", {}),
        ("JPEG", "RGB", {"progressive": True}),
        ("PNG", "I;16", {}),
        ("PNG", "P", {}),
        ("PNG", "RGBA", {}),
        ("PNG", "LA", {}),
        ("PNG", "1", {}),
        ("WEBP", "RGBA", {"lossless": True}),
    ],
)
def test_takes_every_colour_mode(client: TestClient, kind: str, mode: str, options: dict[str, Any]) -> None:
    if mode == "I;16":
        buffer = io.BytesIO()
        Image.new("I;16", (64, 48), 40_000).save(buffer, "PNG")
        data = buffer.getvalue()
    else:
        data = encoded(kind, mode=mode, **options)
    assert send(client, data, None)[0] == 200


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_takes_the_first_frame_of_an_animation(client: TestClient, kind: str) -> None:
    buffer = io.BytesIO()
    frames = [Image.new("RGB", (40, 30), colour) for colour in ("red", "green", "blue")]
    frames[0].save(buffer, kind, save_all=True, append_images=frames[1:], duration=50)
    status, body = send(client, buffer.getvalue(), None)
    assert (status, body["image"]) == (200, {"width": 40, "height": 30})


def test_answers_for_the_upright_original(client: TestClient) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    status, body = send(client, encoded(size=(64, 48), exif=exif))
    assert (status, body["image"]) == (200, {"width": 48, "height": 64})


def test_takes_a_photo_with_huge_metadata(client: TestClient) -> None:
    exif = Image.Exif()
    exif[0x010E] = "x" * 60_000
    assert send(client, encoded(exif=exif))[0] == 200


@pytest.mark.parametrize("cut", [20, 200, 0.5, 0.9])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_refuses_truncated_data(client: TestClient, kind: str, cut: float) -> None:
    data = encoded(kind, size=(200, 150))
    status, body = send(client, data[: int(cut if cut > 1 else len(data) * cut)], None)
    assert (status, body["type"]) == (400, "urn:lookout:problem:bad-image")


def test_refuses_an_empty_body(client: TestClient) -> None:
    assert send(client, b"")[0] == 400


@pytest.mark.parametrize("data", [png_header(0, 0), png_header(0, 10), png_header(10, 0)])
def test_refuses_an_image_without_area(client: TestClient, data: bytes) -> None:
    assert send(client, data, "image/png")[0] == 400


def test_refuses_a_jpeg_without_area(client: TestClient) -> None:
    data = bytearray(encoded())
    place = data.index(b"\xff\xc0") + 5
    data[place : place + 4] = b"\0\0\0\0"
    assert send(client, bytes(data))[0] == 400


@pytest.mark.parametrize(
    "data", [png_header(50_000, 50_000), webp_header(16_000, 16_000), png_header(2**31 - 1, 2**31 - 1)]
)
def test_refuses_too_many_pixels_before_decoding(client: TestClient, data: bytes) -> None:
    status, body = send(client, data, None)
    assert (status, body["type"]) == (422, "urn:lookout:problem:too-many-pixels")


def test_counts_pixels_at_the_very_limit(make_client: ClientFactory) -> None:
    client = make_client(max_image_pixels=64 * 48)
    assert send(client, encoded())[0] == 200
    assert send(client, encoded(size=(64, 49)))[0] == 422


def test_counts_bytes_at_the_very_limit(make_client: ClientFactory) -> None:
    data = encoded()
    client = make_client(max_image_bytes=len(data))
    assert send(client, data)[0] == 200
    assert send(client, data + b"\0")[0] == 413


def test_counts_bytes_of_a_chunked_body_without_length(make_client: ClientFactory) -> None:
    client = make_client(max_image_bytes=100_000)
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(1_000):
            sent += 10_000
            yield b"\xff" * 10_000

    answer = client.post(DETECT, content=endless(), headers={"Content-Type": "image/jpeg"})
    assert answer.status_code == 413


@pytest.mark.parametrize("path", [DETECT, "/v1/detect/batch", "/v2/models/detector/infer"])
def test_takes_the_word_of_a_client_that_says_it_sends_too_much(make_client: ClientFactory, path: str) -> None:
    app = make_client(max_image_bytes=10_000, max_batch_bytes=10_000).app
    told: list[Message] = []

    async def receive() -> Message:
        raise AssertionError("the body was asked for")

    async def send_message(message: Message) -> None:
        told.append(message)

    headers = [(b"content-type", b"multipart/form-data; boundary=x"), (b"content-length", b"1000000000000")]
    scope: Scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": headers}
    asyncio.run(_exchange(app, scope, receive, send_message))
    assert told[0]["status"] == 413


def test_counts_bytes_of_a_multipart_body(make_client: ClientFactory) -> None:
    client = make_client(max_image_bytes=10_000)
    answer = client.post(DETECT, files={"image": ("x.jpg", b"\xff\xd8\xff" + b"x" * 200_000, "image/jpeg")})
    assert answer.status_code == 413
    answer = client.post(DETECT, files={"image": ("x.jpg", b"\xff\xd8\xff" + b"x" * 10_001, "image/jpeg")})
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("data", "declared"),
    [
        (b"GIF89a" + b"\0" * 50, "image/gif"),
        (b"GIF89a" + b"\0" * 50, "image/jpeg"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml"),
        (b"BM" + b"\0" * 60, None),
        (b"%PDF-1.7", "image/png"),
        (b"PK\x03\x04 a zip that ends in a jpeg" + encoded(), None),
        (b"\0" * 100, "image/jpeg"),
        (b"\xff\xd8", "image/jpeg"),
    ],
)
def test_refuses_other_formats_whatever_they_are_called(client: TestClient, data: bytes, declared: str | None) -> None:
    assert send(client, data, declared)[0] == 415


@pytest.mark.parametrize(
    "declared", ["image/png", "text/plain", "application/x-www-form-urlencoded", "application/json"]
)
def test_refuses_a_declared_type_that_disagrees(client: TestClient, declared: str) -> None:
    status, body = send(client, encoded("JPEG"), declared)
    assert status == 415
    assert "JPEG" in str(body["detail"])


def test_reads_only_the_image_of_a_polyglot(client: TestClient) -> None:
    assert send(client, encoded() + b"<script>alert(1)</script>PK\x03\x04")[0] == 200


@pytest.mark.parametrize("position", range(0, 600, 37))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_never_fails_on_flipped_bytes(client: TestClient, kind: str, position: int) -> None:
    data = bytearray(encoded(kind))
    data[position % len(data)] ^= 0xA5
    assert send(client, bytes(data), None)[0] in (200, 400, 415, 422)


def test_takes_a_multipart_field_image(client: TestClient) -> None:
    answer = client.post(DETECT, files={"image": ("photo.jpg", encoded(), "image/jpeg")})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("files", "status"),
    [
        ([("photo", ("a.jpg", encoded(), "image/jpeg"))], 422),
        ([("image", ("a.jpg", encoded(), "image/jpeg"))] * 2, 422),
        ([("image", ("a.jpg", encoded(), "image/png"))], 415),
        ([("image", ("a.jpg", b"", "image/jpeg"))], 400),
        ([("image", (None, "just text"))], 422),
    ],
)
def test_refuses_multipart_bodies_that_are_not_one_image(client: TestClient, files: list[Any], status: int) -> None:
    assert client.post(DETECT, files=files).status_code == status


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"no parts at all", "multipart/form-data; boundary=x"),
        (b"--x\r\n\r\n", "multipart/form-data; boundary=x"),
        (b"--x\r\nbroken", "multipart/form-data"),
        (
            b'--x\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\nabc',
            "multipart/form-data; boundary=x",
        ),
    ],
)
def test_refuses_malformed_multipart(client: TestClient, body: bytes, content_type: str) -> None:
    answer = client.post(DETECT, content=body, headers={"Content-Type": content_type})
    assert answer.status_code in (400, 422)


@pytest.mark.parametrize(
    "query",
    [
        "?threshold=2",
        "?threshold=-0.1",
        "?threshold=nan",
        "?threshold=abc",
        "?limit=0",
        "?limit=101",
        "?limit=1.5",
        "?treshold=0.5",
        "?limit=1&limit=2",
        "?threshold=",
        "?limit=1_0",
        "?limit=5.0",
        "?limit=%205",
        "?limit=+5",
        "?limit=\u0665",
        "?threshold=0_1",
        "?threshold=%200.5",
        "?threshold=inf",
    ],
)
def test_refuses_bad_parameters(client: TestClient, query: str) -> None:
    status, body = send(client, encoded(), query=query)
    assert (status, body["type"]) == (422, "urn:lookout:problem:bad-parameter")


def test_gives_up_on_a_slow_body(make_client: ClientFactory) -> None:
    app = make_client(body_timeout_s=0.05).app
    sent: list[Message] = []

    async def receive() -> Message:
        await asyncio.sleep(0.02)
        return {"type": "http.request", "body": b"\xff", "more_body": True}

    async def send_message(message: Message) -> None:
        sent.append(message)

    scope: Scope = {
        "type": "http",
        "method": "POST",
        "path": DETECT,
        "raw_path": b"/v1/detect",
        "root_path": "",
        "query_string": b"",
        "headers": [(b"content-type", b"image/jpeg")],
        "http_version": "1.1",
        "scheme": "http",
        "server": ("test", 80),
        "client": ("test", 1),
    }
    asyncio.run(_exchange(app, scope, receive, send_message))
    assert sent[0]["status"] == 408


async def _exchange(app: ASGIApp, scope: Scope, receive: Receive, send_message: Send) -> None:
    await app(scope, receive, send_message)
