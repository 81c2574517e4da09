"""What the release commands show a person."""

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.syntax import Syntax
from rich.table import Table

from gitops import version_file
from gitops.history import Entry
from gitops.release import Outcome
from gitops.status import EnvironmentStatus, Overview
from lookout.artifact import Artifact

_SHOWN = 12
"""Hexadecimal digits of a digest: enough to compare by eye, and the table fits eighty columns."""


def show_outcome(console: Console, outcome: Outcome) -> None:
    """The commit made and its diff, or that there was nothing to do."""
    if outcome.commit is None:
        console.print(outcome.summary, markup=False)
        return
    if console.is_terminal:
        console.print(Syntax(outcome.diff, "diff", background_color="default", word_wrap=True))
    else:
        console.out(outcome.diff, highlight=False)
    console.print(f"committed {outcome.commit[:12]}: {outcome.summary}", markup=False, soft_wrap=True)


def show_overview(console: Console, overview: Overview) -> None:
    """A table of the environments; below it everything that is wrong or could not be read."""
    table = Table("", "bento", "in git", "in pods", "Argo CD", "ready", box=None, padding=(0, 1, 0, 0))
    for state in overview.environments:
        table.add_row(*_row(state))
    console.print(table)
    for line in _lines(overview):
        console.print(line, markup=False, soft_wrap=True)


def show_history(console: Console, environment: str, entries: Sequence[Entry]) -> None:
    """The releases of one environment, newest first."""
    if not entries:
        console.print(f"{environment} has had no release", markup=False)
        return
    table = Table("commit", "date", "author", "bento", "digest", "subject", box=None)
    for entry in entries:
        bento = entry.artifact.bento if entry.artifact else "(no readable version)"
        digest = _short(version_file.digest(entry.artifact.image)) if entry.artifact else ""
        table.add_row(entry.commit[:12], entry.date, entry.author, bento, digest, entry.subject)
    console.print(table)


def _row(state: EnvironmentStatus) -> tuple[str, ...]:
    shown = state.pushed or state.release
    argocd = f"{state.sync}, {state.health}" if state.sync else "?"
    ready = f"{state.replicas_ready}/{state.replicas_wanted}" if state.sync else "?"
    pods = ", ".join(_short(digest) for digest in state.running) or ("none" if state.sync else "?")
    return (
        state.environment,
        shown.bento if shown else "unreadable" if state.unreadable else "no release",
        _short(version_file.digest(shown.image)) if shown else "",
        pods,
        argocd,
        ready,
    )


def _lines(overview: Overview) -> Iterable[str]:
    for state in overview.environments:
        if state.release != state.pushed:
            yield f"not pushed  {state.environment}: {_named(state.pushed)} → {_named(state.release)}"
        if state.sync is not None:
            yield from (f"waiting     {state.environment}: {why}" for why in state.waiting_for if state.digest)
        yield from (f"error       {state.environment}: {error}" for error in state.errors)
    if overview.monitoring and not overview.monitoring.settled:
        yield f"waiting     monitoring: {overview.monitoring.sync}, {overview.monitoring.health}"
        yield from (f"error       monitoring: {error}" for error in overview.monitoring.errors)
    yield from (f"error       {error}" for error in overview.errors)
    if overview.behind:
        yield f"behind      deploy/ lacks {overview.behind} commit(s) of its remote"
    if overview.ahead:
        yield f"ahead       {overview.ahead} commit(s) of deploy/ are not pushed"
    yield from (f"note        {note}" for note in overview.notes)


def _named(artifact: Artifact | None) -> str:
    return artifact.bento if artifact else "no release"


def _short(digest: str) -> str:
    return digest.removeprefix("sha256:")[:_SHOWN]
