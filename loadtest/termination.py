"""Being told to end by something other than the keyboard."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_SIGNALS: Final = (signal.SIGTERM, signal.SIGHUP)
"""A supervisor, a CI job that was cancelled; a terminal that was closed."""


@contextmanager
def as_ctrl_c() -> Iterator[None]:
    """While the block runs, these signals raise KeyboardInterrupt: what was made in a cluster is removed, results kept.

    A signal that this process was told to ignore, as `nohup` does, stays ignored. For the main thread alone.
    """
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
