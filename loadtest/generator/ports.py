"""Ports and descriptors: what a run needs of the operating system before it can talk."""

import resource
import socket
from typing import Final

from lookout.errors import UsageError

_DESCRIPTORS: Final = 65_536


def check_free(option: str, host: str, port: int) -> None:
    """UsageError when nothing can listen there."""
    try:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        raise UsageError(
            f"{option}: cannot listen on {host}:{port}: {error.strerror}", "choose another port"
        ) from error


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
        return number


def allow_connections() -> None:
    """Raise this process's limit of open files as far as it may: each request in flight is one, 1,024 are usual."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _DESCRIPTORS)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
