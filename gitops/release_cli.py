"""`lookout release`: cut, promote and roll back, all as commits; the push of a commit is the release."""

import json
from typing import Annotated

import typer
from rich.console import Console

from gitops import history as history_module
from gitops import release, screen, seed, status, update
from gitops.committing import current, finish
from gitops.promote import check_environment
from gitops.repository import Repository
from gitops.size_cli import check_command, size_command
from lookout import artifact, contract, paths
from lookout.errors import UsageError

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Cut, promote and look at releases: commits in deploy/, whose push Argo CD carries out.",
)

_ORDER = ", ".join(contract.ENVIRONMENTS)
Push = Annotated[bool, typer.Option("--push", help="Push the commit: this is what releases it.")]
Force = Annotated[bool, typer.Option("--force", help="In an emergency: go past the usual order of environments.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
Environment = Annotated[str, typer.Argument(help=f"One of {_ORDER}.")]


@app.command()
def cut(
    env: Annotated[str | None, typer.Option("--env", help=f"Environment that takes it; default {_ORDER[:3]}.")] = None,
    bento: Annotated[str | None, typer.Option("--bento", help="Bento as name:version; default the last built.")] = None,
    all_environments: Annotated[
        bool, typer.Option("--all-environments", help="Every environment at once: the first release of all.")
    ] = False,
    push: Push = False,
    force: Force = False,
) -> None:
    """Give the image built last (or --bento) to an environment: one commit that writes its version.yaml.

    New releases start in dev; other environments take one by promotion. A first release may go anywhere.
    """
    if env and all_environments:
        raise UsageError("--env and --all-environments exclude each other", "name one of them")
    environments = list(contract.ENVIRONMENTS) if all_environments else [env or contract.ENVIRONMENTS[0]]
    repository = current(push)
    finish(repository, release.cut(repository, artifact.load(bento), environments, force=force), push)


@app.command()
def promote(
    source: Annotated[str, typer.Argument(help=f"Environment whose version is taken: one of {_ORDER}.")],
    target: Annotated[str, typer.Argument(help="The environment after it.")],
    push: Push = False,
    force: Force = False,
) -> None:
    """Give the next environment what this one has in git.

    Unconditional: no load test or other evidence is asked for.
    """
    repository = current(push)
    outcome = release.promote_release(repository, source, target, force=force)
    if outcome.commit:
        Console(stderr=True).print("promoted unconditionally: no evidence was asked for", style="yellow")
    finish(repository, outcome, push)


@app.command()
def rollback(
    environment: Environment,
    to: Annotated[str | None, typer.Option("--to", help="Commit whose version to restore; see `history`.")] = None,
    steps: Annotated[int, typer.Option("--steps", help="How many releases to go back.")] = 1,
    push: Push = False,
) -> None:
    """Restore an earlier version of an environment, by a commit, so that git goes on saying what runs.

    Rolling back twice goes two releases back, not forth again.
    """
    if to and steps != 1:
        raise UsageError("--to and --steps exclude each other", "name one of them")
    repository = current(push)
    finish(repository, release.rollback(repository, environment, to=to, steps=steps), push)


@app.command("update")
def update_command(
    push: Push = False,
    on_conflict: Annotated[
        str, typer.Option("--on-conflict", help="Files edited on both sides: refuse, mine (deploy/'s) or project.")
    ] = "refuse",
) -> None:
    """Bring this project's committed gitops/config/ over into deploy/, as one commit that touches no version.

    It is a three-way merge: what was edited in deploy/ stays, unless the same lines changed in the project.
    """
    choices: dict[str, update.OnConflict] = {"refuse": "refuse", "mine": "mine", "project": "project"}
    if on_conflict not in choices:
        raise UsageError(f"--on-conflict {on_conflict} is unknown", f"one of {', '.join(choices)}")
    repository = current(push)
    finish(repository, update.update(repository, on_conflict=choices[on_conflict]), push)


@app.command("status")
def status_command(
    as_json: Json = False,
    kubeconfig: Annotated[
        str | None, typer.Option("--kubeconfig", help="Default: $KUBECONFIG, else the local node's.")
    ] = None,
) -> None:
    """Git beside cluster: versions, Argo CD's state and errors, and the digests that pods run.

    Without a cluster it shows git alone, and says so.
    """
    overview = status.overview(kubeconfig)
    if as_json:
        typer.echo(overview.model_dump_json(indent=2))
    else:
        screen.show_overview(Console(highlight=False), overview)


@app.command("history")
def history_command(environment: Environment, as_json: Json = False) -> None:
    """Every commit that changed an environment's version, newest first."""
    entries = history_module.read(Repository.open(), check_environment(environment))
    if as_json:
        typer.echo(json.dumps([entry.model_dump() for entry in entries], indent=2))
    else:
        screen.show_history(Console(highlight=False), environment, entries)


@app.command()
def clone(url: Annotated[str, typer.Argument(help="The configuration repository, as git clones it.")]) -> None:
    """Clone a configuration repository into deploy/. An empty one gets this project's gitops/config/ to push."""
    directory = paths.deploy_dir()
    made = seed.clone(url, directory)
    typer.echo(f"{'cloned into' if made else 'already there:'} {directory}")
    if Repository.open(directory).upstream is None:
        typer.echo(f"the remote is empty; begin with: git -C {directory} push")


app.command("size")(size_command)
app.command("check")(check_command)
