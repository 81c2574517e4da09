"""The environment under which plain `pulumi`, `kubectl` and `git` work, and `lookout env`, which prints it."""

import json
import os
import secrets
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

import typer

from lookout import contract, paths, tools
from lookout.errors import LookoutError

STACK: Final = os.environ.get("LOOKOUT_STACK", "local")
"""The stack that `make up` keeps; another name keeps a second road beside it, with its own Pulumi.<stack>.yaml."""

_OFFLINE: Final = {
    "PULUMI_SKIP_UPDATE_CHECK": "true",
    "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    "PULUMI_DISABLE_REGISTRY_RESOLVE": "true",
    "PULUMI_CREDENTIAL_STORE": "plaintext",
    "PULUMI_SUPPRESS_NEO_LINK": "true",
}
"""Nothing here asks the network for versions, plugins or advice."""

_PRIVATE: Final = {"BENTOML_DO_NOT_TRACK": "True", "DO_NOT_TRACK": "1"}

_OVERRIDING: Final = ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_STACK")
"""Variables that would win over what is set here."""


def environment() -> dict[str, str]:
    """What to set so that the project's programs find their tools, state and passphrase. LookoutError without tools."""
    return {
        "PATH": _path(),
        "PULUMI_HOME": str(tools.pulumi_home()),
        "PULUMI_BACKEND_URL": backend_url(),
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(passphrase_file()),
        "BENTOML_HOME": os.environ.get("BENTOML_HOME", str(paths.cache_dir() / "bentoml")),
        "KUBECONFIG": str(kubeconfig()),
        **_OFFLINE,
        **_PRIVATE,
    }


def complete(base: Mapping[str, str] | None = None) -> dict[str, str]:
    """The whole environment of a child process: the caller's, less what would win over ours, with ours."""
    inherited = os.environ if base is None else base
    return {key: value for key, value in inherited.items() if key not in _OVERRIDING} | environment()


def backend() -> Path:
    """Directory of Pulumi's state, made when missing: Pulumi's file backend wants it to exist."""
    directory = paths.state_dir() / "pulumi"
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    return directory


def backend_url() -> str:
    """Pulumi's URL of the state directory, without the metadata files that its file backend keeps beside each file.

    State is written to a temporary name and renamed; those files are not, and one that was cut off by a kill makes the
    whole stack unreadable ("failed to load checkpoint: EOF"). Pulumi itself never reads what is in them.
    """
    return f"file://{backend()}?metadata=skip"


def passphrase_file() -> Path:
    """The passphrase that encrypts secrets in Pulumi's state: mode 0600, made once, kept until `make purge`."""
    path = backend() / "passphrase"
    if path.exists():
        return path
    temporary = path.with_name(f".passphrase-{os.getpid()}")
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as sink:
            sink.write(secrets.token_urlsafe(32))
        # A link fails where another process was quicker, so nobody's passphrase is ever overwritten.
        os.link(temporary, path)
    except FileExistsError:
        if not path.exists():
            raise LookoutError(f"{temporary} is left over from an interrupted run", f"remove {temporary}") from None
    finally:
        temporary.unlink(missing_ok=True)
    return path


def kubeconfig() -> Path:
    """The administrator's kubeconfig of the stack's node; there only while the node is."""
    # Imported here: the settings come from infra/, which most commands that set an environment do not need.
    from infra import stackfile

    return stackfile.settings(STACK).node.kubeconfig


def doors() -> dict[str, int]:
    """Ports on 127.0.0.1 of the stack's node by the name of what is behind them."""
    from infra import stackfile  # here for the same reason

    return stackfile.settings(STACK).node.doors.model_dump()


def registries() -> tuple[str, str]:
    """Where this machine pushes images for the stack's cluster, and the name under which the cluster pulls them."""
    from infra import stackfile  # here for the same reason

    settings = stackfile.settings(STACK)
    return settings.registry or settings.node.registry, settings.registry or contract.REGISTRY


def _path() -> str:
    mine = [str(tools.pulumi_bin_dir()), str(tools.tool("kubectl").parent), str(Path(sys.prefix) / "bin")]
    others = [part for part in os.environ.get("PATH", os.defpath).split(os.pathsep) if part not in mine]
    return os.pathsep.join([*mine, *others])


app = typer.Typer(add_completion=False)


@app.callback(invoke_without_command=True)
def env(
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object instead of shell exports.")] = False,
) -> None:
    """Print the exports under which plain pulumi, kubectl and git work.

    Use it as:  eval "$(lookout env)"  and then, for example:  pulumi preview
    """
    values = environment()
    if as_json:
        typer.echo(json.dumps(values, indent=2))
        return
    for name in _OVERRIDING:
        typer.echo(f"unset {name}")
    for name, value in values.items():
        typer.echo(f"export {name}={shlex.quote(value)}")
