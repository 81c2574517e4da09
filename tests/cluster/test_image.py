"""The detector's image really starts: read-only root, its own user and command, and a photo's boxes come back."""

import subprocess
from pathlib import Path

import pytest

from service import bento_home, image, image_check, image_layers

pytestmark = pytest.mark.cluster

_READY_WITHIN_S = 5.0
_COMPRESSED_AT_MOST_BYTES = 200_000_000


@pytest.fixture(scope="module")
def built() -> image.BuiltImage:
    """The image of the clone's code; the model must have been imported, as `make up` does."""
    return image.build_image()


def test_it_starts_within_its_bar_and_sees_the_cat(built: image.BuiltImage) -> None:
    found, seconds = image_check.check_image(built.image)
    assert "cat" in found
    assert seconds <= _READY_WITHIN_S


def test_it_keeps_to_its_size(built: image.BuiltImage) -> None:
    assert built.image.size_bytes <= _COMPRESSED_AT_MOST_BYTES


def test_nothing_of_it_is_left_running_or_mounted(built: image.BuiltImage) -> None:
    with image_check.started(built.image) as (port, _):
        assert port
    assert "/check-" not in Path("/proc/mounts").read_text()
    processes = subprocess.run(["ps", "-eo", "args"], check=True, capture_output=True, text=True).stdout
    assert f"--host 127.0.0.1 --port {port}" not in processes


def test_a_changed_line_of_code_changes_the_last_layer_alone(built: image.BuiltImage, tmp_path: Path) -> None:
    home = bento_home.use() / "bentos" / built.bento.replace(":", "/")
    changed = tmp_path / home.name
    subprocess.run(["cp", "-r", home, changed], check=True)
    with (changed / "src/service/health.py").open("a") as source:
        source.write("# one more line\n")
    base = built.image.layers[0]
    code = image_layers.code(base, changed, lambda _: None)
    assert code.digest != built.image.layers[-1].digest
    assert code.size_bytes < 1_000_000
    assert image_layers.code(base, home, lambda _: None) == built.image.layers[-1]
