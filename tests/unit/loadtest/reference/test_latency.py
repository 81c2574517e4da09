"""The known latencies that the harness is proven against."""

import pytest

from loadtest.reference.latency import parse_hold


def test_constant_is_the_same_for_every_answer() -> None:
    hold = parse_hold("constant:20ms")
    assert [hold(0.0), hold(5.5)] == [0.02, 0.02]


def test_bimodal_is_slow_for_the_stated_share_and_repeats_by_seed() -> None:
    first, again, other = (parse_hold("bimodal:10ms:0.2s:2%", seed) for seed in (1, 1, 2))
    drawn = [first(0.0) for _ in range(20_000)]
    assert set(drawn) == {0.01, 0.2}
    assert drawn.count(0.2) == pytest.approx(400, abs=60)
    assert drawn[:500] == [again(0.0) for _ in range(500)] != [other(0.0) for _ in range(500)]


def test_a_stall_holds_everything_until_its_end_and_comes_again() -> None:
    hold = parse_hold("stalls:20ms:1s:10s:5s")
    assert [hold(t) for t in (0.0, 4.99, 6.0, 14.9, 16.01)] == [0.02] * 5
    assert hold(5.0) == pytest.approx(1.02)
    assert hold(5.75) == pytest.approx(0.27)
    assert hold(15.5) == pytest.approx(0.52)


@pytest.mark.parametrize("text", ["", "constant", "constant:20", "bimodal:1ms:2ms", "normal:1ms", "stalls:1ms:1s:10s"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a"):
        parse_hold(text)
