"""Judging a model's runtimes against its SavedModel, on held-out photo variants and on the sample photos."""

from collections.abc import Callable, Sequence
from pathlib import Path

from service.decode import decode_reduced
from service.model import parity, photos
from service.model.card import ModelCard, enough_for
from service.model.parity import Parity
from service.postprocess import Detections
from service.runtimes import RuntimeName, detect, open_session

VARIANTS = 240
_ALL = 100
_ANY_SIZE = 1_000_000_000

Progress = Callable[[str], None]


def judge(
    model: Path, card: ModelCard, runtimes: Sequence[RuntimeName], progress: Progress, count: int = VARIANTS
) -> list[Parity]:
    """Box agreement of each runtime with the SavedModel in the same folder, on `count` held-out variants."""
    variants = list(photos.held_out(count))
    progress(f"SavedModel on {count} variants of held-out photos")
    reference = _on_all(model, card, "tensorflow", variants)
    reports = []
    for runtime in runtimes:
        progress(f"{runtime} on the same variants")
        candidate = _on_all(model, card, runtime, variants)
        reports.append(parity.compare(runtime, zip(reference, candidate, strict=True)))
    return reports


def judge_reduced(
    model: Path, card: ModelCard, runtime: RuntimeName, progress: Progress, count: int = VARIANTS
) -> Parity | None:
    """Box agreement of `runtime` on big JPEGs decoded no larger than it needs with the SavedModel on the same, whole.

    None where nothing is ever reduced: the model takes photos of any size.
    """
    needed = enough_for(card)
    if needed is None:
        return None
    progress(f"{runtime} on {count} big JPEGs decoded at reduced size")
    reference, candidate = open_session("tensorflow", model, card), open_session(runtime, model, card)

    def pair(jpeg: bytes) -> tuple[Detections, Detections]:
        whole, reduced = (decode_reduced(jpeg, "", _ANY_SIZE, least).pixels for least in (None, needed))
        return detect(reference, whole, parity.THRESHOLD, _ALL), detect(candidate, reduced, parity.THRESHOLD, _ALL)

    return parity.compare(runtime, (pair(variant.jpeg) for variant in photos.large(count, needed)))


def on_samples(model: Path, card: ModelCard, runtime: RuntimeName) -> dict[str, list[tuple[str, float]]]:
    """(label, score) of what a runtime sees on each sample photo at the API's default threshold."""
    session = open_session(runtime, model, card)
    found = {name: detect(session, pixels, parity.THRESHOLD, _ALL) for name, pixels in photos.sample_pixels().items()}
    return {
        name: [
            (card.labels.get(int(number), str(number)), float(score))
            for number, score in zip(seen.classes, seen.scores, strict=True)
        ]
        for name, seen in found.items()
    }


def _on_all(model: Path, card: ModelCard, runtime: RuntimeName, variants: Sequence[photos.Variant]) -> list[Detections]:
    session = open_session(runtime, model, card)
    return [detect(session, variant.pixels, parity.THRESHOLD, _ALL) for variant in variants]
