"""`python -m service`: the detector as the image runs it.

The app that `bentoml serve` mounts, without BentoML around it: its supervisor process would load everything a second
time, and restarting what dies is Kubernetes' work. Not importing it spares 40 MB and half of the start.
"""

import argparse
import sys

import uvicorn

from lookout import contract
from lookout.errors import LookoutError
from service import allocator, connections
from service.settings import LONGEST_REQUEST_S


def main() -> None:
    """Listen until SIGTERM, then finish what is in flight."""
    options = argparse.ArgumentParser(prog="python -m service", description="Serve the detector over HTTP.")
    options.add_argument("--host", default="0.0.0.0", help="address to listen on")  # noqa: S104  # a pod's own network
    options.add_argument("--port", type=int, default=contract.CONTAINER_PORT, help="port to listen on")
    chosen = options.parse_args()

    allocator.give_memory_back()
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
        timeout_graceful_shutdown=LONGEST_REQUEST_S,
    )


if __name__ == "__main__":
    main()
