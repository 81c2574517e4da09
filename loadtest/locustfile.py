"""The detector's load for plain Locust, with its own statistics or its web page:

    locust -f loadtest/locustfile.py --headless --host http://127.0.0.1:8080 --rate 20 --run-time 30s --seed 7

With --users more than one is no faster: the rate decides. `lookout load run` adds the verdict and the report.
"""

import time
from typing import Any

from locust import events

from loadtest.arrivals import Poisson
from loadtest.recorder import Recorder
from loadtest.sender import Sender
from loadtest.settings import DEFAULT_URL, LoadSettings
from loadtest.users import OpenLoopUser, Session

_DAY_S = 86_400.0


class DetectorUser(OpenLoopUser):
    """Poisson arrivals, whatever the server does."""

    fixed_count = 1


@events.init_command_line_parser.add_listener  # type: ignore[untyped-decorator]  # Locust leaves it untyped
def _options(parser: Any) -> None:
    parser.add_argument("--rate", type=float, default=20.0, help="starts a second, Poisson")
    parser.add_argument("--seed", type=int, default=1, help="decides the schedule and the photos")
    parser.add_argument("--expect", choices=("any", "lookout"), default="lookout", help="what a correct answer is")


@events.test_start.add_listener  # type: ignore[untyped-decorator]  # Locust leaves it untyped
def _prepare(environment: Any, **_: Any) -> None:
    options = environment.parsed_options
    arrivals = Poisson(rate=options.rate)
    settings = LoadSettings(
        url=environment.host or DEFAULT_URL,
        arrivals=arrivals,
        duration_s=min(options.run_time or _DAY_S, 1_000_000 / options.rate),
        seed=options.seed,
        expect=options.expect,
    )
    recorder = Recorder(lambda _kind, _record: None)
    session = Session(settings, Sender(settings, recorder, environment.events.request.fire), recorder)
    session.schedule = list(enumerate(arrivals.times(settings.duration_s, settings.seed).tolist()))
    session.began = time.perf_counter()
    DetectorUser.session = session
