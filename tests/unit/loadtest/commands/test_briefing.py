"""Before a run it is said what each promise takes, and where the run is too short for it."""

from loadtest.arrivals import Closed, Hold, Poisson, Steps
from loadtest.commands.briefing import briefing
from loadtest.gate.slo import parse_slo
from loadtest.settings import LoadSettings


def _said(slo: str, rate: float, duration_s: float) -> list[str]:
    settings = LoadSettings(arrivals=Poisson(rate=rate), duration_s=duration_s, slo=parse_slo(slo))
    return list(briefing(settings))


def test_names_the_count_that_each_term_takes() -> None:
    first, second = _said("p99<=100ms,errors<=0.1%", rate=100, duration_s=60)
    assert first.startswith("p99<=100ms: takes 459 requests without a violation")
    assert second.startswith("errors<=0.1%: takes 4,603 requests")
    assert all("this run intends 6,000" in line and "SHORT" not in line for line in (first, second))


def test_warns_where_the_run_is_too_short_and_says_how_long_it_must_be() -> None:
    (line,) = _said("errors<=0.1%", rate=10, duration_s=60)
    assert "this run intends 600: TOO SHORT to pass, make it at least 460 s" in line


def test_says_when_the_schedule_holds_no_start() -> None:
    arrivals = Steps(steps=(Hold(rate=0, for_s=30),))
    (line,) = briefing(LoadSettings(arrivals=arrivals, slo=parse_slo("p99<=100ms")))
    assert line.endswith("; this run intends none")


def test_says_when_no_run_could_pass() -> None:
    (line,) = _said("goodput>=45/s", rate=40, duration_s=60)
    assert "impossible at the intended 40.0/s" in line


def test_a_closed_loop_is_promised_nothing() -> None:
    settings = LoadSettings(arrivals=Closed(), slo=parse_slo("p99<=100ms"))
    assert list(briefing(settings)) == []
