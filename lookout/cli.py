"""`lookout`: the root of the one command line. Each sub-command lives beside what it commands.

Exit codes: 0 done, 1 failed with a reason, 64 wrong usage, 70 an error of ours, 130 interrupted.
Start-up stays fast because sub-commands are imported only when they are called.
"""

import importlib
import sys
import traceback
from typing import Any

import typer
from rich.console import Console
from typer.core import TyperGroup
from typer.main import get_command

from lookout import paths
from lookout.errors import EXIT_INTERNAL, EXIT_INTERRUPTED, EXIT_USAGE, LookoutError

_SUB_COMMANDS = {
    "up": ("lookout.up:app", "Bring everything up on this machine, from tools to a photo's boxes."),
    "down": ("lookout.down:app", "Take the runtime down; git repository and caches stay. --purge removes all."),
    "env": ("lookout.environment:app", "Print the exports under which plain pulumi, kubectl and git work."),
    "logs": ("gitops.logs:app", "Show what an environment's pods say."),
    "tools": ("lookout.tools_cli:app", "The external programs: versions, origin, build."),
    "node": ("infra.node.cli:app", "The embedded Kubernetes node under target local."),
    "model": ("service.model.cli:app", "Import, convert and judge detection models."),
    "bento": ("service.bento_cli:app", "Build the bento and its image."),
    "release": ("gitops.release_cli:app", "Cut, promote and look at releases."),
    "load": ("loadtest.cli:app", "Load the detector and report."),
    "licences": ("lookout.licences_cli:app", "List the licences of everything used."),
}


class _LazyGroup(TyperGroup):
    """Loads a sub-command's module when it is used, so that `lookout env` does not import TensorFlow."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002  # the signature is typer's
        return list(_SUB_COMMANDS)

    def get_command(self, ctx: Any, name: str) -> Any:  # noqa: ARG002  # as above
        if name not in _SUB_COMMANDS:
            return None
        module, attribute = _SUB_COMMANDS[name][0].split(":")
        command = get_command(getattr(importlib.import_module(module), attribute))
        command.name = name
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002  # as above
        console = Console()
        console.print("[bold]Commands[/bold]")
        for name, (_, summary) in _SUB_COMMANDS.items():
            console.print(f"  [cyan]{name:<10}[/cyan]{summary}")
        console.print()


app = typer.Typer(cls=_LazyGroup, no_args_is_help=True, add_completion=False, rich_markup_mode=None)


@app.callback()
def _root() -> None:
    """A GitOps deployment stack for an object detector: Pulumi, BentoML, Argo CD, Locust."""


def main(arguments: list[str] | None = None) -> None:
    """Entry point: turns errors into messages and exit codes."""
    console = Console(stderr=True, highlight=False)
    try:
        result: Any = app(args=arguments, standalone_mode=False, prog_name="lookout")
        sys.exit(result if isinstance(result, int) else 0)
    except LookoutError as error:
        console.print(f"error: {error.message}", style="bold red", markup=False)
        if error.remedy:
            console.print(f"  → {error.remedy}", markup=False)
        sys.exit(error.exit_code)
    except typer.Exit as stop:
        sys.exit(stop.exit_code)
    except typer.TyperException as error:  # typer carries its own copy of click: click's classes catch nothing here
        error.show()  # type: ignore[attr-defined]  # what the command line raises has it
        sys.exit(EXIT_USAGE)
    except (KeyboardInterrupt, typer.Abort):
        console.print("interrupted", style="yellow")
        sys.exit(EXIT_INTERRUPTED)
    except BrokenPipeError:
        sys.exit(EXIT_INTERRUPTED)
    except Exception:  # noqa: BLE001  # the last resort: keep the traceback for a report, show one line
        log = paths.log_dir() / "internal-error.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(traceback.format_exc())
        console.print(f"internal error, please report it with {log}", style="bold red", markup=False)
        sys.exit(EXIT_INTERNAL)


if __name__ == "__main__":
    main()
