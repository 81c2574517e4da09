"""Frames survive the socket however their bytes are cut, and messages come back as what they were."""

import socket
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service import messages
from service.frames import Frame, Reader, pieces, receive, send
from service.postprocess import Detections
from service.problems import too_large
from service.results import Answer, Look
from service.work import Asked, Prepared

FRAMES = st.lists(
    st.builds(
        Frame,
        st.dictionaries(st.text(max_size=5), st.one_of(st.integers(), st.text(max_size=5), st.none()), max_size=3),
        st.lists(st.binary(max_size=40), max_size=4),
    ),
    max_size=4,
)


@given(FRAMES, st.lists(st.integers(1, 50), min_size=1))
def test_frames_are_read_however_they_are_cut(sent: list[Frame], cuts: list[int]) -> None:
    stream = b"".join(bytes(piece) for frame in sent for piece in pieces(frame))
    reader, found, place = Reader(), list[Frame](), 0
    while stream:
        cut = cuts[place % len(cuts)]
        found += reader.feed(stream[:cut])
        stream, place = stream[cut:], place + 1
    assert [(frame.header, list(frame.parts)) for frame in found] == [
        (frame.header, list(frame.parts)) for frame in sent
    ]


@pytest.mark.parametrize("size", [0, 1, 70_000, 3_000_000])
def test_a_frame_goes_through_a_socket(size: int) -> None:
    one, other = socket.socketpair()
    with one, other:
        sent = Frame({"a": 1}, [b"x" * size, b"yz"])
        thread = threading.Thread(target=send, args=(one, sent))
        thread.start()
        assert receive(other) == Frame({"a": 1}, [b"x" * size, b"yz"])
        thread.join()


@pytest.mark.parametrize("kept", [0, 5, 12, 20, -1])
def test_a_frame_that_is_cut_short_is_the_others_end(kept: int) -> None:
    one, other = socket.socketpair()
    stream = b"".join(pieces(Frame({"a": 1}, [b"photo"])))
    with other:
        with one:
            one.sendall(stream[:kept])
        assert receive(other) is None


def through(frame: Frame) -> Frame:
    (received,) = Reader().feed(b"".join(bytes(piece) for piece in pieces(frame)))
    return received


FOUND = Detections(np.array([[0.1, 0.2, 0.3, 0.4]], np.float32), np.array([0.7], np.float32), np.array([3], np.int64))
NOTHING = Detections(np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty(0, np.int64))
ASKED = Asked("detect", "image/jpeg", 0.25, 7, 0.001, 12.5)


@pytest.mark.parametrize("found", [FOUND, NOTHING])
def test_an_answer_comes_back_whole(found: Detections) -> None:
    look = Look(640, 480, 0.5, found, 0.001, 12.5, (13.0, 13.1, 13.2, 13.3, 13.4))
    said, body = messages.read_answer(through(messages.answer(Answer(look, b"{}"), 0.25)))
    assert (body, said.encoding_s, said.size, said.detections) == (b"{}", 0.25, (640, 480), len(found))
    read = said.look()
    assert read._replace(found=found) == look
    assert read.found.boxes.tolist() == found.boxes.tolist()
    assert read.found.scores.tolist() == found.scores.tolist()
    assert read.found.classes.tolist() == found.classes.tolist()


def test_photos_and_pixels_come_back_as_what_they_were() -> None:
    assert messages.read_photo(through(messages.photo(b"\xff\xd8", ASKED))) == (b"\xff\xd8", ASKED)
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    read, asked = messages.read_photo(through(messages.photo(pixels[:, ::-1], ASKED)))
    assert asked == ASKED
    assert isinstance(read, np.ndarray)
    assert (read == pixels[:, ::-1]).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_a_prepared_photo_goes_to_and_fro(dtype: type[np.generic]) -> None:
    inputs = np.arange(48).reshape(1, 4, 4, 3).astype(dtype)
    first = messages.read_prepared(through(messages.prepared(Prepared(inputs, FOUND, 9, 8))))
    assert (first.width, first.height, first.found.scores.tolist()) == (9, 8, FOUND.scores.tolist())
    again, patch = messages.read_without(through(messages.without(first.inputs, FOUND.boxes[0])))
    assert again.dtype == inputs.dtype
    assert (again == inputs).all()
    assert patch.tolist() == FOUND.boxes[0].tolist()


def test_a_problem_keeps_its_headers() -> None:
    given_problem = too_large(5)
    read = messages.read_problem(through(messages.problem(given_problem)))
    assert read is not None
    assert vars(read) == vars(given_problem)
    assert messages.read_problem(Frame({})) is None
