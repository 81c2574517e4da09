"""`python -m service`: the detector in one process, as the image runs it.

The app that `bentoml serve` mounts, without BentoML around it: its supervisor process would load everything a second
time, and restarting what dies is Kubernetes' work. Not importing it spares 40 MB and half of the start.
"""

import argparse
import ctypes
import sys

import uvicorn

from lookout import contract
from lookout.errors import LookoutError
from service import connections
from service.settings import LONGEST_REQUEST_S

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
"""Of glibc's malloc.h."""


def main() -> None:
    """Listen until SIGTERM, then finish what is in flight."""
    options = argparse.ArgumentParser(prog="python -m service", description="Serve the detector over HTTP.")
    options.add_argument("--host", default="0.0.0.0", help="address to listen on")  # noqa: S104  # a pod's own network
    options.add_argument("--port", type=int, default=contract.CONTAINER_PORT, help="port to listen on")
    chosen = options.parse_args()

    _give_memory_back()
    try:
        from service.serving import APP, SETTINGS  # reads settings and the model's card
    except LookoutError as error:
        sys.exit(f"error: {error}")
    uvicorn.run(
        APP,
        host=chosen.host,
        port=chosen.port,
        log_config=None,
        access_log=False,
        server_header=False,
        loop="uvloop",
        http=connections.protocol(SETTINGS),
        ws="none",
        proxy_headers=False,  # nothing depends on the client's address
        timeout_keep_alive=SETTINGS.keep_alive_s,
        timeout_graceful_shutdown=LONGEST_REQUEST_S,
    )


def _give_memory_back() -> None:
    """Return the memory of large photos to the system at once, as far as the C library lets itself be told.

    By default glibc learns from the first large block it frees to keep such blocks: after a few of 40 Mpixel, each
    compute thread held on to its own (measured: 460 MiB idle with two threads, 750 with four; with this 220 and 280).
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return  # another C library, with habits of its own
    mallopt(_M_MMAP_THRESHOLD, 4 * 1024**2)
    mallopt(_M_TRIM_THRESHOLD, 16 * 1024**2)


if __name__ == "__main__":
    main()
