"""Where the parts of requests end, whatever pieces they come in."""

import pytest

from service.framing import MAX_HEAD_BYTES, Framing, MalformedError

HEAD = b"POST /v1/detect HTTP/1.1\r\nHost: x\r\n\r\n"
CHUNKED = b"5;a=b\r\n\r\n\n\r\n\r\n0\r\nX-Trailer: y\r\n\r\n"
"""Its five bytes and what is around them look like ends, too."""


def test_a_head_is_handed_over_whole_and_alone() -> None:
    framing = Framing()
    for come in range(1, len(HEAD)):
        assert framing.part(HEAD[:come], 0) == 0
    assert framing.part(HEAD + b"body", 0) == len(HEAD)
    assert framing.part(b"before" + HEAD, 6) == 6 + len(HEAD)


def test_a_head_may_have_so_many_bytes() -> None:
    opening = b"GET / HTTP/1.1\r\nX: "
    most = opening + b"a" * (MAX_HEAD_BYTES - len(opening) - 4) + b"\r\n\r\n"
    assert Framing().part(most + HEAD, 0) == MAX_HEAD_BYTES
    for more in (most.replace(b"a", b"aa", 1), most[:-4] + b"aaaaa", opening + b"\r\nX: a" * MAX_HEAD_BYTES):
        with pytest.raises(MalformedError):
            Framing().part(more, 0)


def test_empty_lines_before_a_head_count_with_it() -> None:
    framing, empty = Framing(), b"\r\n\r\n"
    for _ in range(MAX_HEAD_BYTES // len(empty)):
        assert framing.part(empty, 0) == len(empty)
    with pytest.raises(MalformedError):
        framing.part(HEAD, 0)


def test_a_body_of_known_length_ends_there() -> None:
    framing = Framing()
    framing.head_ended(100)
    assert framing.part(b"x" * 60, 0) == 60
    assert framing.part(b"x" * 60, 0) == 40


def test_no_part_reaches_beyond_the_end_of_a_chunked_body() -> None:
    whole = CHUNKED + HEAD
    for cut in range(len(whole) + 1):
        framing, held, read = Framing(), b"", 0
        framing.head_ended(None)
        ends = set()
        for piece in (whole[:cut], whole[cut:]):
            held += piece
            while held and read < len(CHUNKED) and (end := framing.part(held, 0)):
                read, held = read + end, held[end:]
                ends.add(read)
        assert len(CHUNKED) in ends, cut


def test_what_comes_around_a_chunked_body_has_a_bound_and_the_body_has_none_here() -> None:
    framing = Framing()
    framing.head_ended(None)
    for _ in range(100):
        framing.part(b"x" * MAX_HEAD_BYTES, 0)
        framing.body_came()
    framing.part(b";" * MAX_HEAD_BYTES, 0)
    framing.part(b";" * 100, 0)
    with pytest.raises(MalformedError):
        framing.part(b";" * 100, 0)


@pytest.mark.parametrize(
    "opening",
    [
        b"GET /\r\n",
        b"GET / HTTP/0.9\r\n",
        b"GET / HTTP/1.2\r\n",
        b"GET / HTTP/2.0\r\n",
        b"GET  / HTTP/1.1\r\n",
        b"GET\t/ HTTP/1.1\r\n",
        b"GET / HTTP/1.1 \r\n",
        b"GET /\xe9 HTTP/1.1\r\n",
        b"GET /\0 HTTP/1.1\r\n",
        b"GET / HTTP/1.1\n",
        b"GET / HTTP/1.1\rX",
        b"GET / ICE/1.0\r\n",
        b"DESCRIBE / RTSP/1.0\r\n",
    ],
)
def test_only_request_lines_of_http_1_are_read(opening: bytes) -> None:
    with pytest.raises(MalformedError):
        Framing().part(opening + b"Host: x\r\n\r\n", 0)


@pytest.mark.parametrize("first", [b"\x16\x03\x01", b"\0", b" GET", b"{", b"get"])
def test_what_begins_like_no_request_is_not_waited_for(first: bytes) -> None:
    with pytest.raises(MalformedError):
        Framing().part(first, 0)
