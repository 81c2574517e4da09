"""Where disruption specs play: open-loop load on an environment, one deed in its midst, a promise judged afterwards."""

import time
from collections.abc import Callable
from threading import Thread

from loadtest.arrivals import Arrivals, Poisson
from loadtest.disruption import Kept, Promise, judge_disruption
from loadtest.gate.slo import parse_slo
from loadtest.gate.verdict import Outcome
from loadtest.recording import Recording
from loadtest.result import LoadResult
from loadtest.run import run_load
from loadtest.settings import LoadSettings
from loadtest.target import ask_service

BEFORE_S = 20.0
"""Steadiness is judged over fifths of it: in 4 s there are enough requests that chance alone looks steady."""
AFTER_S = 28.0
RATE = 32.0
"""About a third of what two pods of the local cluster answer; 896 requests from the disruption on."""
PLAYS = 3
"""A play whose run was not steady before its deed tells nothing, so it is played again: on a machine that does
something else as well the median moves by a tenth now and then. No play that tells something is repeated."""


class Stage:
    """One environment under load; `played` keeps every spec's name, deed and outcome for the verdict table."""

    def __init__(self, url: str, settle: Callable[[], object]) -> None:
        self.url = url
        self._settle = settle
        """Waits until the environment is as it should be, before each play."""
        self.played: dict[str, Kept] = {}

    def play(
        self,
        name: str,
        deed: Callable[[], object],
        *,
        slo: str,
        gap_s: float,
        expected: Outcome = "pass",
        arrivals: Arrivals | None = None,
        processes: int = 1,
        after_s: float = AFTER_S,
    ) -> Kept:
        """Load, disrupt after BEFORE_S, go on for `after_s`, judge. AssertionError when the outcome is another.

        `deed` chooses what it harms when it is called, for it may be called once more.
        """
        settings = LoadSettings(
            url=self.url,
            arrivals=arrivals or Poisson(rate=RATE),
            duration_s=BEFORE_S + after_s,
            seed=7,
            processes=processes,
            expect="lookout",
        )
        promise = Promise(slo=parse_slo(slo), longest_gap_s=gap_s)
        for _ in range(PLAYS):
            self._settle()
            result, at_s = _disrupted(settings, deed)
            kept = self.played[name] = judge_disruption(result, promise, at_s)
            print(f"{name}: {kept.model_dump_json(exclude={'terms'})}", flush=True)
            if kept.outcome != "not enough data" or kept.steady_before:
                break
        assert kept.outcome == expected, f"{name}: {kept.outcome}: {kept.reason}; {kept.errors_by_kind}"
        return kept


def _disrupted(settings: LoadSettings, deed: Callable[[], object]) -> tuple[LoadResult, float]:
    """The run, and when the deed began, in seconds since the schedule did. What the deed raises is raised here."""
    began: list[float] = []
    raised: list[BaseException] = []

    def act() -> None:
        try:
            deed()
        except BaseException as error:  # noqa: BLE001  # a thread's own would be lost
            raised.append(error)

    thread = Thread(target=act, name="deed")

    def progress(recording: Recording) -> None:
        if recording.begin and not began:
            at_s = time.perf_counter() - recording.begin["perf"]
            if at_s >= BEFORE_S:
                began.append(at_s)
                thread.start()

    result = run_load(settings, ask_service(settings.url), progress)
    assert began, "the run ended before it was disrupted"
    thread.join()
    if raised:
        raise raised[0]
    return result, began[0]
