"""Waiting until environments run what git says, and saying why when they do not."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from gitops import diagnosis, status
from gitops.cluster import Cluster, Object, UnreachableError
from gitops.repository import Repository
from gitops.status import EnvironmentStatus
from lookout.errors import LookoutError

_INTERVAL_S = 0.5
_LOOK_AGAIN_EVERY_S = 5.0
"""How often Argo CD is asked to compare anew what is not in sync."""
_EVENTS = 5


def wait_healthy(
    environments: Sequence[str],
    timeout_s: float,
    progress: Callable[[str], None] = lambda _text: None,
    *,
    kubeconfig: str | Path | None = None,
    repository: Repository | None = None,
) -> list[EnvironmentStatus]:
    """Wait until each environment runs the digest that was pushed: synced, healthy, every pod ready, no old one left.

    `progress` is told what is waited for whenever that changes. LookoutError with Argo CD's conditions, the pods'
    waiting reasons and the last warnings after `timeout_s` seconds; sooner when all that is left to wait for are
    environments for which git holds no release, or none that can be read.
    """
    repository = repository or Repository.open()
    deadline = time.monotonic() + timeout_s
    look_again = time.monotonic() + _LOOK_AGAIN_EVERY_S
    cluster = Cluster(kubeconfig)
    told = ""
    while True:
        try:
            reading = cluster.read(environments)
            states = [s for s in status.from_reading(repository, reading) if s.environment in environments]
            waiting = [f"{s.environment}: {why}" for s in states for why in s.waiting_for]
            shared = diagnosis.shared_errors(reading)
            if time.monotonic() >= look_again and any(state.sync != "Synced" for state in states):
                look_again = time.monotonic() + _LOOK_AGAIN_EVERY_S
                cluster.look_again(reading)
        except UnreachableError as error:  # an API server that restarts is waited for as well
            states, waiting, shared = [], [str(error)], []
        if not waiting:
            return states
        if (now := "; ".join(waiting)) != told:
            progress(told := now)
        in_vain = bool(states) and all(state.digest is None for state in states if state.waiting_for)
        if in_vain or time.monotonic() >= deadline:
            when = "cannot settle" if in_vain else f"did not settle within {timeout_s:g} s"
            unsettled = [state.environment for state in states if state.waiting_for] if in_vain else environments
            head = f"{', '.join(unsettled)} {when}"
            raise LookoutError(_why(head, waiting, shared, states, cluster), _remedy(states))
        time.sleep(_INTERVAL_S)


def event_line(event: Object) -> str:
    """A Warning event in one line."""
    what = event.get("involvedObject") or event.get("regarding") or {}
    times = event.get("count") or (event.get("series") or {}).get("count") or 1
    repeated = f" (x{times})" if times > 1 else ""
    return f"{what.get('kind')} {what.get('name')}: {event.get('reason')}: {event.get('message', '').strip()}{repeated}"


def _why(
    head: str,
    waiting: Sequence[str],
    shared: Sequence[str],
    states: Sequence[EnvironmentStatus],
    cluster: Cluster,
) -> str:
    lines = [*waiting, *shared]
    lines += [f"{state.environment}: {error}" for state in states for error in state.errors]
    for state in states:
        if state.waiting_for:
            lines += [f"{state.environment}: {event_line(event)}" for event in _recent(cluster, state.environment)]
    shown = "\n".join(f"    {line}" for line in dict.fromkeys(lines))
    return f"{head}:\n{shown}"


def _recent(cluster: Cluster, environment: str) -> Sequence[Object]:
    try:
        return cluster.warnings(environment)[-_EVENTS:]
    except UnreachableError:
        return ()


def _remedy(states: Sequence[EnvironmentStatus]) -> str:
    stuck = next((state.environment for state in states if state.pods and state.waiting_for), None)
    return f"lookout logs {stuck}; lookout release status" if stuck else "lookout release status"
