"""Ours against theirs: paired, round by round."""

import math
import re

import pytest

from tests.bench.ratios import best_connections, line, pairs, ratio, ratios
from tests.unit.bench.build import a_round


def test_a_ratio_pairs_rounds_of_the_same_number_and_connections() -> None:
    rounds = [
        a_round("ours", 80, number=0),
        a_round("fastapi", 40, number=0),
        a_round("ours", 60, number=1),
        a_round("fastapi", 60, number=1),
        a_round("ours", 90, number=2),
        a_round("fastapi", 30, number=2),
        a_round("ours", 1000, number=3),  # nobody to pair with
        a_round("fastapi", 1, number=0, connections=2),  # as little
    ]
    found = ratio(rounds, "fastapi", "640x480")
    assert found is not None
    assert (found.median, found.low, found.high, found.rounds) == (2.0, 1.0, 3.0, 3)


def test_a_mean_drift_of_the_machine_does_not_move_a_paired_ratio() -> None:
    rounds = [
        one
        for number, speed in enumerate((100.0, 50.0, 25.0))
        for one in (a_round("ours", 3 * speed, number), a_round("other", speed, number))
    ]
    found = ratio(rounds, "other", "640x480")
    assert found is not None
    assert (found.low, found.high) == (3.0, 3.0)


def test_photos_of_another_size_do_not_count() -> None:
    rounds = [a_round("ours", 80), a_round("other", 40, photo="1920x1080")]
    assert ratio(rounds, "other", "640x480") is None
    assert ratios(rounds, ["640x480", "1920x1080"]) == []


def test_a_peer_that_answers_nothing_is_infinitely_slower() -> None:
    assert pairs([a_round("ours", 80), a_round("other", 0)], "other", "640x480") == [math.inf]


def test_the_last_line_names_every_peer_in_order_and_parses() -> None:
    rounds = [a_round("ours", 90), a_round("plain_bentoml", 30), a_round("ceiling", 100)]
    text = line(ratios(rounds, ["640x480"]), "640x480")
    assert text == "ratios plain_bentoml=3.00 plain_tuned=nan fastapi=nan litserve=nan other=nan ceiling=0.90"
    values = {name: float(value) for name, value in re.findall(r"(\w+)=(\S+)", text)}
    assert values["plain_bentoml"] == pytest.approx(3.0)
    assert math.isnan(values["other"])


def test_the_best_number_of_connections_is_that_of_the_best_median() -> None:
    rounds = [a_round("ours", speed, number) for number, speed in enumerate((10, 20, 90))]
    rounds += [a_round("ours", 30, number, connections=16) for number in range(3)]
    rounds += [a_round("litserve", 0)]
    assert best_connections(rounds, "ours", "640x480") == 16
    assert best_connections(rounds, "litserve", "640x480") is None
    assert best_connections(rounds, "other", "640x480") is None
