"""The engine on its own, against a stub detector: what it sends, when, and what it makes of the answers."""

import io
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from loadtest.arrivals import Closed, Constant, Poisson
from loadtest.photos.mix import Variant
from loadtest.result import LoadResult
from loadtest.run import run_load
from loadtest.settings import LoadSettings
from tests.loopback.stub import PROBLEM, Reply, correct, serving

pytestmark = pytest.mark.loopback

WRONG = {
    "status 503: Over capacity": PROBLEM,
    "wrong shape: model: missing": Reply(b"{}"),
    "content type text/html": Reply(b"<html>", content_type="text/html"),
    "status 302": Reply(b"", 302),
    "no answer": Reply(b'{"mo', promised=500),
}


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def run(url: str, **settings: Any) -> LoadResult:
    return run_load(LoadSettings(url=url, **settings), {}, lambda _recording: None)


def test_a_slow_server_is_asked_on_time_all_the_same() -> None:
    with serving(correct, latency_s=1.0) as stub:
        result = run(stub.url, arrivals=Constant(rate=30), duration_s=2)
    assert result.ok
    assert result.samples.intended_s == pytest.approx([i / 30 for i in range(60)], abs=1e-5)
    lag = sorted(ms for ms in result.samples.lag_ms if ms is not None)
    assert lag[30] < 50
    assert result.service_ms is not None
    assert result.service_ms.min >= 1000


def test_a_closed_loop_asks_a_slow_server_less() -> None:
    with serving(correct, latency_s=0.1) as stub:
        result = run(stub.url, arrivals=Closed(users=2), duration_s=2)
    assert result.loop == "closed"
    assert 2 < stub.asked <= 42  # two users, 100 ms an answer
    assert result.counts.ok == stub.asked


def test_beyond_its_limit_the_generator_drops_and_says_so() -> None:
    with serving(correct, latency_s=1.0) as stub:
        result = run(stub.url, arrivals=Poisson(rate=50), duration_s=1, max_in_flight=5)
    assert result.counts.ok == stub.asked < 15
    assert result.counts.dropped == result.counts.intended - stub.asked
    assert result.generator.late_ratio >= result.counts.dropped / result.counts.intended
    assert not result.ok


def test_an_answer_that_does_not_come_in_time_is_a_timeout() -> None:
    with serving(correct, latency_s=2.0) as stub:
        result = run(stub.url, arrivals=Poisson(rate=10), duration_s=1, timeout_s=0.5)
    assert result.errors_by_kind == {"timeout": result.counts.intended}
    assert min(ms for ms in result.samples.service_ms if ms is not None) >= 500


def test_any_server_will_do_when_nothing_is_expected() -> None:
    with serving(lambda _n, _b: Reply(b"thanks", 201, "text/plain"), model=Reply(b"", 404)) as stub:
        result = run(stub.url, arrivals=Poisson(rate=20), duration_s=1, expect="any", path="/upload")
    assert result.ok
    assert result.models == ()


def test_wrong_answers_are_counted_by_kind() -> None:
    """Every other answer is wrong, each kind in turn."""
    wrong = list(WRONG.values())

    def answer(number: int, body: bytes) -> Reply:
        return correct(number, body) if number % 2 else wrong[number // 2 % len(wrong)]

    with serving(answer, latency_s=0.02) as stub:
        result = run(stub.url, arrivals=Constant(rate=40), duration_s=2)
    assert (stub.asked, result.counts.ok, result.counts.errors) == (80, 40, 40)
    found = result.errors_by_kind
    assert len(found) == len(WRONG)
    for kind in WRONG:
        assert [count for name, count in found.items() if name.startswith(kind)] == [8]
    assert result.models == ({"name": "stub", "version": "1", "runtime": "none"},)


def test_a_server_that_goes_away_is_refused_connections_not_a_hot_loop() -> None:
    results = []
    with serving(correct) as stub:
        settings = {"arrivals": Closed(users=2), "duration_s": 4}
        going = threading.Thread(target=lambda: results.append(run(stub.url, **settings)))
        going.start()
        while stub.asked == 0:
            assert going.is_alive()
            time.sleep(0.02)
    going.join()
    kinds = results[0].errors_by_kind
    # Two users that pause half a second after each refusal; a connection cut in mid-answer may add a kind.
    assert 2 <= kinds["connection refused"] <= 18
    assert set(kinds) <= {"connection refused", "connection reset", "connection closed"}


def test_photos_go_out_in_the_formats_and_sizes_asked_for() -> None:
    seen = set()

    def look(_: int, body: bytes) -> Reply:
        with Image.open(io.BytesIO(body)) as image:
            seen.add((image.format, max(image.size)))
        return Reply(b"{}")

    mix = (Variant(format="webp", long_side=320), Variant(format="png", long_side=64, weight=2))
    with serving(look) as stub:
        result = run(stub.url, expect="any", arrivals=Constant(rate=40), duration_s=1, photos=mix)
    assert result.ok
    assert seen == {("WEBP", 320), ("PNG", 64)}
    assert len(result.generator.photos) == 6


def test_a_run_can_be_stopped_by_what_is_seen_and_counts_what_was_started() -> None:
    with serving(correct) as stub:
        settings = LoadSettings(url=stub.url, arrivals=Constant(rate=50), duration_s=60)
        result = run_load(settings, {}, lambda _: None, stop=lambda recording: len(recording.error) >= 20)
        asked = stub.asked
    assert result.duration_s < 30
    assert result.counts.intended == asked >= 20
    assert not result.interrupted
