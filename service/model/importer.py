"""Importing a model: fetch, SavedModel, LiteRT, OpenVINO, parity gate, BentoML's model store.

The version comes from content. An import with the same inputs (card, converter code, TensorFlow) and an undamaged
store does no work and does not import TensorFlow.
"""

import ast
import fcntl
import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version as installed
from pathlib import Path
from typing import Final

import numpy as np

from lookout import paths
from lookout.errors import LookoutError
from service import bento_home, runtimes
from service.model import card as cards
from service.model import evaluate, fetch, litert, openvino, profiling, savedmodel, stored, tfjs
from service.model.card import ModelCard
from service.model.chatter import native_output_to_log
from service.model.parity import Parity
from service.model.tensorflow_import import hide_gpus
from service.profile import Profile
from service.runtimes import RuntimeName

Progress = Callable[[str], None]

_SERVICE: Final = Path(__file__).parent.parent
_RECIPE: Final = (
    *(
        f"model/{name}.py"
        for name in ("card", "evaluate", "litert", "openvino", "parity", "photos", "profiling", "savedmodel", "tfjs")
    ),
    *(f"{name}.py" for name in ("decode", "postprocess", "preprocess", "profile", "sight")),
    *(f"runtimes/{name}.py" for name in ("__init__", "cut", "litert", "openvino", "tensorflow")),
)
"""Code that decides what an import produces."""
_TOOLS: Final = ("tensorflow", "ai-edge-litert", "openvino", "nncf", "numpy", "pillow", "scikit-image")


@dataclass(frozen=True)
class ImportedModel:
    """A model in BentoML's store."""

    tag: str
    """name:version."""
    path: Path
    runtime: RuntimeName
    changed: bool
    """False when the store already had exactly this version."""


def import_model(
    card_name: str | Path = cards.DEFAULT, progress: Callable[[str], None] | None = None, *, again: bool = False
) -> ImportedModel:
    """Bring the model of a card (by name, or a TOML file) into BentoML's store, unless it is there unchanged.

    Raises LookoutError when the card is wrong, the source cannot be had or is not what the card pins, or the model
    cannot be served. Nothing half-made is left behind.
    """
    say = progress or (lambda _: None)
    card = cards.load(card_name)
    home = bento_home.use()
    with alone(card.name, say):
        inputs = _inputs(card)
        record = stored.read_record(card.name)
        own = None if again else stored.kept_profile(home, card)
        if record and record.inputs == inputs and not again:
            model = stored.folder(home, card.name, record.version)
            wrong = stored.damage(model, record)
            if wrong is None:
                found = stored.read_card(model)
                return ImportedModel(found.tag, model, found.runtime, changed=False)
            say(f"the stored model {card.name}:{record.version} is damaged ({wrong}): importing it again")
            shutil.rmtree(model, ignore_errors=True)
        return _import(card, own, inputs, home, say)


def keep(found: stored.StoredCard, built: Path, inputs: str, home: Path, say: Progress) -> ImportedModel:
    """Put what was built in folder `built`, its card included, into the store, as the version imported last."""
    files = stored.digests(built)
    model = stored.folder(home, found.card.name, found.version)
    record = stored.Imported(inputs=inputs, version=found.version, files=files)
    changed = not model.is_dir() or stored.damage(model, record) is not None
    if changed:
        say(f"storing {found.tag}")
        _store(found, built)
    path = stored.record_path(found.card.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(record.model_dump_json(indent=2) + "\n")
    temporary.replace(path)
    return ImportedModel(found.tag, model, found.runtime, changed=changed)


@contextmanager
def workshop(card: ModelCard) -> Iterator[Path]:
    """An empty folder on the store's disk, for as long as the block lasts; whoever asks holds the model's lock."""
    place = paths.cache_dir() / "models"
    place.mkdir(parents=True, exist_ok=True)
    prefix = f".import-{card.name}-"
    for left in place.glob(f"{prefix}*"):  # of an import that was killed: this one holds the lock, so nobody uses it
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=place, prefix=prefix) as temporary:
        yield Path(temporary)


def _import(card: ModelCard, own: Profile | None, inputs: str, home: Path, say: Progress) -> ImportedModel:
    hide_gpus()
    with workshop(card) as temporary:
        built = temporary / "model"
        built.mkdir()
        source = fetch.source_tree(card, temporary / "source", say)
        reports: list[Parity] = []
        reduced: Parity | None = None
        runtime: RuntimeName = "tensorflow"
        with native_output_to_log("model-conversion"):
            _convert(card, source, built, say)
            if card.convertible:
                reports = evaluate.judge(built, card, runtimes.CONVERTED, say)
                runtime = _fastest_that_agrees(reports, say)
                reduced = evaluate.judge_reduced(built, card, runtime, say)
            say("profiling the calibration photos")
            profile = profiling.reference(built, card, runtime)
        if own:
            say("keeping the profile of your own photos")
            (built / stored.PROFILE_FILE).write_text(own.model_dump_json(indent=2) + "\n")
        found = stored.StoredCard(
            card=card,
            version=stored.content_version(card, stored.digests(built)),
            runtime=runtime,
            parity=tuple(reports),
            reduced=reduced,
            tools={name: installed(name) for name in _TOOLS},
            profile=profile,
        )
        (built / stored.CARD_FILE).write_text(found.model_dump_json(indent=2) + "\n")
        return keep(found, built, inputs, home, say)


def _convert(card: ModelCard, source: Path, built: Path, say: Progress) -> None:
    if card.format == "saved-model":
        say("checking the SavedModel's signature")
        savedmodel.adopt(card, source, built / runtimes.SAVED_MODEL)
        if not card.convertible:
            return
        graph = savedmodel.frozen(source)
    else:
        say("reading the TensorFlow.js graph")
        graph = tfjs.read(source)
        say("exporting a SavedModel with the zoo's signature")
        savedmodel.export(card, graph, built / runtimes.SAVED_MODEL)
    np.save(built / runtimes.ANCHORS, savedmodel.anchors(card, graph))
    for kind in ("float32", "int8"):
        say(f"converting to LiteRT {kind}" + (", calibrating on photos" if kind == "int8" else ""))
        litert.convert(card, graph, kind, built / f"{kind}.tflite")
    for kind in ("float32", "int8"):
        say(f"converting to OpenVINO {kind}" + (", calibrating on photos" if kind == "int8" else ""))
        openvino.convert(card, built / "float32.tflite", kind, built / f"{kind}.xml")


def _fastest_that_agrees(reports: list[Parity], say: Progress) -> RuntimeName:
    """Reports come fastest first. The SavedModel itself is what remains when no conversion agrees with it."""
    for report in reports:
        if report.passed:
            say(f"{report.runtime} passes: F1 {report.f1:.3f}, median score shift {report.median_score_shift:.3f}")
            return next(name for name in runtimes.RUNTIMES if name == report.runtime)
        say(f"{report.runtime} does not pass: {'; '.join(report.failures)}")
    return "tensorflow"


def _store(found: stored.StoredCard, built: Path) -> None:
    import bentoml  # after bento_home.use(), and only when something is stored
    from bentoml.exceptions import NotFound

    with suppress(NotFound):
        bentoml.models.delete(found.tag)
    with bentoml.models.create(
        found.tag,
        module=__name__,
        labels={"runtime": found.runtime, "generation": found.card.generation},
        metadata={"licence": found.card.licence, "parity": {report.runtime: report.f1 for report in found.parity}},
    ) as entry:
        shutil.copytree(built, entry.path, dirs_exist_ok=True)


def _inputs(card: ModelCard) -> str:
    """A digest of everything an import depends on."""
    content = {
        "card": card.model_dump(mode="json"),
        # The syntax tree, so that a comment or a line break does not cost a conversion.
        "recipe": {name: ast.dump(ast.parse((_SERVICE / name).read_bytes())) for name in _RECIPE},
        "tools": {name: installed(name) for name in _TOOLS},
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


@contextmanager
def alone(name: str, say: Progress) -> Iterator[None]:
    """Hold the lock of this model's import; a second import of the same model waits and then finds it done."""
    lock = paths.cache_dir() / "models" / f".{name}.lock"
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        handle = lock.open("w")
    except OSError as error:
        raise LookoutError(
            f"cannot write {lock}: {error.strerror}", "check the folder's owner and the free disk"
        ) from error
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"another import of {name} is running: waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
