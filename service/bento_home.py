"""Where BentoML keeps models and bentos, and its telemetry switched off: decided in this one place.

Import this before bentoml. A BENTOML_HOME that is already set wins: the image and the tests bring their own.
"""

import os
from pathlib import Path

from lookout import paths


def use() -> Path:
    """Point BentoML at Lookout's own home and return it."""
    os.environ.setdefault("BENTOML_HOME", str(paths.cache_dir() / "bentoml"))
    os.environ["BENTOML_DO_NOT_TRACK"] = "True"
    home = Path(os.environ["BENTOML_HOME"])
    home.mkdir(parents=True, exist_ok=True)
    return home
