"""Where a service process finds its model: named by a setting, beside it in a bento, or imported in the clone."""

import os
from pathlib import Path
from typing import Final

import yaml

from lookout.errors import LookoutError
from service import bento_home
from service.model import stored
from service.model.card import DEFAULT
from service.settings import Settings

_ROOT: Final = Path(__file__).resolve().parent.parent
"""The clone, or `src` of a bento."""


def find(settings: Settings) -> Path:
    """The model's folder. LookoutError when there is none, or when a bento has more than one."""
    if settings.model_dir:
        return settings.model_dir
    bento = _bento()
    return _in_bento(bento) if bento else stored.latest(bento_home.use(), DEFAULT)


def bento_tag() -> str | None:
    """The bento this process is served from, as name:version; None in a clone. LookoutError when it does not say."""
    bento = _bento()
    if bento is None:
        return None
    try:
        described = yaml.safe_load((bento / "bento.yaml").read_text())
        return f"{described['name']}:{described['version']}"
    except (yaml.YAMLError, LookupError, TypeError) as error:
        raise LookoutError(f"{bento / 'bento.yaml'} does not say name and version", "build the bento again") from error


def _bento() -> Path | None:
    bento = Path(os.environ.get("BENTO_PATH") or _ROOT.parent)
    return bento if (bento / "bento.yaml").is_file() else None


def _in_bento(bento: Path) -> Path:
    found = sorted((bento / "models").glob(f"*/*/{stored.CARD_FILE}"))
    if len(found) != 1:
        raise LookoutError(
            f"bento {bento} has {len(found)} models instead of one", "build it again: lookout bento build"
        )
    return found[0].parent
