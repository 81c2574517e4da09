"""The same open loop under plain Locust, with its own statistics or its web page:

    locust -f loadtest/locustfile.py --headless --host http://127.0.0.1:8080 --rate 20 --run-time 30s --seed 7

Distributed as Locust does it (`--master`, `--worker`): each worker keeps its share of the schedule.
`lookout load run` adds the verdict and the report.
"""

from typing import Any

from locust import events
from locust.runners import MasterRunner, WorkerRunner

from loadtest.arrivals import Poisson
from loadtest.generator.director import Director
from loadtest.generator.users import OpenLoopUser
from loadtest.generator.worker import Worker
from loadtest.settings import DEFAULT_URL, LoadSettings

__all__ = ["OpenLoopUser"]

_LONGEST_STARTS = 1_000_000
"""Of a schedule whose end only the person at Locust's page knows."""


@events.init_command_line_parser.add_listener  # type: ignore[untyped-decorator]  # Locust leaves it untyped
def _options(parser: Any) -> None:
    parser.add_argument("--rate", type=float, default=20.0, help="starts a second, Poisson")
    parser.add_argument("--seed", type=int, default=1, help="decides the schedule and the photos")
    parser.add_argument("--expect", choices=("any", "lookout"), default="lookout", help="what a correct answer is")


@events.init.add_listener  # type: ignore[untyped-decorator]  # as above
def _join(environment: Any, runner: Any, **_: Any) -> None:
    if not isinstance(runner, MasterRunner):
        environment.sending = Worker(environment, runner)


@events.test_start.add_listener  # type: ignore[untyped-decorator]  # as above
def _direct(environment: Any, **_: Any) -> None:
    if isinstance(environment.runner, WorkerRunner):
        return
    options = environment.parsed_options
    settings = LoadSettings(
        url=environment.host or DEFAULT_URL,
        arrivals=Poisson(rate=options.rate),
        duration_s=min(options.run_time or 86_400.0, _LONGEST_STARTS / options.rate),
        seed=options.seed,
        expect=options.expect,
    )
    director = Director(environment.runner, settings, lambda _kind, _record: None)
    director.prepare()
    director.go()


@events.test_stopping.add_listener  # type: ignore[untyped-decorator]  # as above
def _halt(environment: Any, **_: Any) -> None:
    if not isinstance(environment.runner, WorkerRunner):
        environment.runner.send_message("halt", None)
