"""A model as it lies in BentoML's store: `card.json` (what it is and what was measured) beside its files.

Reading needs neither BentoML nor TensorFlow, so the service starts fast and commands answer at once.
"""

import hashlib
import json
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lookout import paths
from lookout.errors import LookoutError
from service.model.card import ModelCard, enough_for
from service.model.parity import Parity
from service.profile import Profile
from service.runtimes import FILES, RuntimeName

CARD_FILE: Final = "card.json"
PROFILE_FILE: Final = "profile.json"
"""Only where somebody had photos of their own looked at (`lookout model profile`). Unlike what importing measured, it
is one of the files that a version is made of: other photos, another version."""


class StoredCard(BaseModel):
    """The card of an imported model, with what importing it found out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    card: ModelCard
    version: Annotated[str, Field(pattern=r"^[0-9a-f]{12}$")]
    """The first twelve digits of the sha256 over the card and the model's files."""
    runtime: RuntimeName
    """The fastest runtime that passed the parity gate."""
    parity: tuple[Parity, ...] = ()
    tools: dict[str, str] = {}
    """Versions of what converted it."""
    reduced: Parity | None = None
    """How `runtime` agrees on big JPEGs that are decoded no larger than it needs; None where that was not judged."""
    profile: Profile | None = None
    """What the calibration photos look like to the serving runtime, or one's own photos; drift is judged against it."""

    @property
    def tag(self) -> str:
        """name:version."""
        return f"{self.card.name}:{self.version}"

    def needed(self, runtime: RuntimeName) -> tuple[int, int] | None:
        """Height and width that a photo must be decoded to at least for `runtime`; None where it is decoded whole,
        because nobody judged the other way for that runtime or it did not pass."""
        judged = runtime == self.runtime and self.reduced is not None and self.reduced.passed
        return enough_for(self.card) if judged else None


class Imported(BaseModel):
    """The cache's record of one import: from which inputs, to which version, with which files."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    inputs: str
    version: str
    files: dict[str, str]
    """sha256 of each file by its path inside the model's folder."""


def read_card(model: Path) -> StoredCard:
    """The card of the model in this folder, with the profile of one's own photos where there is one.

    LookoutError when it has none that holds.
    """
    try:
        found = StoredCard.model_validate_json((model / CARD_FILE).read_bytes())
        own = _own_profile(model)
        return found.model_copy(update={"profile": own}) if own else found
    except FileNotFoundError as error:
        raise LookoutError(f"there is no model in {model}", "import one: lookout model import") from error
    except ValidationError as error:
        raise LookoutError(
            f"the card of the model in {model} does not hold: {error.errors()[0]['msg']}",
            "import the model again: lookout model import --again",
        ) from error


def serving_files(model: Path, runtime: RuntimeName | None = None) -> dict[str, Path]:
    """The files an image needs of a stored model, by their path inside its folder: the card, the profile of one's own
    photos where there is one, and what `runtime`, by default its card's, needs."""
    found = {CARD_FILE: model / CARD_FILE}
    if (model / PROFILE_FILE).is_file():
        found[PROFILE_FILE] = model / PROFILE_FILE
    for name in FILES[runtime or read_card(model).runtime]:
        whole = model / name
        parts = sorted(whole.rglob("*")) if whole.is_dir() else [whole]
        found |= {part.relative_to(model).as_posix(): part for part in parts if part.is_file()}
    return found


def folder(home: Path, name: str, version: str) -> Path:
    """Where BentoML's store keeps this version of a model."""
    return home / "models" / name / version


def latest(home: Path, name: str) -> Path:
    """The folder of the version of model `name` that was imported last. LookoutError when there is none."""
    record = read_record(name)
    model = folder(home, name, record.version) if record else None
    if model is None or not (model / CARD_FILE).is_file():
        raise LookoutError(f"model {name} was not imported yet", f"run: lookout model import {name}")
    return model


def latest_converted(home: Path, name: str) -> tuple[Path, StoredCard]:
    """As `latest`, with its card. LookoutError for a model whose runtimes cannot be compared: it has but one."""
    model = latest(home, name)
    found = read_card(model)
    if not found.card.convertible:
        raise LookoutError(f"{found.tag} runs as the SavedModel itself: there is nothing to compare it with")
    return model, found


def kept_profile(home: Path, card: ModelCard) -> Profile | None:
    """The profile of one's own photos that the last import of this model has, as it was written, for a new import of it
    to keep. None when there is none, or when it counts other classes than this card names."""
    record = read_record(card.name)
    if record is None or PROFILE_FILE not in record.files:
        return None
    model = folder(home, card.name, record.version)
    try:
        undamaged = file_digest(model / PROFILE_FILE) == record.files[PROFILE_FILE]
        return _own_profile(model) if undamaged and read_card(model).card.labels == card.labels else None
    except (OSError, LookoutError):
        return None


def read_record(name: str) -> Imported | None:
    """The record of the last import of model `name`; None when there is none or it cannot be read."""
    try:
        return Imported.model_validate_json(record_path(name).read_bytes())
    except (OSError, ValidationError):
        return None


def record_path(name: str) -> Path:
    """Where the record of the last import of a model is kept."""
    return paths.cache_dir() / "models" / "imported" / f"{name}.json"


def damage(model: Path, record: Imported) -> str | None:
    """What is wrong with a stored model, or None when every file is as it was imported."""
    for name, digest in record.files.items():
        try:
            found = file_digest(model / name)
        except OSError:
            return f"{name} is missing"
        if found != digest:
            return f"{name} was changed"
    return None


def intact(home: Path, name: str, version: str) -> Path:
    """The folder of this version of a model, every file as it was imported. LookoutError naming what is not."""
    model = folder(home, name, version)
    remedy = f"run: lookout model import {name}, then: lookout bento build"
    if not (model / CARD_FILE).is_file():
        raise LookoutError(f"the store has no model {name}:{version}", remedy)
    record = read_record(name)
    if record and record.version == version:
        wrong = damage(model, record)
    else:  # an earlier import's: its version says what its files were
        same = content_version(read_card(model).card, digests(model)) == version
        wrong = None if same else "its files do not give its version"
    if wrong:
        raise LookoutError(f"the stored model {name}:{version} is damaged ({wrong})", remedy)
    return model


def digests(model: Path) -> dict[str, str]:
    """sha256 of every file of a model by its path inside the folder, BentoML's own description left out."""
    files = sorted(path for path in model.rglob("*") if path.is_file() and path != model / "model.yaml")
    return {path.relative_to(model).as_posix(): file_digest(path) for path in files}


def content_version(card: ModelCard, files: dict[str, str]) -> str:
    """A version from content: the card as written by hand and the model's files, nothing measured, no time."""
    content = {"card": card.model_dump(mode="json"), "files": {k: v for k, v in files.items() if k != CARD_FILE}}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]


def file_digest(path: Path) -> str:
    """sha256 of a file, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _own_profile(model: Path) -> Profile | None:
    try:
        return Profile.model_validate_json((model / PROFILE_FILE).read_bytes())
    except FileNotFoundError:
        return None
