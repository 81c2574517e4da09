"""Where things live: the clone, the user's caches and the state that must survive.

The XDG base directories are honoured, so one environment variable moves everything (tests do that).
"""

import os
import sys
from pathlib import Path
from typing import Final

PROJECT_ROOT: Final = Path(__file__).resolve().parent.parent


def cache_dir() -> Path:
    """Tools, models, images: everything that can be made again."""
    return _xdg("XDG_CACHE_HOME", ".cache")


def state_dir() -> Path:
    """Node state, the bare git repository, Pulumi's state and passphrase: what `make purge` alone removes."""
    return _xdg("XDG_STATE_HOME", ".local/state")


def deploy_dir() -> Path:
    """The clone of the configuration repository, in which a push promotes."""
    override = os.environ.get("LOOKOUT_DEPLOY_DIR")
    return Path(override).expanduser().resolve() if override else PROJECT_ROOT / "deploy"


def log_dir() -> Path:
    """Details of long commands."""
    return state_dir() / "logs"


def venv_bin(name: str) -> Path:
    """A program of the Python environment this process runs in."""
    return Path(sys.prefix) / "bin" / name


def _xdg(variable: str, default: str) -> Path:
    base = os.environ.get(variable)
    return (Path(base) if base else Path.home() / default) / "lookout"
