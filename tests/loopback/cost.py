"""Processor time of one request, through our sender and through Locust's FastHttpSession: `cost.py URL COUNT`.

Both send the same photos from eight greenlets and tell Locust's statistics. Prints a JSON object of microseconds.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import gevent  # type: ignore[import-untyped]  # ships no types
from locust import FastHttpUser
from locust.env import Environment

from loadtest.generator.recorder import Recorder
from loadtest.generator.sender import Sender
from loadtest.photos.prepared import load_photos
from loadtest.settings import LoadSettings

_GREENLETS = 8


def main() -> None:
    """Measure each twice and keep the second: the first opens connections."""
    url, count = sys.argv[1], int(sys.argv[2])
    environment = Environment(user_classes=[])
    environment.create_local_runner()
    print(json.dumps({"ours": _ours(environment, url, count), "fasthttp": _fasthttp(environment, url, count)}))


def _ours(environment: Environment, url: str, count: int) -> float:
    recorder = Recorder(lambda _kind, _record: None)
    sender = Sender(LoadSettings(url=url, expect="any"), recorder, environment.events.request.fire)
    return _microseconds(count, lambda i: sender.send(i, time.perf_counter(), 0.0))


def _fasthttp(environment: Environment, url: str, count: int) -> float:
    user: Any = type("User", (FastHttpUser,), {"host": url})
    clients = [user(environment).client for _ in range(_GREENLETS)]
    photos = load_photos()

    def send(i: int) -> None:
        photo = photos[i % len(photos)]
        clients[i % _GREENLETS].post("/v1/detect", data=photo.data, headers={"Content-Type": photo.content_type})

    return _microseconds(count, send)


def _microseconds(count: int, send: Callable[[int], object]) -> float:
    def some(first: int) -> None:
        for i in range(first, count, _GREENLETS):
            send(i)

    spent = 0.0
    for _ in range(2):
        before = time.process_time()
        gevent.joinall([gevent.spawn(some, first) for first in range(_GREENLETS)], raise_error=True)
        spent = time.process_time() - before
    return spent / count * 1e6


if __name__ == "__main__":
    main()
