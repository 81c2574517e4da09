"""SIGTERM turns readiness off at once and ends the process only once the load balancers have had time to notice."""

import asyncio
import logging
import signal
import threading
from types import FrameType

from service.health import Health
from service.observation import event


def on_sigterm(health: Health, drain_s: float) -> None:
    """Let SIGTERM first turn readiness off and, after `drain_s`, do what the server had set it to do."""
    if threading.current_thread() is not threading.main_thread():
        return  # only the main thread may set handlers; a test client runs the app elsewhere
    before = signal.getsignal(signal.SIGTERM)
    loop = asyncio.get_running_loop()

    def drain(number: int) -> None:
        if callable(before):
            loop.call_later(drain_s, before, number, None)
        event(logging.INFO, "draining", seconds=drain_s)

    def stop(number: int, _: FrameType | None) -> None:
        # Nothing here may fail or wait: a handler can interrupt a log line half written.
        loop.call_soon_threadsafe(drain, number)
        health.drain()

    signal.signal(signal.SIGTERM, stop)
