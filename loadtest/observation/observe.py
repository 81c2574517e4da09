"""Looking at the server while it is under load: its own metrics and its pods, about once a second.

Two threads of the process that waits for the generator ask, at most ten small requests a second and never more than
one at a time each; whatever cannot be asked is left out in silence, for a look must not disturb what is measured.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Final, TypeVar

import httpx

from loadtest.observation.detector_pods import DetectorPods, Seen, pods_behind
from loadtest.observation.server_metrics import Look, between, read
from loadtest.result import Observations, PodSecond, StageSecond
from lookout import contract
from lookout.errors import LookoutError

Entry = TypeVar("Entry", StageSecond, PodSecond)

_EVERY_S: Final = 1.0
_TIMEOUT_S: Final = 1.0
_MOST_BYTES: Final = 2_000_000
_PODS_A_LOOK: Final = 8
"""More pods than that take turns, so that the API server does not feel how many there are."""


class Observer:
    """Keeps what was seen; times are of `time.perf_counter`, which all processes of a machine share."""

    def __init__(self, url: str, pods: DetectorPods | None, client: httpx.Client) -> None:
        self._url = url
        self._pods = pods
        self._stages: list[tuple[float, StageSecond]] = []
        self._counts: list[tuple[float, PodSecond]] = []
        self._last: dict[str, Look] = {}
        self._ready: tuple[str, ...] = ()
        self._restarts: dict[str, int] = {}
        self._turn = 0
        self._client = client

    def observations(self, began: float, until_s: float) -> Observations:
        """What was seen from the schedule's beginning (a `time.perf_counter`) until so many seconds later."""
        return Observations(
            stages=_shift(self._stages, began, until_s),
            pods=_shift(self._counts, began, until_s),
            stages_from=self._source() if self._stages else "",
        )

    def look_at_pods(self) -> bool:
        """One look at the pods; False when nobody answered."""
        if self._pods is None:
            return False
        try:
            found = self._pods.look()
        except (OSError, ValueError):
            return False
        self._counts.append((time.perf_counter(), self._count(found)))
        self._ready = tuple(pod.name for pod in found.pods if pod.ready)
        return True

    def look_at_metrics(self) -> bool:
        """One look at the metrics, of each pod where they can be told apart; False when nobody answered."""
        looks = [look for look in self._looks() if look is not None]
        pairs = [(self._last[look.process], look) for look in looks if look.process in self._last]
        self._last |= {look.process: look for look in looks}
        if pairs:
            happened = between(pairs)
            held = [look.in_flight for look in looks if look.in_flight is not None]
            second = StageSecond(
                at_s=0.0,
                stage_ms=happened.stage_ms,
                queue_wait_ms=happened.queue_wait_ms,
                in_flight=sum(held) * self._scale(len(looks)) if held else None,
            )
            self._stages.append((time.perf_counter(), second))
        return bool(looks)

    def _looks(self) -> Iterator[Look | None]:
        ready = self._ready
        if not ready:
            yield self._ask_target()
            return
        turn = [*ready[self._turn :], *ready[: self._turn]][:_PODS_A_LOOK]
        self._turn = (self._turn + len(turn)) % len(ready)
        for name in turn:
            yield self._ask_pod(name)

    def _ask_pod(self, name: str) -> Look | None:
        assert self._pods is not None  # noqa: S101  # without them there are no names
        try:
            return read(self._pods.metrics(name), name)
        except (OSError, ValueError):
            return None

    def _ask_target(self) -> Look | None:
        try:
            with self._client.stream("GET", self._url + contract.METRICS_PATH) as answer:
                if answer.status_code != httpx.codes.OK:
                    return None
                body = b""
                for chunk in answer.iter_bytes():
                    body += chunk
                    if len(body) > _MOST_BYTES:
                        return None
            return read(body.decode(errors="replace"))
        except httpx.HTTPError:
            return None

    def _count(self, found: Seen) -> PodSecond:
        # A pod that is gone keeps the restarts it had, or the sum would fall when it goes.
        for pod in found.pods:
            self._restarts[pod.uid] = max(pod.restarts, self._restarts.get(pod.uid, 0))
        ready = sum(pod.ready for pod in found.pods)
        return PodSecond(at_s=0.0, wanted=found.wanted, ready=ready, restarts=sum(self._restarts.values()))

    def _scale(self, looked: int) -> float:
        """From the pods that were asked to all that are ready."""
        return len(self._ready) / looked if self._ready and looked else 1.0

    def _source(self) -> str:
        processes = len(self._last)
        if self._ready:
            return "every pod, asked one by one" if len(self._ready) <= _PODS_A_LOOK else "pods, asked in turn"
        if processes == 1:
            return "the one process that answered"
        return f"whichever of {processes} processes answered, one at a time: each figure is of one of them"


@contextmanager
def observing(url: str) -> Iterator[Observer]:
    """Look at the server at `url` in the background until the block ends."""
    client = httpx.Client(timeout=_TIMEOUT_S, trust_env=False)
    observer = Observer(url, _pods(url), client)
    stop = Event()
    threads = [
        Thread(target=_keep_looking, args=(look, stop), name=f"observe-{name}", daemon=True)
        for name, look in (("pods", observer.look_at_pods), ("metrics", observer.look_at_metrics))
    ]
    # Once before the threads start, so that the metrics know whether there are pods to ask.
    observer.look_at_pods()
    for thread in threads:
        thread.start()
    try:
        yield observer
    finally:
        stop.set()
        for thread in threads:
            thread.join(2 * _TIMEOUT_S)
        # A look that outlives the wait still uses them; its thread ends with the process at the latest.
        if not any(thread.is_alive() for thread in threads):
            client.close()


def _keep_looking(look: Callable[[], bool], stop: Event) -> None:
    # Who does not answer the first time has nothing to tell; who did may come back after a restart.
    if not look():
        return
    next_s = time.monotonic() + _EVERY_S
    while not stop.wait(next_s - time.monotonic()):
        look()
        next_s = max(next_s + _EVERY_S, time.monotonic())


def _pods(url: str) -> DetectorPods | None:
    try:
        return pods_behind(url)
    except (LookoutError, ImportError, OSError):  # no stack, no client library, no right to read: nothing to ask
        return None


def _shift(seen: list[tuple[float, Entry]], began: float, until_s: float) -> tuple[Entry, ...]:
    return tuple(
        entry.model_copy(update={"at_s": round(at - began, 3)}) for at, entry in seen if 0 <= at - began <= until_s
    )
