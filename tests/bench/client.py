"""The client of closed loop: connections that each send the next photo when the last answer has come.

It is the load generator's own connection (loadtest/generator/client.py) without Locust around it: processor time that
it takes is taken from the server on the same machine, so every round says how much that was.
"""

import math
import time
from collections.abc import Sequence
from typing import Final, NamedTuple

import gevent  # type: ignore[import-untyped]  # ships no types
from geventhttpclient.response import HTTPParseError

from loadtest.generator.client import Client
from loadtest.photos.prepared import Photo
from lookout.contract import DETECT_PATH

_PATIENCE_S: Final = 30.0
_PAUSE_AFTER_ERROR_S: Final = 0.1
"""A refused connection fails in microseconds: without a pause the loop would spin on it."""


class Measured(NamedTuple):
    """What the client saw of one round, without its warm-up."""

    per_s: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    requests: int
    errors: int
    cores: float


def saturate(url: str, photos: Sequence[bytes], connections: int, seconds: float, warm_s: float) -> Measured:
    """Ask for `warm_s` + `seconds`, each photo in turn, and measure the latter part.

    Throughput counts answers that arrived in that time; latencies are of the same. NaN where nothing was answered.
    """
    client = Client(url, DETECT_PATH, {})
    requests = [client.request(Photo("", data, "image/jpeg", 0, 0)) for data in photos]
    samples: list[tuple[float, float, bool]] = []
    begins = time.perf_counter() + warm_s
    ends = begins + seconds

    def loop(first: int) -> None:
        number = first
        while (started := time.perf_counter()) < ends:
            correct = _correct(client, requests[number % len(requests)])
            samples.append((started, time.perf_counter(), correct))
            number += 1
            if not correct:
                gevent.sleep(_PAUSE_AFTER_ERROR_S)

    loops = [gevent.spawn(loop, number) for number in range(connections)]
    try:
        gevent.sleep(warm_s)
        cpu_before = time.process_time()
        gevent.sleep(max(0.0, ends - time.perf_counter()))
        cores = (time.process_time() - cpu_before) / seconds
        gevent.joinall(loops, timeout=_PATIENCE_S, raise_error=True)
    finally:
        gevent.killall(loops)
        client.close()
    return measure(samples, begins, ends, cores)


def measure(samples: Sequence[tuple[float, float, bool]], begins: float, ends: float, cores: float) -> Measured:
    """Figures from (start, end, whether correct) of each request: those that ended between `begins` and `ends`."""
    within = [(ended - started, correct) for started, ended, correct in samples if begins <= ended < ends]
    times = sorted(seconds for seconds, correct in within if correct)
    return Measured(
        per_s=len(times) / (ends - begins),
        p50_ms=_percentile(times, 0.50) * 1000,
        p99_ms=_percentile(times, 0.99) * 1000,
        max_ms=_percentile(times, 1.0) * 1000,
        requests=len(within),
        errors=len(within) - len(times),
        cores=cores,
    )


def _correct(client: Client, request: bytes) -> bool:
    try:
        with gevent.Timeout(_PATIENCE_S):
            return client.exchange(request).status == 200
    except (OSError, HTTPParseError, ValueError, gevent.Timeout):
        return False


def _percentile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of all are not above (nearest rank)."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else math.nan
