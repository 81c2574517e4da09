"""A spike on production from clients that never pause, and how many pods were ready while it lasted."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx

from gitops import diagnosis
from gitops.cluster import Cluster, UnreachableError
from lookout import contract

_EVERY_S = 0.5


class Clients:
    """What the clients were answered: statuses, or what was raised instead."""

    def __init__(self) -> None:
        self.answers: list[int | str] = []

    @property
    def failed(self) -> list[int | str]:
        """Everything but 200."""
        return [answer for answer in self.answers if answer != 200]


@contextmanager
def clients(url: str, photo: bytes, count: int, pause_s: float = 0.0) -> Iterator[Clients]:
    """`count` clients that post the photo again and again, each waiting for its answer, until the block ends."""
    found, stop = Clients(), threading.Event()

    def ask() -> None:
        with httpx.Client(timeout=30) as client:
            while not stop.is_set():
                try:
                    answer = client.post(url, content=photo, headers={"content-type": "image/jpeg"})
                    found.answers.append(answer.status_code)
                except httpx.HTTPError as error:
                    found.answers.append(repr(error))
                stop.wait(pause_s)

    threads = [threading.Thread(target=ask) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield found
    finally:
        stop.set()
        for thread in threads:
            thread.join()


class Pods:
    """Ready pods of an environment over time; (seconds since the watch began, ready, there at all)."""

    def __init__(self) -> None:
        self.started, self.started_at = time.monotonic(), datetime.now(UTC)
        self.seen: list[tuple[float, int, int]] = []

    def first(self, ready: int, after_s: float = 0.0) -> float | None:
        """When at least `ready` pods were ready for the first time, seconds since `after_s`."""
        return next((at - after_s for at, count, _ in self.seen if at >= after_s and count >= ready), None)

    def settled(self, there: int, after_s: float) -> float | None:
        """When there were no more than `there` pods, leaving ones included, for the first time after `after_s`."""
        return next((at - after_s for at, _, count in self.seen if at >= after_s and count <= there), None)

    @property
    def now_s(self) -> float:
        """Seconds since the watch began."""
        return time.monotonic() - self.started


@contextmanager
def watched(kubeconfig: Path, environment: str = contract.PRODUCTION) -> Iterator[Pods]:
    """Count the environment's pods twice a second until the block ends."""
    found, stop, cluster = Pods(), threading.Event(), Cluster(kubeconfig)

    def look() -> None:
        while not stop.wait(_EVERY_S):
            try:
                pods = [diagnosis.pod_status(pod) for pod in cluster.pods(environment)]
            except UnreachableError:
                continue
            ready = sum(pod.ready and not pod.leaving for pod in pods)
            found.seen.append((found.now_s, ready, len(pods)))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield found
    finally:
        stop.set()
        thread.join()
