"""The typed client: what it sends, what it makes of answers, when it asks again and when it gives up."""

import re
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from client import DetectorClient, RefusedError, UnreachableError, batches
from lookout import contract
from service.schema import BatchResponse, Box, Detection, DetectResponse, Failure, ImageSize, Model, Problem, Timing

Handler = Callable[[httpx.Request], httpx.Response]


def seen_by(handler: Handler, patience_s: float = 30, token: str | None = None) -> DetectorClient:
    return DetectorClient("http://detector", token, patience_s, transport=httpx.MockTransport(handler))


def an_answer(label: str = "cat") -> DetectResponse:
    return DetectResponse(
        model=Model(name="m", version="1", runtime="litert-int8"),
        image=ImageSize(width=10, height=10),
        detections=[Detection(label=label, class_id=1, score=0.9, box=Box(x_min=1, y_min=1, x_max=2, y_max=2))],
        timing_ms=Timing(queue=0, decode=0, preprocess=0, inference=0, postprocess=0, total=0),
    )


def a_problem(status: int) -> Problem:
    return Problem(type="about:blank", title="No", status=status, detail=f"status {status}")


def refusing(status: int, **headers: str) -> httpx.Response:
    return httpx.Response(status, content=a_problem(status).model_dump_json(), headers=headers)


def test_sends_the_photo_as_it_is_with_parameters_and_token() -> None:
    asked: list[httpx.Request] = []

    def serve(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, content=an_answer().model_dump_json())

    with seen_by(serve, token="secret") as detector:
        assert detector.detect(b"photo", threshold=0.25, limit=7) == an_answer()
    assert (asked[0].url.path, asked[0].content) == (contract.DETECT_PATH, b"photo")
    assert dict(asked[0].url.params) == {"threshold": "0.25", "limit": "7"}
    assert asked[0].headers["authorization"] == "Bearer secret"


def test_asks_again_while_the_service_has_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr("client.detector.time.sleep", waited.append)
    answers = iter([refusing(503, **{"Retry-After": "2"}), refusing(429)])

    def serve(_: httpx.Request) -> httpx.Response:
        return next(answers, httpx.Response(200, content=an_answer().model_dump_json()))

    assert seen_by(serve).detect(b"photo") == an_answer()
    assert waited == [2.0, 1.0]


def test_gives_up_when_its_patience_is_over_and_tells_the_problem() -> None:
    with pytest.raises(RefusedError, match="No: status 503") as refused:
        seen_by(lambda _: refusing(503), patience_s=0).detect(b"photo")
    assert refused.value.problem == a_problem(503)


@pytest.mark.parametrize(("losses", "answered"), [(1, True), (2, False)])
def test_a_connection_that_is_lost_is_tried_once_more(losses: int, answered: bool) -> None:
    asked: list[httpx.Request] = []

    def serve(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        if len(asked) <= losses:
            raise httpx.RemoteProtocolError("Server disconnected without sending a response.")
        return httpx.Response(200, content=an_answer().model_dump_json())

    if answered:
        assert seen_by(serve).detect(b"photo") == an_answer()
    else:
        with pytest.raises(UnreachableError, match="disconnected"):
            seen_by(serve).detect(b"photo")
    assert len(asked) == 2


def test_answers_that_are_not_the_detectors_are_told_apart() -> None:
    proxy = seen_by(lambda _: httpx.Response(502, text="<h1>Bad gateway</h1>"))
    with pytest.raises(RefusedError, match="status 502 and no explanation"):
        proxy.detect(b"photo")
    with pytest.raises(UnreachableError, match="not Lookout's detector"):
        seen_by(lambda _: httpx.Response(200, text="hello")).model()
    with pytest.raises(UnreachableError, match="no detector answers"):
        DetectorClient("http://127.0.0.1:1").detect(b"photo")
    with pytest.raises(UnreachableError, match="not a usable URL"):
        DetectorClient("http://[::1")


def test_a_refused_token_comes_with_its_remedy() -> None:
    with pytest.raises(RefusedError) as refused:
        seen_by(lambda _: refusing(401)).detect(b"photo")
    assert "--token-file" in str(refused.value.remedy)


@pytest.fixture
def album(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{number:02}.jpg" for number in range(20)]
    for path in paths:
        path.write_bytes(path.stem.encode())
    return paths


def sizes(paths: list[Path]) -> list[int]:
    return [len(group) for group in batches.grouped(paths)]


def test_groups_by_number_and_by_bytes(album: list[Path]) -> None:
    assert sizes(album) == [8, 8, 4]
    assert sizes([]) == []
    album[1].write_bytes(b"x" * (batches.BATCH_BYTES - 1))
    album[2].write_bytes(b"x" * (batches.BATCH_BYTES + 5))  # one alone may be larger
    assert sizes(album[:5]) == [1, 1, 1, 2]


def labelled(request: httpx.Request) -> httpx.Response:
    """Each photo answered with its own content as label; `03` is refused."""
    photos = re.findall(rb"\r\n\r\n(\d\d)\r\n", request.content) or [request.content]
    results = [Failure(problem=a_problem(415)) if one == b"03" else an_answer(one.decode()) for one in photos]
    if request.url.path == contract.BATCH_PATH:
        return httpx.Response(200, content=BatchResponse(results=results).model_dump_json())
    if isinstance(results[0], Failure):
        return refusing(415)
    return httpx.Response(200, content=results[0].model_dump_json())


def looked(detector: DetectorClient, paths: list[Path]) -> list[str]:
    told: list[tuple[str, str]] = []

    def seen(path: Path, answer: batches.Answer) -> None:
        told.append((path.stem, answer.detail if isinstance(answer, Problem) else answer.detections[0].label))

    batches.look(detector, paths, 0.5, 20, seen)
    assert [stem for stem, _ in told] == [path.stem for path in paths]
    return [what for _, what in told]


def test_each_photo_of_many_gets_its_own_answer_in_order(album: list[Path]) -> None:
    album[5].unlink()
    with album[7].open("wb") as huge:
        huge.truncate(contract.MAX_IMAGE_BYTES + 1)
    found = looked(seen_by(labelled), album)
    expected = [path.stem for path in album]
    expected[3], expected[5] = "status 415", "No such file or directory"
    assert "more than the 20,000,000 bytes" in found[7]
    assert found[:7] + found[8:] == expected[:7] + expected[8:]


def test_no_more_is_read_of_what_has_no_size_than_is_taken(album: list[Path]) -> None:
    found = looked(seen_by(labelled), [Path("/dev/zero"), album[1]])
    assert found == ["more than the 20,000,000 bytes that are taken", "01"]


def test_a_batch_refused_as_a_whole_is_asked_photo_by_photo(album: list[Path]) -> None:
    def small(request: httpx.Request) -> httpx.Response:
        return refusing(413) if request.url.path == contract.BATCH_PATH else labelled(request)

    assert looked(seen_by(small), album[:5]) == ["00", "01", "02", "status 415", "04"]


def test_what_no_photo_would_escape_ends_the_run(album: list[Path]) -> None:
    asked: list[httpx.Request] = []

    def closed(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return refusing(401)

    with pytest.raises(RefusedError):
        looked(seen_by(closed), album)
    assert len(asked) == 1
