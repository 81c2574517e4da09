"""What every command that commits in deploy/ does first and last: look at the remote, show the diff, push if asked."""

import typer
from rich.console import Console

from gitops import handover, screen
from gitops.cluster import Cluster
from gitops.release import Outcome
from gitops.repository import Repository
from lookout.errors import LookoutError


def current(push: bool) -> Repository:
    """deploy/ after asking the remote for news: refused when it lacks commits, or when it cannot be pushed to."""
    repository = Repository.open()
    if silent := repository.fetch():
        if push:
            raise LookoutError(silent, "is the node up? lookout node status; or leave out --push")
        _warn(f"note: {silent}")
    repository.refuse_divergence()
    return repository


def finish(repository: Repository, outcome: Outcome, push: bool) -> None:
    """Show what was committed, and push it or say how.

    UnreachableError, with nothing pushed, where pods must be held for the push and the cluster does not answer.
    """
    screen.show_outcome(Console(highlight=False), outcome)
    ahead = repository.distance().ahead
    leaving = handover.leaving(repository) if ahead else {}
    if push and ahead:
        if leaving:
            cluster = Cluster()
            for environment in leaving:
                if held := handover.hold(environment, cluster):
                    typer.echo(f"{environment}: its {held} replicas stay until the autoscaler sets another number")
        repository.push()
        typer.echo(f"pushed {ahead} commit(s); watch with: lookout release status")
    elif ahead:
        typer.echo(f"{ahead} commit(s) not pushed; release with: git -C {repository.directory} push")
        for environment, replicas in leaving.items():
            _warn(
                f"warning: {environment} goes from {replicas} fixed replicas to an autoscaler; release it with --push, "
                "which holds the replicas meanwhile: a plain git push drops it to one pod for some seconds"
            )


def _warn(line: str) -> None:
    Console(stderr=True, highlight=False).print(line, style="yellow", markup=False, soft_wrap=True)
