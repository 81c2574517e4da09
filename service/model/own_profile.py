"""A profile of one's own photos, against which drift is judged from then on: a version of the model of its own.

Of the photos nothing is kept but counts. A version with a profile has its file beside the model's others, so bento,
image and release follow from it as from any other change of the model.
"""

import math
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from client import batches
from lookout import contract
from lookout.errors import LookoutError
from service import drift, problems, profile, sight
from service.decode import decode_reduced
from service.model import importer, stored
from service.model.importer import ImportedModel
from service.problems import Problem
from service.profile import Feature, Profile
from service.runtimes import detect, open_session
from service.schema import Problem as Refusal
from service.sight import Sight

Progress = Callable[[str], None]
Seen = Callable[[Path, str | None], None]
"""Hears of each photo, in order, and what is wrong with it."""

_NOTHING: Final = 1e-9
"""What is left of a difference that is none, by rounding."""
_COUNTED: Final[dict[Feature, str]] = {
    "brightness": "photos",
    "pixels": "photos",
    "score": "detections",
    "class": "detections",
}


@dataclass(frozen=True)
class Judged:
    """What a profile can say of one feature."""

    feature: Feature
    unit: str
    """What is counted: photos or detections."""
    counted: int
    bins: int
    least: int | None
    """How many the last hour must have before there is a score; None where there never is one."""
    needed: int | None
    """How many a profile must have counted so that there can be a score at all; None where one bin holds everything."""
    psi: float | None
    """The index of the new photos against the profile before; None where that could not judge them."""


def look(
    model: Path, found: stored.StoredCard, photos: Sequence[Path], threshold: float, limit: int, seen: Seen
) -> list[Sight]:
    """What the service would see on each photo, asked about with this threshold and limit.

    Photos that cannot be read or are refused are told to `seen`, and left out.
    """
    session = open_session(found.runtime, model, found.card)
    least_size = found.needed(found.runtime)
    sights = []
    for path in photos:
        data = batches.read(path)
        try:
            if isinstance(data, Refusal):
                raise problems.bad_image(data.detail or data.title)
            photo = decode_reduced(data, "", contract.MAX_IMAGE_PIXELS, least_size)
        except Problem as problem:
            seen(path, problem.detail)
            continue
        boxes = detect(session, photo.pixels, threshold, limit)
        sights.append(sight.of(photo.pixels, photo.width * photo.height, boxes))
        seen(path, None)
    return sights


def profile_of(sights: Sequence[Sight], threshold: float, limit: int) -> Profile:
    """The profile of photos that were asked about with this threshold and limit.

    LookoutError when there are none, or so few that no feature of others could ever be judged by them.
    """
    if not sights:
        raise LookoutError("none of the photos can be used", "name photos that the detector takes: JPEG, PNG, WebP")
    made = profile.of(sights, f"{len(sights)} photos of one's own")
    made = made.model_copy(update={"threshold": threshold, "limit": limit})
    features = judged(made, None, sights)
    if all(one.least is None for one in features):
        enough = max(one.needed or 0 for one in features if one.unit == "photos")
        raise LookoutError(
            f"by {len(sights)} photos no other photos can be judged: chance alone would look like drift",
            f"name {enough} photos or more, better twice as many",
        )
    return made


def judged(made: Profile, before: Profile | None, sights: Sequence[Sight]) -> list[Judged]:
    """What a profile of these sights can say of each feature, and how far they are from the profile before."""
    counted_before = _counts(before, sights, made.threshold, made.limit) if before else {}
    found = []
    for feature, counts in made.counts().items():
        reference = before.counts()[feature] if before else ()
        found.append(
            Judged(
                feature=feature,
                unit=_COUNTED[feature],
                counted=sum(counts),
                bins=len(counts),
                least=least(sum(counts), len(counts)),
                needed=needed(len(counts)),
                psi=drift.score(reference, counted_before[feature]) if before else None,
            )
        )
    return found


def least(counted: int, bins: int) -> int | None:
    """How many another sample must have so that `drift.score` judges it by a reference of `counted` in `bins` bins.

    None where no sample is large enough, which is `drift.by_chance` solved for the size of the other.
    """
    if bins < 2 or not counted:
        return None
    room = drift.MOST_BY_CHANCE / (bins - 1) - 1 / counted
    return math.ceil(round(1 / room, 6)) if room > _NOTHING else None


def needed(bins: int) -> int | None:
    """The smallest reference for which `least` is a number; None for a single bin."""
    return math.floor((bins - 1) / drift.MOST_BY_CHANCE) + 1 if bins > 1 else None


def store(
    home: Path, name: str, found: stored.StoredCard, made: Profile, progress: Progress | None = None
) -> ImportedModel:
    """Put the model that was imported last into the store once more, with this profile, as the version served next.

    The caller holds the model's lock. The same profile gives the same version.
    """
    model, record = stored.latest(home, name), stored.read_record(name)
    if record is None or record.version != found.version:
        raise LookoutError(f"model {name} was imported anew meanwhile", "make the profile again")
    with importer.workshop(found.card) as temporary:
        built = temporary / "model"
        shutil.copytree(model, built, ignore=shutil.ignore_patterns("model.yaml"))
        (built / stored.PROFILE_FILE).write_text(made.model_dump_json(indent=2) + "\n")
        version = stored.content_version(found.card, stored.digests(built))
        # The card keeps the profile of the calibration photos: what importing found out stays as it was found.
        card = stored.StoredCard.model_validate_json((built / stored.CARD_FILE).read_bytes())
        card = card.model_copy(update={"version": version})
        (built / stored.CARD_FILE).write_text(card.model_dump_json(indent=2) + "\n")
        return importer.keep(card, built, record.inputs, home, progress or (lambda _: None))


def _counts(before: Profile, sights: Sequence[Sight], threshold: float, limit: int) -> dict[Feature, list[int]]:
    """Counts of the sights in the bins of the profile before, as the service would count them."""
    counts = {feature: [0] * len(there) for feature, there in before.counts().items()}
    for one in sights:
        for feature, bins in before.bins(one, threshold, limit).items():
            for index in bins:
                counts[feature][index] += 1
    return counts
