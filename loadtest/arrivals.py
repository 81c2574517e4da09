"""When requests are to start: the kinds of arrivals there are, and each worker's share of a schedule."""

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from loadtest.schedule.shapes import Constant, Diurnal, Hold, Poisson, Ramp, Replay, Spike, Steps

__all__ = [
    "MAX_STARTS", "Arrivals", "Closed", "Constant", "Diurnal", "Hold", "Open", "Poisson", "Ramp", "Replay", "Spike",
    "Steps", "share",
]  # fmt: skip

MAX_STARTS: Final = 2_000_000
"""Of one run: every start is kept in memory and in the result."""


class Closed(BaseModel):
    """No schedule: `users` clients that each send the next photo when the last answer is there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["closed"] = "closed"
    users: Annotated[int, Field(ge=1, le=10_000)] = 4


Open = Constant | Poisson | Ramp | Steps | Spike | Diurnal | Replay
Arrivals = Annotated[Open | Closed, Field(discriminator="kind")]


def share(count: int, worker: int, workers: int) -> range:
    """Indices of a schedule of `count` starts that one of `workers` sends: every one is in exactly one share."""
    if not 0 <= worker < workers:
        raise ValueError(f"worker {worker} of {workers}: count from 0")
    return range(worker, count, workers)
