"""What an environment ran, commit by commit, and how far back a rollback goes."""

from collections.abc import Sequence
from typing import Final

from pydantic import BaseModel, ConfigDict

from gitops import version_file
from gitops.git import git
from gitops.repository import Repository
from lookout.artifact import Artifact
from lookout.errors import LookoutError

ROLLBACK_TRAILER: Final = "Lookout-Rollback-To"
"""Trailer of a rollback's commit: the commit whose version it restored."""


class Entry(BaseModel):
    """One commit that touched an environment's version file. `artifact` is None where it removed or broke the file."""

    model_config = ConfigDict(frozen=True)

    commit: str
    date: str
    author: str
    subject: str
    artifact: Artifact | None
    restored: str | None = None
    """For a rollback: the commit whose version came back."""


def read(repository: Repository, environment: str) -> list[Entry]:
    """Every commit on the branch that touched the environment's version, newest first."""
    path = version_file.path(environment)
    trailer = f"%(trailers:key={ROLLBACK_TRAILER},valueonly,separator=%x20)"
    # A NUL after each field: the one character that neither a subject nor a name can hold.
    log = git(repository.directory, "log", "-z", f"--format=%H%x00%cI%x00%an%x00%s%x00{trailer}", "HEAD", "--", path)
    fields = iter(log.split("\0")[:-1])
    entries = []
    for commit, date, author, subject, restored in zip(*[fields] * 5, strict=True):
        try:
            artifact = repository.version(environment, commit)
        except LookoutError:
            artifact = None  # a hand edit that never rendered is part of the history, but nothing to go back to
        entries.append(
            Entry(
                commit=commit, date=date, author=author, subject=subject, artifact=artifact, restored=restored or None
            )
        )
    return entries


def earlier(entries: Sequence[Entry], steps: int) -> Entry | None:
    """The entry `steps` releases before the present one, or None when the history does not go that far.

    Entries are newest first. A rollback counts as the entry it restored, so going back again after a rollback goes
    further back, never forward to the release that was rolled back.
    """
    if not entries:
        return None
    at = _origin(entries, 0)
    current = entries[at].artifact
    while at + 1 < len(entries):
        at = _origin(entries, at + 1)
        if entries[at].artifact in (None, current):
            continue
        current = entries[at].artifact
        steps -= 1
        if steps == 0:
            return entries[at]
    return None


def _origin(entries: Sequence[Entry], at: int) -> int:
    """Where the version of the entry came from: itself, or what a rollback restored."""
    positions = {entry.commit: i for i, entry in enumerate(entries)}
    while (restored := entries[at].restored) and positions.get(restored, 0) > at:
        at = positions[restored]
    return at
