"""Pulumi as `make up` and `make down` drive it: one stack on a file backend, its events as progress, its errors plain.

    stack.up(print)         → Report: what changed
    stack.preview(print)    → Report: what would change; needs no running cluster
    stack.destroy(print)    → Report
    stack.outputs()         → the stack's outputs

Each first makes the stack when it is missing, lifts the lock of a process that is gone and forgets what an
interrupted run had begun: everything the program makes is made so that making it twice does no harm.
"""

import json
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

from infra import orphans, stackfile, stacklock
from infra.events import NOT_READY, Report
from infra.settings import API_TOKENS, PROJECT
from lookout import environment, paths, process
from lookout.environment import STACK
from lookout.errors import LookoutError

Progress = Callable[[str], None]

_STREAMED_PREVIEW: Final = {"PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "1"}


def ensure(name: str = STACK) -> None:
    """Make the stack and its settings file where missing; LookoutError when the settings are wrong.

    An existing file is never overwritten.
    """
    file = stackfile.ensure(name)
    stackfile.read(file)
    if exists(name):
        return
    stackfile.forget_encryption(file)
    _pulumi("stack", "init", name)


def exists(name: str = STACK) -> bool:
    """Whether the file backend knows the stack."""
    return _state_file(name).exists()


def up(progress: Progress | None = None, name: str = STACK) -> Report:
    """Make the stack what its settings say."""
    ensure(name)
    _mend(name)
    try:
        return _run(["up", "--yes", "--skip-preview"], name, progress)
    except LookoutError as error:
        if NOT_READY in error.message:
            error.message = "\n".join([error.message, *_reasons(name)])
        raise


def preview(progress: Progress | None = None, name: str = STACK) -> Report:
    """What `up` would do."""
    ensure(name)
    return _run(["preview"], name, progress)


def destroy(progress: Progress | None = None, name: str = STACK) -> Report:
    """Take everything down that the stack made; an empty report when there is no such stack."""
    if not exists(name):
        orphans.end(environment.backend_url())
        return Report()
    _mend(name)
    return _run(["destroy", "--yes", "--skip-preview"], name, progress)


def remove(name: str = STACK, *, force: bool = False) -> None:
    """Forget a destroyed stack; its settings file stays.

    `force` also forgets resources that the stack still lists: for when they were taken down without Pulumi.
    """
    if exists(name):
        _pulumi("stack", "rm", "--yes", "--preserve-config", *(["--force"] if force else []), "--stack", name)


def outputs(name: str = STACK, *, show_secrets: bool = False) -> dict[str, Any]:
    """The stack's outputs, secrets masked unless asked for; empty before the first `up`."""
    if not exists(name):
        return {}
    flags = ["--show-secrets"] if show_secrets else []
    values: dict[str, Any] = json.loads(_pulumi("stack", "output", "--json", "--stack", name, *flags) or "{}")
    return values


def api_token(name: str = STACK) -> str | None:
    """The first of the stack's API tokens, decrypted; None when it has none."""
    if not stackfile.asks_for_tokens(name):
        return None
    return _pulumi("config", "get", "--path", f"{PROJECT}:{API_TOKENS}[0]", "--stack", name).strip()


def _run(arguments: list[str], name: str, progress: Progress | None) -> Report:
    report, said = Report(previewing=arguments[0] == "preview"), list[str]()

    def told(text: str) -> None:
        said.append(text)
        if progress:
            progress(text)

    command = ["pulumi", *arguments, "--json", "--non-interactive", "--stack", name]
    with subprocess.Popen(
        command,
        cwd=paths.PROJECT_ROOT,
        env=environment.complete() | _STREAMED_PREVIEW,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as running:
        try:
            _listen(running.stdout, report, told)
        except KeyboardInterrupt:
            # Pulumi got the same signal from the terminal: let it finish the step it is in and write its state. It
            # goes on talking meanwhile, and would stand still for ever on a full pipe that nobody reads.
            _listen(running.stdout, report, told)
            running.wait()
            raise
    if running.returncode != 0:
        reasons = report.errors or said[-5:] or [f"pulumi {arguments[0]} ended with exit code {running.returncode}"]
        raise LookoutError("\n".join(reasons))
    return report


def _listen(lines: Iterable[str] | None, report: Report, told: Progress) -> None:
    for line in lines or ():
        if text := report.take(line):
            told(text)


def _reasons(name: str) -> list[str]:
    # Imported here: its package brings the Kubernetes SDK along.
    from infra.platform import diagnosis

    settings = stackfile.settings(name)
    return diagnosis.unready(settings.node.kubeconfig) if settings.target == "local" else []


def _mend(name: str) -> None:
    """End what a killed Pulumi left running, lift its lock, and forget the operations it left pending."""
    orphans.end(environment.backend_url())
    stacklock.release_if_dead(environment.backend(), name)
    if '"pending_operations"' not in _state_file(name).read_text():
        return
    state = json.loads(_pulumi("stack", "export", "--stack", name))
    if state["deployment"].pop("pending_operations", None):
        _pulumi("stack", "import", "--force", "--stack", name, input_text=json.dumps(state))


def _pulumi(*arguments: str, input_text: str | None = None) -> str:
    return process.run(
        ["pulumi", *arguments, "--non-interactive"],
        cwd=paths.PROJECT_ROOT,
        env=environment.complete(),
        input_text=input_text,
        timeout_s=120,
    )


def _state_file(name: str) -> Path:
    # The layout of Pulumi's file backend with projects: stacks/<project>/<stack>.json.
    return environment.backend() / ".pulumi" / "stacks" / "lookout" / f"{name}.json"
