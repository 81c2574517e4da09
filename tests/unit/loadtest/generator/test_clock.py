"""A jump of the wall clock is noticed, drift and adjustment in small steps are not."""

import pytest

from loadtest.generator.clock import ClockWatch


class Clocks:
    """Two clocks that a test sets."""

    wall_s = 1_767_000_000.0
    steady_s = 10.0

    def pass_by(self, seconds: float, error_s: float = 0.0) -> None:
        self.steady_s += seconds
        self.wall_s += seconds + error_s


@pytest.mark.parametrize(("error_s", "jumps"), [(0.0, 0), (0.5, 0), (-0.5, 0), (3600.0, 1), (-3600.0, 1)])
def test_more_than_a_second_between_two_looks_is_a_jump(error_s: float, jumps: int) -> None:
    clocks = Clocks()
    watch = ClockWatch(lambda: clocks.wall_s, lambda: clocks.steady_s)
    clocks.pass_by(0.2, error_s)
    watch.look()
    clocks.pass_by(0.2)
    watch.look()
    assert watch.jumps == jumps


def test_slow_drift_never_adds_up_to_a_jump() -> None:
    clocks = Clocks()
    watch = ClockWatch(lambda: clocks.wall_s, lambda: clocks.steady_s)
    for _ in range(100):
        clocks.pass_by(0.2, 0.1)
        watch.look()
    assert watch.jumps == 0
