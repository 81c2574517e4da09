"""Named runs: what each is for, and the schedule, length and SLO that serve it. Options override."""

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from loadtest.arrivals import Arrivals, Hold, Poisson, Spike, Steps
from loadtest.gate.slo import DEFAULT_SLO, SloTerm
from lookout.errors import UsageError


class Profile(BaseModel):
    """One named run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    intent: str
    """What question it answers, in one sentence."""
    arrivals: Arrivals
    duration_s: Annotated[float, Field(gt=0)]
    slo: tuple[SloTerm, ...] = DEFAULT_SLO


PROFILES: Final = {
    profile.name: profile
    for profile in (
        Profile(
            name="smoke",
            intent="Does the road from client to detector work? A gentle rate for half a minute; it certifies nothing.",
            arrivals=Poisson(rate=10),
            duration_s=30,
            slo=(),
        ),
        Profile(
            name="baseline",
            intent="How fast is it when it is not busy? The figures that later runs are compared with.",
            arrivals=Poisson(rate=16),
            duration_s=300,
        ),
        Profile(
            name="capacity",
            intent="Where does it bend? Rates in steps, each long enough for a p99; the report shows it.",
            arrivals=Steps(steps=tuple(Hold(rate=rate, for_s=60) for rate in (10, 20, 40, 60, 80, 100))),
            duration_s=360,
            slo=(),
        ),
        Profile(
            name="spike",
            intent="Does it hold its promise when five times the load comes at once, and recover afterwards?",
            arrivals=Spike(rate=10, peak=50, at_s=60, for_s=120),
            duration_s=300,
        ),
        Profile(
            name="soak",
            intent="Does anything leak, fill up or drift in an hour of ordinary load?",
            arrivals=Poisson(rate=20),
            duration_s=3600,
        ),
        Profile(
            name="release-gate",
            intent="May this release go on? Long enough for every term of the SLO, at the rate it must carry.",
            arrivals=Poisson(rate=20),
            duration_s=400,
        ),
    )
}


def find_profile(name: str) -> Profile:
    """The profile of this name. UsageError lists the names there are."""
    try:
        return PROFILES[name]
    except KeyError as error:
        raise UsageError(f"--profile: there is no {name!r}", f"choose one of {', '.join(PROFILES)}") from error
