"""Each kind of arrivals is said in words that name its numbers."""

import pytest

from loadtest.arrivals import Arrivals, Closed, Constant, Diurnal, Hold, Poisson, Ramp, Replay, Spike, Steps
from loadtest.wording import arrivals_in_words


@pytest.mark.parametrize(
    ("arrivals", "words"),
    [
        (Constant(rate=2.5), "constant, 2.5/s"),
        (Poisson(rate=20), "poisson, 20/s"),
        (Ramp(rate=1, to_rate=50, over_s=30), "ramp from 1 to 50/s over 30 s"),
        (Steps(steps=(Hold(rate=10, for_s=30), Hold(rate=20, for_s=60))), "steps 10/s for 30 s, 20/s for 60 s"),
        (Spike(rate=10, peak=50, at_s=60, for_s=120), "10/s, from 60 s on 50/s for 120 s"),
        (Diurnal(rate=5, peak=80, period_s=600), "days of 600 s from 5 to 80/s"),
        (Replay(trace="may.csv", times_s=(0.0, 1.0)), "replay of may.csv, 2 starts"),
        (Closed(users=3), "closed loop, 3 users"),
    ],
)
def test_says_what_arrivals_are(arrivals: Arrivals, words: str) -> None:
    assert arrivals_in_words(arrivals) == words
