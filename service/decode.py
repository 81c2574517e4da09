"""From untrusted bytes to upright RGB pixels: magic, header, size, and only then decoding.

JPEG, PNG and WebP are told apart by their first bytes. The declared size is read from the header and refused before
any pixel is decoded. One frame is decoded, EXIF orientation is applied, transparency is laid on white.
"""

import io
import struct
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import simplejpeg  # type: ignore[import-untyped]  # ships no types
from PIL import Image

from service import problems, segments
from service.strips import in_strips

Format = Literal["JPEG", "PNG", "WEBP"]
Pixels = npt.NDArray[np.uint8]

MEDIA_TYPES: Final[dict[str, Format]] = {
    "image/jpeg": "JPEG",
    "image/jpg": "JPEG",  # not registered, yet widely sent
    "image/png": "PNG",
    "image/webp": "WEBP",
}
UNDECLARED: Final = frozenset({"", "application/octet-stream"})
_ORIENTATION: Final = 0x0112
_TAKEN: Final = "JPEG, PNG and WebP are taken"
_FIRST_TURNED: Final = 5
"""From this orientation on, width and height change places."""
_REDUCTIONS: Final = (2, 4, 8)

PEAK_BYTES: Final[dict[Format, int]] = {"JPEG": 10, "PNG": 8, "WEBP": 17}
"""Most memory that decoding takes, in bytes a pixel, measured at 40 Mpixel in every colour mode (baseline JPEG takes 3,
progressive 9, PNG 7.4, WebP 16.7) and rounded up. Drawing on the result takes 7."""
_PEAK_CMYK: Final = 13
MOST_PEAK_BYTES: Final = max(_PEAK_CMYK, *PEAK_BYTES.values())

# Our own pixel budget is checked before decoding; Pillow's would only warn at 89 Mpixel (Pillow PR#4802).
Image.MAX_IMAGE_PIXELS = None
# Pillow's warnings quote numbers from a photo's metadata, which belong in no log, and Python remembers every new text.
warnings.filterwarnings("ignore", module=r"PIL\.")


class Postponed(Exception):  # noqa: N818  # no error: what was to be decoded is to be decoded another time
    """Raised by whoever hears what decoding will take, and has no room for it beside other things."""


@dataclass(frozen=True)
class Decoded:
    """An upright photo, perhaps smaller than it was sent."""

    pixels: Pixels
    width: int
    """Of the upright original, as `height`."""
    height: int

    @property
    def whole(self) -> bool:
        """Whether it is as large as it was sent."""
        return self.pixels.shape[:2] == (self.height, self.width)


def decode(data: bytes, declared: str, max_pixels: int, before: Callable[[int], None] | None = None) -> Pixels:
    """Upright RGB pixels uint8 [height, width, 3] of one image.

    `declared` is the content type the client gave, empty when it gave none. `before` hears how many bytes decoding
    will take at most, before it takes them, and may wait, or raise Postponed. Raises Problem: 400 for empty or damaged
    data and for an image without area, 415 for another format or a declared type that disagrees, 422 for too many
    pixels.
    """
    return decode_reduced(data, declared, max_pixels, None, before).pixels


def decode_reduced(
    data: bytes,
    declared: str,
    max_pixels: int,
    needed: tuple[int, int] | None,
    before: Callable[[int], None] | None = None,
) -> Decoded:
    """As `decode`; a JPEG may come smaller than it is, as far as `needed`, a height and a width, is left of both sides.

    Without `needed` it comes whole. Reducing a JPEG while it is decoded spares most of the work on its pixels.
    """
    kind = sniff(data)
    _agrees(kind, declared)
    segments.few(kind, data)
    announce = before or (lambda _: None)
    try:
        if kind == "WEBP":
            # Pillow's WebP decoder allocates the whole canvas when it opens: the size is read here first.
            width, height = _webp_size(data)
            _within(width, height, max_pixels)
            announce(width * height * PEAK_BYTES[kind])
        with Image.open(io.BytesIO(data), formats=[kind]) as image:
            _within(*image.size, max_pixels)
            if kind != "WEBP":
                announce(image.width * image.height * (_PEAK_CMYK if image.mode == "CMYK" else PEAK_BYTES[kind]))
            orientation = _orientation(image)
            turned = orientation >= _FIRST_TURNED
            least = needed[::-1] if needed and turned else needed
            pixels = _pixels(image, data, kind, reduction(image.height, image.width, least))
            width, height = image.size[::-1] if turned else image.size
    except (problems.Problem, Postponed):
        raise
    except Exception as error:  # whatever a decoder raises on hostile bytes, it is the bytes' fault
        raise problems.bad_image(f"The {kind} data is damaged or incomplete.") from error
    return Decoded(_upright(pixels, orientation), width, height)


def whole(pixels: Pixels) -> Decoded:
    """Pixels that came as such."""
    return Decoded(pixels, pixels.shape[1], pixels.shape[0])


def reduction(height: int, width: int, needed: tuple[int, int] | None) -> int:
    """By what a JPEG's sides may be divided so that `needed`, a height and a width, is left: 1, 2, 4 or 8.

    libjpeg-turbo also reduces by other factors, but those without vector instructions: to five eighths takes longer
    than whole (measured).
    """
    if needed is None:
        return 1
    fits = (part for part in _REDUCTIONS if -(-height // part) >= needed[0] and -(-width // part) >= needed[1])
    return max(fits, default=1)


def sniff(data: bytes) -> Format:
    """The format by magic bytes. Problem 400 for no data, 415 for anything else."""
    if not data:
        raise problems.bad_image("The body is empty.")
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    raise problems.unsupported(f"The first bytes belong to no image type that is taken; {_TAKEN}.")


def _agrees(kind: Format, declared: str) -> None:
    media_type = declared.split(";")[0].strip().lower()
    if media_type in UNDECLARED or MEDIA_TYPES.get(media_type) == kind:
        return
    raise problems.unsupported(f"Declared as {media_type[:60]}, but the data is {kind}; {_TAKEN}.")


def _within(width: int, height: int, max_pixels: int) -> None:
    if width < 1 or height < 1:
        raise problems.bad_image("The image has no area.")
    if width * height > max_pixels:
        raise problems.too_many_pixels(width, height, max_pixels)


def _webp_size(data: bytes) -> tuple[int, int]:
    """Canvas size from the first chunk (RFC 9649, sections 2.5 to 2.7)."""
    chunk, body = data[12:16], data[20:30]
    if chunk == b"VP8X":
        return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
    if chunk == b"VP8L" and body[0] == 0x2F:
        bits = int.from_bytes(body[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if chunk == b"VP8 " and body[3:6] == b"\x9d\x01\x2a":
        width, height = struct.unpack("<HH", body[6:10])
        return width & 0x3FFF, height & 0x3FFF
    raise ValueError("not a WebP image header")


def _orientation(image: Image.Image) -> int:
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # noqa: BLE001  # damaged metadata is no reason to refuse a good picture
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _pixels(image: Image.Image, data: bytes, kind: Format, reduced: int) -> Pixels:
    if kind == "JPEG" and image.mode in ("RGB", "L"):
        least = {"min_height": -(-image.height // reduced), "min_width": -(-image.width // reduced)}
        try:
            return np.asarray(simplejpeg.decode_jpeg(data, "RGB", **least if reduced > 1 else {}), np.uint8)
        except ValueError:
            pass  # libjpeg warned: Pillow tolerates oddities such as stray bytes, and refuses what is incomplete
    return in_strips(image)


def _upright(pixels: Pixels, orientation: int) -> Pixels:
    """Undo the camera's rotation and mirroring (EXIF 2.3, tag 0x0112)."""
    if orientation >= _FIRST_TURNED:
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)
