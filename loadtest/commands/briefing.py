"""What is to be said before a run: how many requests each promise takes, and whether the run has them."""

from collections.abc import Iterator

import numpy as np

from loadtest.gate.slo import format_term
from loadtest.gate.stopping import needed_requests, recommended_requests
from loadtest.settings import LoadSettings


def briefing(settings: LoadSettings) -> Iterator[str]:
    """One line for each term of the SLO; none for a closed loop, whose number of requests is the server's choice."""
    if settings.arrivals.kind == "closed":
        return
    intended = float(settings.arrivals.expected(np.array([settings.duration_s]))[0])
    rate_per_s = intended / settings.duration_s
    for term in settings.slo:
        text = format_term(term)
        try:
            needed, recommended = needed_requests(term, 0, rate_per_s), recommended_requests(term, rate_per_s)
        except ValueError:
            yield f"{text}: impossible at the intended {rate_per_s:.1f}/s, even if every request is answered in time"
            continue
        line = f"{text}: takes {needed:,} requests without a violation, {recommended:,} to pass with some"
        if intended == 0:
            line += "; this run intends none"
        elif intended < needed:
            longer_s = settings.duration_s * needed / intended
            line += f"; this run intends {intended:,.0f}: TOO SHORT to pass, make it at least {longer_s:,.0f} s"
        else:
            line += f"; this run intends {intended:,.0f}"
        yield line
