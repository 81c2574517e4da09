"""Every number of a record follows from what was measured, and says so."""

from datetime import date
from pathlib import Path

import pytest

from loadtest.capacity import machine as machines
from loadtest.capacity import record_file as records
from loadtest.capacity.record import CapacityRecord, Price, Sizing
from loadtest.capacity.sizing import HEADROOM
from loadtest.capacity.usl import Parameters
from lookout.errors import LookoutError, UsageError
from tests.unit.loadtest.capacity.build import DIGEST, PRICE, machine, record, slo_rate, sweep

PAGELESS = '[a]\nusd_per_hour = 1\nregion = "r"\nsource = "somebody said so"\ndate = 2026-01-31'


def sized(found: CapacityRecord) -> Sizing:
    assert found.sizing is not None
    return found.sizing


def test_the_concurrency_limit_is_what_can_still_be_answered_in_time() -> None:
    # A pod that does 50 a second whatever is in it: N / 50 times a tail of 1.5 within 100 ms is N = 3.
    flat = sweep("concurrency", Parameters(50, 1.0, 0.0))
    assert sized(record(concurrency=flat)).concurrency_limit == 3


def test_a_pod_too_slow_for_the_bound_still_takes_one() -> None:
    assert sized(record(concurrency=sweep("concurrency", Parameters(5, 1.0, 0.0)))).concurrency_limit == 1


def test_the_target_leaves_headroom_below_the_slo_bounded_rate() -> None:
    assert sized(record()).target_in_flight == pytest.approx(HEADROOM * 1.6)
    by_little = sized(record(slo_rate=slo_rate(in_flight=None)))
    assert by_little.target_in_flight == pytest.approx(HEADROOM * 70 * 0.022, abs=0.001)
    assert "Little" in by_little.reasons[1]


def test_replicas_go_to_the_peak_or_twice_the_measured_range() -> None:
    assert sized(record()).max_replicas == 12
    peaked = sweep("replicas", Parameters(20, 0.1, 0.02), (1, 2, 3, 4, 5, 6), 8)
    assert sized(record(replicas=peaked)).max_replicas == 6


def test_the_pool_holds_the_most_replicas() -> None:
    found = sized(record())
    assert (found.max_replicas, found.pods_per_machine, found.pool_machines) == (12, 9, 2)


def test_cost_comes_from_a_list_price_or_is_unknown() -> None:
    assert sized(record()).usd_per_thousand is None
    # 0.36 an hour is 0.0001 a second; four pods, one a core, do 280 in it.
    assert sized(record(machine=machine(PRICE))).usd_per_thousand == pytest.approx(0.0001 / 280 * 1000)


def test_every_number_has_its_reason() -> None:
    reasons = sized(record()).reasons
    assert [reason.split()[0] for reason in reasons] == ["Concurrency", "Autoscaler", "At", "Pool", "Cost"]


@pytest.mark.parametrize(
    ("changes", "why"), [({"slo_rate": slo_rate(None)}, "no rate met the SLO"), ({"replicas": None}, "not swept")]
)
def test_nothing_is_derived_from_half_a_measurement(changes: dict[str, object], why: str) -> None:
    with pytest.raises(LookoutError, match=why):
        record(**changes)


def test_a_record_survives_its_file(tmp_path: Path) -> None:
    file = tmp_path / "record.json"
    file.write_text(record().text())
    assert records.load(file) == record()
    assert records.path(DIGEST, "test-4") == f"capacity/sha256-{'ab' * 32}/test-4.json"


@pytest.mark.parametrize(
    ("text", "why"),
    [("{}", "schema_version"), ('{"schema_version": 9}', "schema version 9"), ("[", "not a capacity record")],
)
def test_another_file_is_refused_as_a_record(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(LookoutError, match=why):
        records.load(tmp_path / "x.json")


def test_a_price_is_the_given_tables_or_none_at_all() -> None:
    assert machines.this_machine(machines.THIS_MACHINE, None).price is None
    price = machines.this_machine("example-4", machines.EXAMPLE).price
    assert price == Price(
        usd_per_hour=1, region="nowhere-1", source="https://prices.example/on-demand", date=date(2026, 1, 31)
    )


def test_a_table_without_the_machine_is_refused_before_anything_is_measured() -> None:
    with pytest.raises(UsageError, match="no price of this-machine; it has example-4"):
        machines.this_machine(machines.THIS_MACHINE, machines.EXAMPLE)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[a", "not TOML"),
        ("[a]\nusd_per_hour = 1", "a.region: Field required"),
        ("a = 1", "a: Input should be"),
        (PAGELESS, "a.source"),
    ],
)
def test_a_price_table_of_another_form_is_refused(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "prices.toml").write_text(text)
    with pytest.raises(UsageError, match=why):
        machines.read_prices(tmp_path / "prices.toml")


def test_a_machine_type_that_is_no_file_name_is_refused() -> None:
    with pytest.raises(UsageError, match="machine type"):
        machines.this_machine("../elsewhere", None)
