"""What can be measured: the release of an environment, in pods of their own, or whatever answers at a URL."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from gitops.repository import Repository
from gitops.version_file import digest
from loadtest.capacity import measure
from loadtest.capacity.effort import Effort
from loadtest.capacity.machine import this_machine
from loadtest.capacity.measurement import Subject, Target
from loadtest.capacity.pods import MeasuredPods
from loadtest.capacity.record import Attempt
from loadtest.capacity.search import Ask
from loadtest.capacity.sweep import Step
from loadtest.gate.slo import SloTerm
from loadtest.result import LoadResult
from loadtest.target import ask_service
from lookout.errors import LookoutError
from service import settings as service_settings


class Given(NamedTuple):
    """Options that concern the target."""

    machine_type: str
    prices: Path | None
    limit_millicores: int
    kubeconfig: str | None
    command: str


class RealRuns:
    """Runs by the generator of this project, on this machine."""

    def closed(self, url: str, step: Step, duration_s: float) -> LoadResult:
        """A closed-loop run."""
        return measure.closed(url, step, duration_s)

    def attempt(self, url: str, ask: Ask, slo: tuple[SloTerm, ...], effort: Effort) -> Attempt:
        """A judged Poisson run."""
        return measure.attempt(url, ask, slo, effort)


@contextmanager
def environment_target(environment: str, given: Given, say: Callable[[str], None]) -> Iterator[tuple[Subject, Target]]:
    """An environment's release in pods of its own, removed at the end.

    LookoutError when it has no release, does not run it, or when its pods cannot be reached from here.
    """
    machine = this_machine(given.machine_type, given.prices)
    artifact = Repository.open().version(environment)
    if artifact is None:
        raise LookoutError(f"{environment} has no release to measure", f"lookout release cut --env {environment}")
    with MeasuredPods(environment, artifact, given.kubeconfig) as pods:
        settings = service_settings.from_environment(pods.environment_variables)
        yield (
            Subject(
                digest=digest(artifact.image),
                bento=artifact.bento,
                model=artifact.model,
                environment=environment,
                workers=settings.threads or machine.cores,
                queue=settings.queue,
                machine=machine,
                pods_per_machine=pods.pods_per_machine(),
                command=given.command,
                conditions=(
                    "The load generator, the control plane and every environment's pods ran on the same machine.",
                    "One pod was measured without a CPU limit, with the environment's own settings.",
                    "No pod refused a photo for its time in the queue.",
                    f"Each replica was limited to {given.limit_millicores} millicores of the {machine.cores} cores.",
                ),
            ),
            _Overlay(pods, given.limit_millicores, say),
        )


@contextmanager
def url_target(url: str, given: Given) -> Iterator[tuple[Subject, Target]]:
    """The detector at a URL. LookoutError when there is none."""
    said = ask_service(url)
    yield (
        Subject(
            digest=None,
            bento=said.get("bento", "unknown"),
            model=f"{said.get('name', 'unknown')}:{said.get('version', 'unknown')}",
            environment=None,
            workers=None,
            queue=0,
            machine=this_machine(given.machine_type, given.prices),
            pods_per_machine=None,
            command=given.command,
            conditions=(f"Whatever answers at {url}: it may be several pods.",),
        ),
        _Url(url),
    )


class _Overlay:
    def __init__(self, pods: MeasuredPods, limit_millicores: int, say: Callable[[str], None]) -> None:
        self._pods, self._limit_millicores, self._say = pods, limit_millicores, say

    def one(self) -> str:
        return self._reachable(self._pods.run(1, None, self._say))

    def replicas(self, count: int) -> str:
        return self._pods.run(count, self._limit_millicores, self._say)

    def _reachable(self, url: str) -> str:
        try:
            ask_service(url)
        except LookoutError as error:
            raise LookoutError(
                f"the measured pods cannot be reached from here: {error.message}",
                "run this on a machine with a route to the cluster's Services, such as the local node's own",
            ) from error
        return url


class _Url:
    def __init__(self, url: str) -> None:
        self._url = url

    def one(self) -> str:
        return self._url

    def replicas(self, count: int) -> None:  # noqa: ARG002  # whoever runs it sets their number
        return None
