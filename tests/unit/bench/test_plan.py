"""What a run does, and in which order."""

import pytest

from tests.bench.plan import EVERYONE, Plan, Turn, quick
from tests.bench.record import Name


def test_the_whole_run_has_twelve_rounds_of_the_main_photo_over_all_connections() -> None:
    rounds = [one for one in Plan().rounds if one[0] == "640x480"]
    assert len(rounds) == 12
    assert {connections for _, connections, _ in rounds} == {2, 4, 8, 16}
    assert len({number for _, _, number in rounds}) == 12


def _seconds(turns: list[Turn], name: Name) -> float:
    return sum(turn.seconds for turn in turns if turn.name == name)


def _names(turns: list[Turn]) -> list[Name]:
    return [turn.name for turn in turns]


@pytest.mark.parametrize("number", range(12))
def test_ours_and_the_ceiling_take_turns_in_slices_and_are_as_often_first(number: int) -> None:
    plan = Plan()
    turns = plan.turns(EVERYONE, number)
    names = _names(turns)
    start = min(names.index("ours"), names.index("ceiling"))
    slices = names[start : start + 2 * plan.slices]
    pairs = list(zip(slices[::2], slices[1::2], strict=True))
    assert pairs.count(("ours", "ceiling")) == pairs.count(("ceiling", "ours")) == plan.slices / 2
    assert _seconds(turns, "ours") == _seconds(turns, "ceiling") >= plan.round_s


@pytest.mark.parametrize("number", range(12))
def test_every_other_has_one_turn_of_a_whole_round(number: int) -> None:
    plan = Plan()
    turns = [turn for turn in plan.turns(EVERYONE, number) if turn.name not in ("ours", "ceiling")]
    assert sorted(_names(turns)) == sorted({*EVERYONE} - {"ours", "ceiling"})
    assert {turn.seconds for turn in turns} == {plan.round_s}


def test_nobody_is_always_first() -> None:
    assert len({Plan().turns(EVERYONE, number)[0].name for number in range(12)}) > 4


def test_without_the_ceiling_the_rest_still_takes_turns() -> None:
    assert list(dict.fromkeys(_names(Plan().turns(("ours", "fastapi"), 0)))) == ["ours", "fastapi"]
    assert list(dict.fromkeys(_names(Plan().turns(("ours", "fastapi"), 1)))) == ["fastapi", "ours"]


def test_a_quick_run_is_a_fifth_of_a_whole_one() -> None:
    assert Plan().expected_s < 27 * 60
    assert quick(Plan()).expected_s < Plan().expected_s / 5


def test_an_open_run_is_long_enough_for_its_p99_within_bounds() -> None:
    plan = Plan()
    assert plan.open_duration_s(46) == plan.open_s[0]
    assert plan.open_duration_s(30) * 30 >= 459
    assert plan.open_duration_s(1) == plan.open_s[1]
