"""What every command that commits in deploy/ does first and last: look at the remote, show the diff, push if asked."""

import typer
from rich.console import Console

from gitops import screen
from gitops.release import Outcome
from gitops.repository import Repository
from lookout.errors import LookoutError


def current(push: bool) -> Repository:
    """deploy/ after asking the remote for news: refused when it lacks commits, or when it cannot be pushed to."""
    repository = Repository.open()
    if silent := repository.fetch():
        if push:
            raise LookoutError(silent, "is the node up? lookout node status; or leave out --push")
        Console(stderr=True, highlight=False).print(f"note: {silent}", style="yellow", markup=False)
    repository.refuse_divergence()
    return repository


def finish(repository: Repository, outcome: Outcome, push: bool) -> None:
    """Show what was committed, and push it or say how."""
    screen.show_outcome(Console(highlight=False), outcome)
    ahead = repository.distance().ahead
    if push and ahead:
        repository.push()
        typer.echo(f"pushed {ahead} commit(s); watch with: lookout release status")
    elif ahead:
        typer.echo(f"{ahead} commit(s) not pushed; release with: git -C {repository.directory} push")
