"""What the gate says of a run: data only, so that results, reports, releases and alerts can carry it."""

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

Outcome = Literal["pass", "fail", "not enough data", "generator invalid"]

EXIT_CODES: Final[dict[Outcome, int]] = {"pass": 0, "fail": 1, "not enough data": 2, "generator invalid": 3}


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TermJudgement(_Frozen):
    """One term of the SLO against one run."""

    term: str
    """As a person writes it, for example `p99<=100ms`."""
    outcome: Outcome
    trials: int
    """Requests that say something about this term."""
    violations: int
    """Of them, those that broke it."""
    allowed_ratio: float
    """The share of violations that the term permits."""
    needed: int
    """Trials after which this many violations would pass; the run is too short below it. 0 where no number would do."""
    lower_ratio: float
    """Clopper-Pearson lower bound on the share of violations, one-sided."""
    upper_ratio: float
    """The same, upper bound."""
    observed: str
    """What was measured, in the term's own unit, for example `87.3 ms`."""
    arithmetic: str
    """The decision spelled out in one sentence."""


class Judgement(_Frozen):
    """The verdict on a run and all that led to it."""

    outcome: Outcome
    reasons: tuple[str, ...]
    """One sentence each; the first decided."""
    terms: tuple[TermJudgement, ...]
    steady: bool | None
    """Whether the end of the run was in steady state; None when it was too short to say."""
    steady_reason: str
    confidence: float

    @property
    def exit_code(self) -> int:
        """Of a command that ends with this verdict."""
        return EXIT_CODES[self.outcome]
