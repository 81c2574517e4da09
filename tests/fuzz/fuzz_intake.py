"""Coverage-guided fuzzing of intake: `python -m tests.fuzz` runs it. The first byte decides how the rest is read."""

import sys

import atheris

with atheris.instrument_imports(include=["service", "python_multipart", "starlette.formparsers", "starlette.requests"]):
    from tests.fuzz.properties import infers_or_says_why, reads_or_says_why


def read(data: bytes) -> None:
    """Cut the rest into a body's pieces, or a request of the inference protocol with a length that may be a lie."""
    way, rest = data[:1], data[1:]
    if way < b"\x40":
        infers_or_says_why(rest, None)
    elif way < b"\x80":
        length, _, body = rest.partition(b"\n")
        infers_or_says_why(body, length.decode("latin-1"))
    else:
        content_type, _, body = rest.partition(b"\n")
        size = 1 + int.from_bytes(way) % 61
        pieces = [body[start : start + size] for start in range(0, len(body), size)]
        reads_or_says_why(content_type, pieces, several=way >= b"\xc0")


if __name__ == "__main__":
    atheris.Setup(sys.argv, read)
    atheris.Fuzz()
