"""The reference profile of a model: what its calibration photos look like, and what the serving runtime finds there."""

from pathlib import Path
from typing import Final

from lookout import contract
from service import profile, sight
from service.model import photos
from service.model.card import ModelCard
from service.profile import Profile
from service.runtimes import RuntimeName, detect, open_session

VARIANTS: Final = 520
"""Forty variants of each photo: with ten, chance alone would keep scores and classes from ever being judged."""


def reference(model: Path, card: ModelCard, runtime: RuntimeName) -> Profile:
    """The profile, as the service would see these photos with its default threshold and limit."""
    session = open_session(runtime, model, card)
    seen = []
    for variant in photos.calibration(VARIANTS):
        found = detect(session, variant.pixels, contract.DEFAULT_THRESHOLD, contract.DEFAULT_LIMIT)
        seen.append(sight.of(variant.pixels, variant.pixels.shape[0] * variant.pixels.shape[1], found))
    return profile.of(seen, f"{VARIANTS} seeded variants of {len(photos.CALIBRATION)} photographs")
