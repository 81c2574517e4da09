"""An SLO as data: the terms that the gate judges."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from lookout import contract


class SloTerm(BaseModel):
    """One promise. `bound` is in seconds for p99, else a ratio; `window_s` is the span that alerts look at."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    measure: Literal["p99", "errors", "goodput"]
    bound: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    window_s: Annotated[int, Field(ge=1)]


DEFAULT_SLO = (
    SloTerm(measure="p99", bound=contract.SLO_P99_S, window_s=contract.SLO_P99_WINDOW_S),
    SloTerm(measure="errors", bound=contract.SLO_ERROR_RATIO, window_s=contract.SLO_ERROR_WINDOW_S),
)
