"""Processor time of one request, through our sender and through Locust's FastHttpSession: `cost.py URL COUNT`.

Both send the same photos from eight greenlets and tell Locust's statistics, in short turns one after the other: a
machine shared with others changes its speed within seconds. Prints a JSON object of microseconds, the least of each
one's turns.
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
_TURNS = 8


def main() -> None:
    """Let both take turns of COUNT requests; the first of each opens connections and does not count."""
    url, count = sys.argv[1], int(sys.argv[2])
    environment = Environment(user_classes=[])
    environment.create_local_runner()
    ways = {"ours": _ours(environment, url), "fasthttp": _fasthttp(environment, url)}
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(1 + _TURNS):
        for name, send in ways.items():
            spent[name].append(_microseconds(count, send))
    print(json.dumps({name: min(turns[1:]) for name, turns in spent.items()}))


def _ours(environment: Environment, url: str) -> Callable[[int], object]:
    recorder = Recorder(lambda _kind, _record: None)
    sender = Sender(LoadSettings(url=url, expect="any"), recorder, environment.events.request.fire)
    return lambda i: sender.send(i, time.perf_counter(), 0.0)


def _fasthttp(environment: Environment, url: str) -> Callable[[int], object]:
    user: Any = type("User", (FastHttpUser,), {"host": url})
    clients = [user(environment).client for _ in range(_GREENLETS)]
    photos = load_photos()

    def send(i: int) -> None:
        photo = photos[i % len(photos)]
        clients[i % _GREENLETS].post("/v1/detect", data=photo.data, headers={"Content-Type": photo.content_type})

    return send


def _microseconds(count: int, send: Callable[[int], object]) -> float:
    def some(first: int) -> None:
        for i in range(first, count, _GREENLETS):
            send(i)

    before = time.process_time()
    gevent.joinall([gevent.spawn(some, first) for first in range(_GREENLETS)], raise_error=True)
    return (time.process_time() - before) / count * 1e6


if __name__ == "__main__":
    main()
