"""Known latencies: how long the reference server holds each answer back. Pure."""

import random
import re
from collections.abc import Callable
from typing import Final

Hold = Callable[[float], float]
"""Seconds that an answer is held back, from the seconds since the first request."""

FORMS: Final = "constant:20ms, bimodal:10ms:200ms:2% or stalls:20ms:1s:10s:5s"
_TIME: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s)")


def parse_hold(text: str, seed: int = 1) -> Hold:
    """What `constant:20ms`, `bimodal:FAST:SLOW:SHARE%` or `stalls:BASE:STALL:EVERY:FIRST` says; else ValueError."""
    kind, *values = text.split(":")
    if kind == "constant" and len(values) == 1:
        return constant(_seconds(values[0]))
    if kind == "bimodal" and len(values) == 3:
        return bimodal(_seconds(values[0]), _seconds(values[1]), float(values[2].removesuffix("%")) / 100, seed)
    if kind == "stalls" and len(values) == 4:
        base_s, stall_s, every_s, first_s = (_seconds(value) for value in values)
        return stalls(base_s, stall_s, every_s, first_s)
    raise ValueError(f"{text!r} is not a known latency: {FORMS}")


def constant(hold_s: float) -> Hold:
    """The same for every answer."""
    return lambda _since_s: hold_s


def bimodal(fast_s: float, slow_s: float, slow_share: float, seed: int) -> Hold:
    """Slow for a share of the answers, drawn by seed."""
    draw = random.Random(seed).random  # noqa: S311  # repeatable on purpose, nothing secret
    return lambda _since_s: slow_s if draw() < slow_share else fast_s


def stalls(base_s: float, stall_s: float, every_s: float, first_s: float) -> Hold:
    """Nothing is answered for `stall_s`, every `every_s`, from `first_s` after the first request on."""

    def hold(since_s: float) -> float:
        into_s = (since_s - first_s) % every_s
        return base_s + (stall_s - into_s if since_s >= first_s and into_s < stall_s else 0.0)

    return hold


def _seconds(text: str) -> float:
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a time: write it as 20ms or 1s")
    return float(match[1]) / (1000 if match[2] == "ms" else 1)
