"""Little's law finds measurements that cannot be right."""

from loadtest.capacity import little


def test_a_sound_stage_holds() -> None:
    assert little.in_flight(100.0, 80.0) == 8
    assert little.broken(8, 100.0, 80.0) is None
    assert little.broken(8, 100.0, 72.5) is None


def test_clients_that_did_something_else_are_seen() -> None:
    assert "spent time on something else" in (little.broken(8, 100.0, 60.0) or "")


def test_latencies_that_cannot_be_are_seen() -> None:
    assert "9.50 in flight, not 8" in (little.broken(8, 100.0, 95.0) or "")
