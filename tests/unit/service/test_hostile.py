"""Whatever comes, the answer is one of those that are promised: drawn requests, and bytes that hypothesis makes up."""

import io
import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from lookout import contract
from tests.fuzz import hostile, properties
from tests.unit.service.conftest import ClientFactory

PROMISED = {200, 400, 404, 413, 415, 422}
"""Nobody else is there, so nothing may be refused for want of room."""
made_up = settings(max_examples=150, deadline=None, derandomize=True, database=None)


@pytest.mark.parametrize("seed", range(4))
def test_no_hostile_request_gets_more_than_a_problem(make_client: ClientFactory, seed: int) -> None:
    client = make_client(max_image_pixels=1_000_000)
    kinds = Counter[str]()
    for one in hostile.requests(seed, 100):
        headers = [(name.encode(), value.encode("latin-1")) for name, value in one.headers.items()]
        answer = client.post(one.path, content=one.body, headers=headers)
        assert answer.status_code in PROMISED, one
        if answer.status_code != 200:
            assert answer.json(), one
        kinds[f"{one.kind} {answer.status_code}"] += 1
    assert len(kinds) >= 8  # they are of many kinds, and not all fail at the first hurdle


def test_a_photo_too_long_to_be_drawn_is_still_detected_on(make_client: ClientFactory) -> None:
    client, long = make_client(), io.BytesIO()
    Image.new("L", (65_501, 2)).save(long, "PNG")
    assert client.post(contract.DETECT_PATH, content=long.getvalue()).status_code == 200
    refused = client.post(contract.RENDER_PATH, content=long.getvalue())
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:lookout:problem:too-long-to-draw")


@made_up
@given(st.sampled_from(hostile.photos()), st.integers(0, 2**32))
def test_a_damaged_photo_is_decoded_within_the_budget_or_refused(photo: bytes, seed: int) -> None:
    properties.decodes_or_says_why(hostile.damaged(photo, random.Random(seed)))  # noqa: S311  # repeatable on purpose


MAGIC = st.sampled_from([b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WEBPVP8 ", b"RIFF\0\0\0\0WEBPVP8X"])


@made_up
@given(MAGIC, st.binary(max_size=200), st.text(max_size=20))
def test_any_bytes_behind_a_magic_number_are_refused_as_the_senders_fault(
    magic: bytes, data: bytes, declared: str
) -> None:
    properties.decodes_or_says_why(magic + data, declared)


PART = b'--x\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n'
PIECES = st.lists(
    st.one_of(st.binary(max_size=50), st.sampled_from([PART, b"\r\n", b"--x", b"--x--\r\n"])), max_size=12
)


@made_up
@given(
    st.sampled_from([b"multipart/form-data; boundary=x", b"multipart/form-data", b"image/png", b"\xff"]),
    PIECES,
    st.booleans(),
)
def test_any_body_in_any_pieces_is_read_and_counted_or_refused(
    content_type: bytes, pieces: list[bytes], several: bool
) -> None:
    properties.reads_or_says_why(content_type, pieces, several)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["name", "shape", "datatype", "data", "parameters", "inputs", "id"]), inner)
    ),
    max_leaves=20,
)


@made_up
@given(JSON.map(lambda value: repr(value).replace("'", '"').encode()), st.binary(max_size=40), st.integers(-2, 400))
def test_any_inference_request_is_taken_apart_or_refused(head: bytes, tail: bytes, length: int) -> None:
    properties.infers_or_says_why(head + tail, str(length))
    properties.infers_or_says_why(head, None)
