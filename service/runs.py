"""Runs of the model on several photos: which of those that a worker was handed together share one, and their answers.

The photos of a run are of one size. What is decoded at once stays within the worker's own share of the pixels
(memory.py): what does not fit beside the others is decoded after them, and a photo larger than the share goes alone.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from service import messages
from service.decode import Postponed
from service.frames import Frame
from service.work import Opened, Work

Group = Mapping[int, Opened]
"""Photos by their place among those that were handed out together."""


def answers(
    work: Work, photos: Sequence[Frame], share: int, alone: Callable[[Frame], Frame]
) -> Iterator[tuple[int, Frame]]:
    """The place of each photo and its answer, its problem or an error, in the order in which they are ready.

    `share` is in bytes; `alone` answers a photo that needs more, and one that nobody is left to share a run with. In a
    header, `busy_s` is when work on the photo began and so much later as it occupied the worker: its own steps, and its
    part of the run. The first answer of a run has `run`, the number of photos in it.
    """
    left, before = dict(enumerate(photos)), len(photos) + 1
    while 1 < len(left) < before:
        before = len(left)
        yield from _round(work, left, share)
    for place, frame in left.items():
        began = time.perf_counter()
        said = alone(frame)
        ran = {"run": 1} if "look" in said.header else {}
        yield place, _timed(said, began, time.perf_counter() - began, **ran)


def _round(work: Work, left: dict[int, Frame], share: int) -> Iterator[tuple[int, Frame]]:
    """Answer as many of those that are left as may be decoded together, and take them out."""
    opened, room = dict[int, Opened](), _Share(share)
    for place, frame in list(left.items()):
        began = time.perf_counter()
        try:
            opened[place] = work.open(*messages.read_photo(frame), room.take)
        except Postponed:
            continue
        except Exception as error:  # noqa: BLE001  # whatever it is, it is that photo's alone
            yield place, _timed(messages.failed(error), began, time.perf_counter() - began)
        del left[place]
    for group in _of_one_size(opened):
        yield from _run(work, group)


def _run(work: Work, group: Group) -> Iterator[tuple[int, Frame]]:
    began = time.perf_counter()
    try:
        ran = work.together(list(group.values()))
    except Exception as error:  # noqa: BLE001  # nor is this the worker's end
        for place, one in group.items():
            yield place, _timed(messages.failed(error), one.began_s, one.ended_s - one.began_s)
        return
    part_s, first = (time.perf_counter() - began) / len(group), {"run": len(group)}
    for number, (place, one) in enumerate(group.items()):
        began = time.perf_counter()
        try:
            said = messages.answer(*work.answer(one, ran, number))
        except Exception as error:  # noqa: BLE001  # of one photo again
            said = messages.failed(error)
        own_s = one.ended_s - one.began_s + time.perf_counter() - began
        yield place, _timed(said, one.began_s, own_s + part_s, **first)
        first = {}


def _of_one_size(opened: Group) -> list[dict[int, Opened]]:
    groups: dict[tuple[int, ...], dict[int, Opened]] = {}
    for place, one in opened.items():
        groups.setdefault(one.photo.pixels.shape, {})[place] = one
    return list(groups.values())


def _timed(said: Frame, began_s: float, spent_s: float, **more: int) -> Frame:
    return Frame({**said.header, **more, "busy_s": [began_s, began_s + spent_s]}, said.parts)


class _Share:
    """Bytes that the photos of one round may take together, from the first that is decoded to the last answer."""

    def __init__(self, size: int) -> None:
        self._left = size

    def take(self, count: int) -> None:
        """For one photo. Postponed where there is not enough left for it."""
        if count > self._left:
            raise Postponed
        self._left -= count
