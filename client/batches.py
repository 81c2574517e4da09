"""Looking at many photos: in batches, so that the service's threads work at once; each photo has its own answer."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from client.detector import DetectorClient, RefusedError
from lookout import contract
from service.schema import DetectResponse, Problem

BATCH_PHOTOS: Final = 8
BATCH_BYTES: Final = 24_000_000
"""A batch keeps up to as many workers busy as it has photos. It also waits for its slowest photo and takes a
place in the service's queue, 32 by default, for each: more photos would crowd out others for little."""
_FATAL: Final = (401, 403, 404, 405, 429, 502, 503, 504)
"""Statuses that no other photo would escape."""

Answer = DetectResponse | Problem


def look(
    detector: DetectorClient,
    photos: Sequence[Path],
    threshold: float,
    limit: int,
    seen: Callable[[Path, Answer], None],
) -> None:
    """Look at all photos and tell `seen` of each, in order, as soon as it is known.

    A photo that cannot be read or is refused is answered with a problem. Raises RefusedError for what concerns all
    photos, and UnreachableError.
    """
    for group in grouped(photos):
        for path, answer in zip(group, _answers(detector, group, threshold, limit), strict=True):
            seen(path, answer)


def grouped(photos: Sequence[Path]) -> Iterator[list[Path]]:
    """Neighbours together, as many as a batch holds by number and bytes."""
    group: list[Path] = []
    held = 0
    for path in photos:
        size = _size(path)
        if group and (len(group) == BATCH_PHOTOS or held + size > BATCH_BYTES):
            yield group
            group, held = [], 0
        group.append(path)
        held += size
    if group:
        yield group


def _answers(detector: DetectorClient, group: list[Path], threshold: float, limit: int) -> list[Answer]:
    each = [read(path) for path in group]
    photos = [one for one in each if isinstance(one, bytes)]
    answers = iter(_ask(detector, photos, threshold, limit))
    return [next(answers) if isinstance(one, bytes) else one for one in each]


def _ask(detector: DetectorClient, photos: list[bytes], threshold: float, limit: int) -> list[Answer]:
    if len(photos) > 1:
        try:
            return detector.detect_batch(photos, threshold, limit)
        except RefusedError as error:
            _raise_if_fatal(error)
    return [_ask_for_one(detector, photo, threshold, limit) for photo in photos]


def _ask_for_one(detector: DetectorClient, photo: bytes, threshold: float, limit: int) -> Answer:
    try:
        return detector.detect(photo, threshold, limit)
    except RefusedError as error:
        _raise_if_fatal(error)
        return error.problem


def _raise_if_fatal(error: RefusedError) -> None:
    if error.problem.status in _FATAL:
        raise error


def read(path: Path) -> bytes | Problem:
    """A photo's bytes, or why there are none. No more is read than is taken: a pipe or a device has no size."""
    try:
        with path.open("rb") as file:
            photo = file.read(contract.MAX_IMAGE_BYTES + 1)
    except OSError as error:
        return _problem(400, error.strerror or str(error))
    if len(photo) > contract.MAX_IMAGE_BYTES:
        return _problem(413, f"more than the {contract.MAX_IMAGE_BYTES:,} bytes that are taken")
    return photo


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0  # whatever is wrong with it is told when it is read


def _problem(status: int, detail: str) -> Problem:
    return Problem(type="about:blank", title="Not sent", status=status, detail=detail)
