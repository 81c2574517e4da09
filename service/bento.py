"""Building the bento: the service's code, its locked requirements and its model under one version made from content.

The same inputs give the same version, so an unchanged build is recognised before BentoML is even imported.
"""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from lookout import contract, paths, process
from lookout.errors import LookoutError
from service import bento_home, settings
from service.model import card as cards
from service.model import stored

REQUIREMENTS: Final = "requirements/service.txt"
GPU_REQUIREMENTS: Final = "requirements/gpu.txt"
"""Of the GPU image. A bento has both, so that one version names what either image is made of."""
SOURCE: Final = "src"
"""Folder of the code inside a bento, as BentoML lays it out."""
_LOOKOUT: Final = ("__init__", "contract", "errors", "paths")
_BUILD_TIME: Final = frozenset(
    {
        "service/bento.py",
        "service/bento_cli.py",
        *(
            f"service/model/{name}.py"
            for name in (
                *("archive", "batching", "chatter", "cli", "evaluate", "fetch", "importer", "litert", "measure"),
                *("measure_cli", "openvino", "own_profile", "photos", "profile_cli", "profiling"),
            )
        ),
    }
)
"""Modules that make a model or a bento; what serves never imports them, so editing them makes no new version."""

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Bento:
    """A bento in BentoML's store."""

    tag: str
    """detector:version."""
    path: Path
    model_tag: str
    """name:version of the model it serves."""
    model_path: Path
    changed: bool
    """False when the store already had exactly this version."""


def build(progress: Progress | None = None, model: str = cards.DEFAULT) -> Bento:
    """Build the bento that serves `model`, unless the store has it. The model must have been imported before.

    Raises LookoutError when there is no such model, when it is damaged, or when it can only be served by what
    the image does not have.
    """
    say = progress or (lambda _: None)
    home = bento_home.use()
    model_path = stored.latest(home, model)
    stored.intact(home, model, model_path.name)
    card = stored.read_card(model_path)
    if card.runtime == "tensorflow":
        raise LookoutError(
            f"model {card.tag} can only be served by TensorFlow, which the locked requirements of the image leave out",
            "choose a model with a LiteRT conversion, or serve this one from the clone: lookout bento serve",
        )
    files = code_files()
    version = content_version(files, card)
    path = home / "bentos" / contract.DETECTOR / version
    changed = _damage(path, files) is not None
    if changed:
        if path.exists():
            say(f"the stored bento is damaged ({_damage(path, files)}): building it again")
        say(f"building {contract.DETECTOR}:{version}")
        shutil.rmtree(path, ignore_errors=True)
        _build(files, version, model_path, card.tag)
    return Bento(f"{contract.DETECTOR}:{version}", path, card.tag, model_path, changed)


def code_files(root: Path = paths.PROJECT_ROOT) -> dict[str, Path]:
    """The code of a bento by its path inside it: the service, and what it needs of the shared core."""
    found = {f"lookout/{name}.py": root / "lookout" / f"{name}.py" for name in _LOOKOUT}
    for folder in ("service", "service/oip", "service/openapi", "service/runtimes", "service/model"):
        found |= {f"{folder}/{path.name}": path for path in (root / folder).glob("*.py")}
    found |= {f"service/web/{path.name}": path for path in (root / "service/web").iterdir() if path.is_file()}
    found |= {name: root / name for name in (REQUIREMENTS, GPU_REQUIREMENTS)}
    return {
        name: found[name] for name in sorted(found) if name not in _BUILD_TIME and not name.startswith("service/image")
    }


def content_version(files: dict[str, Path], model: stored.StoredCard) -> str:
    """The version: twelve digits of the sha256 over every file's name and content, the model's tag, the runtime its
    card chose (which of the model's files are shipped), its profile, and what BentoML is told to build."""
    content = {
        "model": model.tag,
        "runtime": model.runtime,
        "profile": model.profile.model_dump(mode="json") if model.profile else None,
        "bentofile": _bentofile(model.tag),
        "files": {name: stored.file_digest(path) for name, path in files.items()},
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]


def _damage(bento: Path, files: dict[str, Path]) -> str | None:
    """What keeps a stored bento from being exactly this one, or None."""
    if not (bento / "bento.yaml").is_file():
        return "bento.yaml is missing"
    for name, path in files.items():
        kept = bento / SOURCE / name
        if not kept.is_file() or kept.read_bytes() != path.read_bytes():
            return f"{name} differs"
    return None


def _build(files: dict[str, Path], version: str, model: Path, model_tag: str) -> None:
    """Run `bentoml build` on a copy of exactly the bento's files: what they lack is found out here, not in a pod."""
    with tempfile.TemporaryDirectory(prefix="lookout-bento-") as temporary:
        context = Path(temporary)
        for name, path in files.items():
            target = context / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
        (context / "bentofile.yaml").write_text(yaml.safe_dump(_bentofile(model_tag)))
        process.run(
            [paths.venv_bin("bentoml"), "build", "--version", version, "--output", "tag", context],
            cwd=context,
            env={settings.PREFIX + "MODEL_DIR": str(model), "PYTHONDONTWRITEBYTECODE": "1"},
            log=paths.log_dir() / "bentoml-build.log",
            timeout_s=300,
        )


def _bentofile(model_tag: str) -> dict[str, Any]:
    return {
        "service": "service.service:Detector",
        "name": contract.DETECTOR,
        "labels": {"model": model_tag.replace(":", "-")},
        "description": "Object detection over HTTP.",
        "include": ["service/**", "lookout/**", "requirements/**"],
        # The lock file is complete and hashed already: BentoML would resolve it again, against a network.
        "python": {"requirements_txt": REQUIREMENTS, "lock_packages": False},
        "docker": {"python_version": "3.11"},
        "models": [model_tag],
    }
