"""`lookout load profiles` and `lookout load worker`."""

import os
import socket
import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from lookout.errors import UsageError


def profiles_command() -> None:
    """List the named runs and what each is for."""
    from loadtest.gate.slo import format_term
    from loadtest.profiles import PROFILES
    from loadtest.wording import arrivals_in_words

    console = Console(highlight=False)
    for profile in PROFILES.values():
        slo = ", ".join(format_term(term) for term in profile.slo) or "no SLO"
        console.print(Text(profile.name, style="bold"))
        console.print(Text(f"  {profile.intent}"))
        console.print(Text(f"  {arrivals_in_words(profile.arrivals)}; {profile.duration_s:g} s; {slo}", style="dim"))


def worker_command(
    master: Annotated[str, typer.Option(help="HOST:PORT that `lookout load run --master` listens on.")],
) -> None:
    """Wait for another machine's run, send a share of it, end with it.

    Plans, headers included, and samples cross the network unencrypted: use a network you trust.
    """
    host, colon, port = master.rpartition(":")
    if not colon or not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65_536:
        raise UsageError(f"--master: {master!r} is not HOST:PORT", "see: lookout load worker --help")
    try:
        socket.getaddrinfo(host, int(port))
    except OSError as error:
        raise UsageError(
            f"--master: {host}: {error.strerror}", "give a name or address this machine can reach"
        ) from error
    print(f"waiting for a run at {master}; Ctrl-C ends this", file=sys.stderr, flush=True)
    # gevent must replace sockets before anything else has used them: a fresh interpreter in this one's place.
    os.execv(sys.executable, [sys.executable, "-m", "loadtest.generator.worker", host, port])  # noqa: S606  # no shell wanted
