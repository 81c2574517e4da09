"""A stack's own file, Pulumi.<stack>.yaml: made from the example when missing, read as settings, never overwritten."""

from pathlib import Path
from typing import Any

import yaml

from infra.settings import API_TOKENS, PROJECT, Settings, parse, unencrypted
from lookout import paths
from lookout.errors import LookoutError
from lookout.files import write_whole


def path(stack: str) -> Path:
    """Where Pulumi looks for a stack's settings."""
    return paths.PROJECT_ROOT / f"Pulumi.{stack}.yaml"


def ensure(stack: str) -> Path:
    """The stack's file; the target's example is copied when there is none yet."""
    mine = path(stack)
    if mine.exists():
        return mine
    example = paths.PROJECT_ROOT / f"Pulumi.{stack}.example.yaml"
    if not example.exists():
        raise LookoutError(f"there is no {mine.name}, and no example of that name", f"write {mine.name}")
    write_whole(mine, example.read_text())
    return mine


def settings(stack: str) -> Settings:
    """The settings in a stack's file, or the defaults where there is no file. LookoutError when they are wrong."""
    file = path(stack)
    return read(file) if file.exists() else parse({}, file.name)


def read(file: Path) -> Settings:
    """The settings in a file, less the encrypted ones. LookoutError names what is wrong in it."""
    mine = _mine(file)
    if not _encrypted(mine.pop(API_TOKENS, [])):
        raise unencrypted(file.name)
    return parse(mine, file.name)


def asks_for_tokens(stack: str) -> bool:
    """Whether a stack's file has API tokens."""
    file = path(stack)
    return file.exists() and API_TOKENS in _mine(file)


def forget_encryption(file: Path) -> None:
    """Remove the salt that belongs to a passphrase which is gone; a new stack gets a new one.

    LookoutError when the file holds values encrypted with the old passphrase.
    """
    document = _document(file)
    if "encryptionsalt" not in document:
        return
    if "secure:" in file.read_text():
        raise LookoutError(
            f"{file.name} holds values encrypted for a stack that is gone",
            f"remove its `secure:` values and the line encryptionsalt from {file.name}, then set the values again",
        )
    kept = [line for line in file.read_text().splitlines(keepends=True) if not line.startswith("encryptionsalt:")]
    write_whole(file, "".join(kept))


def require_local(settings: Settings, stack: str, instead: str) -> None:
    """LookoutError, naming the pulumi command to use instead, when a stack is not of this machine."""
    if settings.target != "local":
        raise LookoutError(
            f"stack {stack} has target {settings.target}, and this command is for target local",
            f'for a cluster elsewhere: eval "$(lookout env)" && {instead}',
        )


def _mine(file: Path) -> dict[str, Any]:
    config = _document(file).get("config") or {}
    if not isinstance(config, dict):
        raise LookoutError(f"{file.name}: config is not a mapping of keys to values", f"mend {file.name}")
    return {str(key).partition(":")[2]: value for key, value in config.items() if str(key).startswith(f"{PROJECT}:")}


def _encrypted(value: Any) -> bool:
    """Whether Pulumi has encrypted a value: as a whole, or each part of a list."""
    parts = value if isinstance(value, list) else [value]
    return all(isinstance(part, dict) and set(part) == {"secure"} for part in parts)


def _document(file: Path) -> dict[str, Any]:
    try:
        document = yaml.safe_load(file.read_text())
    except yaml.YAMLError as error:
        where = getattr(error, "problem_mark", None)
        line = f", line {where.line + 1}" if where else ""
        raise LookoutError(
            f"{file.name}{line}: not YAML: {getattr(error, 'problem', error)}", f"mend {file.name}"
        ) from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise LookoutError(f"{file.name}: not a mapping of keys to values", f"mend {file.name}")
    return document
