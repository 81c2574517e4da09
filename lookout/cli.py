"""`lookout`: the root of the one command line. Each sub-command lives beside what it commands.

Exit codes: 0 done, 1 failed with a reason, 64 wrong usage, 70 an error of ours, 130 interrupted.
Start-up stays fast because sub-commands are imported only when they are called.
"""

import errno
import importlib
import sys
import traceback
from contextlib import suppress
from typing import Any, Final

import typer
from rich.console import Console

from lookout import paths, preflight
from lookout.errors import EXIT_FAILURE, EXIT_INTERNAL, EXIT_INTERRUPTED, EXIT_USAGE, LookoutError

_SUB_COMMANDS: Final = {
    "up": ("lookout.up:app", "Bring everything up on this machine, from tools to a photo's boxes."),
    "prepare": ("lookout.prepare:app", "Install and build everything `up` needs, and start nothing."),
    "down": ("lookout.down:app", "Take the runtime down; git repository and caches stay. --purge removes all."),
    "env": ("lookout.environment:app", "Print the exports under which plain pulumi, kubectl and git work."),
    "logs": ("gitops.logs:app", "Show what an environment's pods say."),
    "tools": ("lookout.tools_cli:app", "The external programs: versions, origin, build."),
    "monitoring": (
        "infra.monitoring_cli:app",
        "Prometheus and its adapter: images for a cluster elsewhere, and rules.",
    ),
    "node": ("infra.node.cli:app", "The embedded Kubernetes node under target local."),
    "model": ("service.model.cli:app", "Import, convert and judge detection models."),
    "bento": ("service.bento_cli:app", "Build the bento and its image."),
    "detect": ("client.command:app", "Detect objects on photos with a running detector."),
    "release": ("gitops.release_cli:app", "Cut, promote and look at releases."),
    "load": ("loadtest.cli:app", "Load the detector and report."),
    "licences": ("lookout.licences_cli:app", "List the licences of everything used."),
}


_ClickUsageError: Final[Any] = typer.BadParameter.__mro__[1]
"""typer carries a click of its own and names only this subclass of its usage error."""


def main(arguments: list[str] | None = None) -> None:
    """Entry point: turns errors into messages and exit codes."""
    console = Console(stderr=True, highlight=False)
    preflight.complete_path()
    words = sys.argv[1:] if arguments is None else arguments
    try:
        result = _application(words[0] if words else "")(args=words, standalone_mode=False, prog_name="lookout")
        if result == EXIT_INTERRUPTED:  # typer makes an exit code of Ctrl-C, without a word
            console.print("interrupted", style="yellow")
        sys.exit(result if isinstance(result, int) else 0)
    except LookoutError as error:
        console.print(f"error: {error.message}", style="bold red", markup=False)
        if error.remedy:
            console.print(f"  → {error.remedy}", markup=False)
        sys.exit(error.exit_code)
    except typer.Exit as stop:
        sys.exit(stop.exit_code)
    except _ClickUsageError as error:
        error.show()
        sys.exit(EXIT_USAGE)
    except (KeyboardInterrupt, typer.Abort):
        console.print("interrupted", style="yellow")
        sys.exit(EXIT_INTERRUPTED)
    except Exception as error:  # noqa: BLE001  # the last resort: keep the traceback for a report, show one line
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            console.print(f"error: the disk is full: {error}", style="bold red", markup=False)
            console.print("  → free some space (docs/runbooks/disk-full.md), then run the command again", markup=False)
            sys.exit(EXIT_FAILURE)
        log = paths.log_dir() / "internal-error.log"
        with suppress(OSError):
            log.parent.mkdir(parents=True, exist_ok=True)
            log.write_text(traceback.format_exc())
        console.print(f"internal error ({error!r}), please report it with {log}", style="bold red", markup=False)
        sys.exit(EXIT_INTERNAL)


def _application(wanted: str) -> typer.Typer:
    """The root command with the wanted sub-command loaded and the others by name only: start-up stays fast."""
    root = typer.Typer(
        no_args_is_help=True,
        add_completion=False,
        help="A GitOps deployment stack for an object detector: Pulumi, BentoML, Argo CD, Locust.",
    )
    for name, (target, summary) in _SUB_COMMANDS.items():
        if name == wanted:
            module, attribute = target.split(":")
            root.add_typer(getattr(importlib.import_module(module), attribute), name=name, help=summary)
        else:
            root.command(name, help=summary)(_not_loaded)
    return root


def _not_loaded() -> None:
    """Stands for a sub-command in the list of all."""


if __name__ == "__main__":
    main()
