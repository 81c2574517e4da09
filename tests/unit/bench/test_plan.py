"""What a run does, and in which order."""

import pytest

from tests.bench.plan import EVERYONE, Plan, order, quick


def test_the_whole_run_has_twelve_rounds_of_the_main_photo_over_all_connections() -> None:
    rounds = [one for one in Plan().rounds if one[0] == "640x480"]
    assert len(rounds) == 12
    assert {connections for _, connections, _ in rounds} == {2, 4, 8, 16}
    assert len({number for _, _, number in rounds}) == 12


@pytest.mark.parametrize("number", range(12))
def test_ours_and_the_ceiling_are_always_neighbours(number: int) -> None:
    turn = order(EVERYONE, number)
    assert sorted(turn) == sorted(EVERYONE)
    assert abs(turn.index("ours") - turn.index("ceiling")) == 1


def test_nobody_is_always_first_and_the_pair_changes_sides() -> None:
    turns = [order(EVERYONE, number) for number in range(12)]
    assert len({turn[0] for turn in turns}) > 4
    assert {turn.index("ours") - turn.index("ceiling") for turn in turns} == {-1, 1}


def test_without_the_ceiling_the_rest_still_takes_turns() -> None:
    assert order(("ours", "fastapi"), 0) == ["ours", "fastapi"]
    assert order(("ours", "fastapi"), 1) == ["fastapi", "ours"]


def test_a_quick_run_is_a_fifth_of_a_whole_one() -> None:
    assert Plan().expected_s < 25 * 60
    assert quick(Plan()).expected_s < 5 * 60


def test_an_open_run_is_long_enough_for_its_p99_within_bounds() -> None:
    plan = Plan()
    assert plan.open_duration_s(46) == plan.open_s[0]
    assert plan.open_duration_s(30) * 30 >= 459
    assert plan.open_duration_s(1) == plan.open_s[1]
