"""What a photo costs is known before it is decoded, and what is held together stays within its room."""

import io
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lookout import paths
from service import decode, memory, quota
from service.memory import PixelRoom
from service.runtimes import RuntimeName
from service.settings import Settings

_MEASURE = """
import sys
from service.decode import decode
def peak():
    return next(int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith("VmHWM"))
data, tiny = open(sys.argv[1], "rb").read(), open(sys.argv[2], "rb").read()
decode(tiny, "", 100)  # what the first decoding of a format loads is not this photo's
before = peak()
told = []
decode(data, "", 40_000_000, before=told.append)
print(told[0], peak() - before)
"""


def sample(size: tuple[int, int], mode: str) -> Image.Image:
    tile = np.random.default_rng(7).integers(0, 255, (15, 20, 3), dtype=np.uint8)
    photo = Image.fromarray(tile).resize(size)
    if mode == "I;16":
        return Image.fromarray(np.asarray(photo.convert("L")).astype(np.uint16) * 257)
    changed = photo.convert(mode)
    if "A" in mode:
        changed.putalpha(photo.convert("L"))
    return changed


@pytest.mark.parametrize(
    ("kind", "mode", "options"),
    [
        ("WEBP", "RGBA", {"method": 0}),
        ("WEBP", "RGBA", {"method": 0, "lossless": True}),
        ("PNG", "RGBA", {}),
        ("PNG", "RGB", {}),
        ("PNG", "I;16", {}),
        ("JPEG", "RGB", {"progressive": True, "subsampling": 0}),
        ("JPEG", "CMYK", {"progressive": True, "subsampling": 0}),
    ],
)
def test_decoding_takes_no_more_than_it_says_before(
    tmp_path: Path, kind: str, mode: str, options: dict[str, object]
) -> None:
    large, tiny = tmp_path / "large", tmp_path / "tiny"
    sample((4000, 3000), mode).save(large, kind, **options)
    sample((8, 8), mode).save(tiny, kind, **options)
    command = [sys.executable, "-c", _MEASURE, str(large), str(tiny)]
    done = subprocess.run(command, cwd=paths.PROJECT_ROOT, capture_output=True, text=True, check=True)
    told, taken = (int(number) for number in done.stdout.split())
    assert taken <= told * 1.05 + 8_000_000  # beside the pixels: strips of a million pixels, the allocator's slack
    assert told <= decode.MOST_PEAK_BYTES * 12_000_000


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "L", "1", "RGB"])
@pytest.mark.parametrize("size", [(1, 1), (300, 200), (1500, 1400)])
def test_strips_give_the_pixels_of_a_whole_conversion(mode: str, size: tuple[int, int]) -> None:
    photo = sample(size, mode)
    buffer = io.BytesIO()
    photo.save(buffer, "PNG", **({"transparency": 3} if mode == "P" else {}))
    whole = Image.open(buffer).convert("RGBA")
    expected = Image.alpha_composite(Image.new("RGBA", size, "white"), whole).convert("RGB")
    assert np.array_equal(decode.decode(buffer.getvalue(), "", 3_000_000), np.asarray(expected))


def test_room_is_waited_for_and_given_back() -> None:
    room, entered = PixelRoom(160, workers=2), threading.Event()
    assert (room.share, room.size) == (10, 140)

    def second() -> None:
        with room.hold(80):
            entered.set()

    with room.hold(80):
        waiting = threading.Thread(target=second)
        waiting.start()
        assert not entered.wait(0.1)
    waiting.join(5)
    assert entered.is_set()
    assert room.free == 140


def test_a_large_photo_is_not_passed_by_small_ones() -> None:
    room, order = PixelRoom(160, workers=2), list[tuple[str, int]]()
    with room.hold(50):
        room.ask(500, lambda count: order.append(("large", count)))
        room.ask(10, lambda count: order.append(("small", count)))
        assert order == []
    assert order == [("large", 140)]  # all there is
    room.give_back(140)
    assert order == [("large", 140), ("small", 10)]


@given(st.integers(8, 1000), st.integers(1, 8), st.lists(st.integers(0, 300), max_size=20))
def test_room_and_shares_are_never_more_than_there_is_and_all_come_to_their_turn(
    size: int, workers: int, asked: list[int]
) -> None:
    room, held = PixelRoom(size, workers), list[int]()
    granted = 0
    for count in asked:
        room.ask(count, held.append)
    while held:
        assert sum(held) + room.share * workers <= size
        granted += 1
        room.give_back(held.pop(0))
    assert (granted, room.free) == (len(asked), room.size)


@pytest.mark.parametrize("runtime", ["openvino-int8", "tensorflow"])
@pytest.mark.parametrize("cores", [1, 2, 16])
def test_there_are_as_many_workers_as_cores_and_memory_allow(
    monkeypatch: pytest.MonkeyPatch, cores: int, runtime: RuntimeName
) -> None:
    settings = Settings()
    monkeypatch.setattr(quota, "usable_cores", lambda: cores)
    for limit, expected in (
        (None, cores),
        (memory.needed(settings, 16, runtime), cores),
        (memory.needed(settings, 2, runtime), min(2, cores)),
        (memory.needed(settings, 2, runtime) - 1, 1),
        (1, 1),
    ):
        monkeypatch.setattr(quota, "memory_limit", lambda limit=limit: limit)
        assert memory.workers(settings, runtime) == expected
    assert memory.workers(Settings(threads=5), runtime) == 5
    assert memory.workers(Settings(require_gpu=True), runtime) == 1


def test_what_workers_receive_together_has_its_place_in_the_memory() -> None:
    one, many = (memory.needed(Settings(max_batch=most, max_image_bytes=1_000), 3, "openvino-int8") for most in (1, 64))
    assert many - one == 3 * 63 * memory.TOGETHER_BYTES


def test_a_worker_of_tensorflow_is_counted_for_what_it_weighs() -> None:
    alone, together = (
        Settings(max_batch=most, max_image_pixels=1_000_000, max_image_bytes=64 * memory.TOGETHER_BYTES)
        for most in (1, 16)
    )
    one = memory.needed(alone, 2, "tensorflow")
    assert one - memory.needed(alone, 2, "openvino-int8") > 2 * 700 * 2**20
    assert memory.needed(together, 2, "tensorflow") - one == 2 * 15 * memory._TENSORFLOW_PHOTO_BYTES
