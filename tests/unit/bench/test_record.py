"""The record that a bench leaves, its tables and its chart."""

import json
import math
from pathlib import Path
from xml.etree import ElementTree

import pytest

from lookout.errors import LookoutError
from tests.bench.chart import chart
from tests.bench.record import SCHEMA_VERSION, BenchRecord, load
from tests.bench.table import lines
from tests.unit.bench.build import a_record, a_round, an_open_run


@pytest.fixture
def record() -> BenchRecord:
    rounds = [a_round("ours", 90 - number, number) for number in range(2)]
    rounds += [a_round("plain_bentoml", 30, number) for number in range(2)]
    rounds += [a_round("ceiling", 100, number) for number in range(2)]
    opened = [an_open_run(90.0, in_process_ms=20.0), an_open_run(70.0, in_process_ms=20.0, contestant="ceiling")]
    return a_record(rounds, opened, [a_round("ours", 2000, photo="tiny", p99_ms=4.0)])


def test_a_record_reads_back_as_it_was(record: BenchRecord, tmp_path: Path) -> None:
    record.save(tmp_path / "new" / "bench.json")
    assert load(tmp_path / "new" / "bench.json") == record


def test_a_round_without_an_answer_is_kept_in_valid_json(tmp_path: Path) -> None:
    nothing = a_round("other", 0.0, p50_ms=math.nan, p99_ms=math.nan, max_ms=math.nan, requests=9, errors=9)
    path = tmp_path / "bench.json"
    a_record([a_round(), nothing], [], []).save(path)
    json.loads(path.read_text(), parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    kept = load(path)
    assert math.isnan(kept.rounds[1].p99_ms)
    assert kept.ratios[0].median == math.inf


def test_a_record_of_another_schema_is_refused(record: BenchRecord, tmp_path: Path) -> None:
    path = tmp_path / "bench.json"
    path.write_text(json.dumps(json.loads(record.model_dump_json()) | {"schema_version": SCHEMA_VERSION + 1}))
    with pytest.raises(LookoutError, match="schema version"):
        load(path)


def test_the_table_ends_with_the_ratios_and_says_which_bars_held(record: BenchRecord) -> None:
    text = lines(record, "640x480")
    assert text[-1] == "ratios plain_bentoml=2.98 plain_tuned=nan fastapi=nan litserve=nan other=nan ceiling=0.90"
    assert any("throughput, median / plain_bentoml" in line and line.endswith("MISSED") for line in text)
    assert any("p99 with no model" in line and line.endswith("held") for line in text)
    assert any("throughput, median / litserve" in line and line.endswith("not measured") for line in text)


def test_the_table_shows_every_round_beside_the_ceiling(record: BenchRecord) -> None:
    assert any(line.split() == ["8", "conn.", "0.90", "0.89"] for line in lines(record, "640x480"))


def test_the_table_shows_the_tail_of_ours_beside_that_without_a_server(record: BenchRecord) -> None:
    text = lines(record, "640x480")
    (rows,) = [text[place + 2 : place + 4] for place, line in enumerate(text) if "open loop" in line]
    assert [(row.split()[0], row.split()[-1]) for row in rows] == [("ours", "4.50"), ("ceiling", "3.50")]
    assert rows[0].split()[1:4] == rows[1].split()[1:4]  # they got the same


def test_the_chart_is_an_svg_that_says_in_words_what_it_shows(record: BenchRecord) -> None:
    drawn = ElementTree.fromstring(chart(record, "640x480"))  # noqa: S314  # our own
    assert drawn.tag.endswith("svg")
    title = drawn.find("{http://www.w3.org/2000/svg}title")
    assert title is not None
    assert title.text == "Answers a second with 640x480 JPEGs: plain_bentoml 30.0, ours 89.5, ceiling 100.0"
