"""What became of the requests of a run that was calm, overloaded and calm again."""

from typing import Final

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from loadtest.result import LoadResult

RECOVERED_S: Final = 2.0
"""After the overload; from then on all is to be as before."""
_REFUSED: Final = "status 503: Over capacity"


class Overload(BaseModel):
    """Rates a second and milliseconds from a request's real start to its last byte."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    offered_per_s: float
    served_per_s: float
    refused_per_s: float
    calm_p50_ms: float
    calm_p99_ms: float
    served_p99_ms: float
    refused_p50_ms: float
    refused_p99_ms: float
    after_p50_ms: float
    refused_before: int
    refused_after: int
    late_ms: float
    """How late the generator itself was, p99."""


def overloaded(result: LoadResult, start_s: float, end_s: float) -> Overload:
    """The figures of a run that was overloaded from `start_s` to `end_s`. AssertionError for any request that was
    neither answered nor refused for want of capacity."""
    samples = result.samples
    at, ms = np.array(samples.intended_s), np.array(samples.service_ms, float)
    others = {error for error in samples.error if error not in (None, _REFUSED)}
    assert not others, others
    ok = np.array([error is None for error in samples.error])
    before, during, after = at < start_s, (at >= start_s) & (at < end_s), at >= end_s + RECOVERED_S
    lasted_s = end_s - start_s

    def percentile(chosen: npt.NDArray[np.bool_], percent: float) -> float:
        return round(float(np.percentile(ms[chosen], percent)), 1)

    return Overload(
        offered_per_s=round(during.sum() / lasted_s, 1),
        served_per_s=round((during & ok).sum() / lasted_s, 1),
        refused_per_s=round((during & ~ok).sum() / lasted_s, 1),
        calm_p50_ms=percentile(before & ok, 50),
        calm_p99_ms=percentile(before & ok, 99),
        served_p99_ms=percentile(during & ok, 99),
        refused_p50_ms=percentile(during & ~ok, 50),
        refused_p99_ms=percentile(during & ~ok, 99),
        after_p50_ms=percentile(after & ok, 50),
        refused_before=int((before & ~ok).sum()),
        refused_after=int((after & ~ok).sum()),
        late_ms=result.generator.lag_p99_ms or 0.0,
    )
