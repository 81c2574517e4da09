"""Which photos are meant, and where annotated copies go: never over a photo, never two in one place."""

from pathlib import Path

import pytest

from client.photos import annotated, choose
from lookout.errors import UsageError


@pytest.fixture
def album(tmp_path: Path) -> Path:
    for name in ("b.JPG", "a.png", "trip/c.webp", "notes.txt"):
        path = tmp_path / "album" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return tmp_path / "album"


def test_a_folder_means_the_photos_below_it_in_order_of_name(album: Path) -> None:
    assert [str(one.name) for one in choose([album])] == ["a.png", "b.JPG", "trip/c.webp"]


def test_a_file_is_taken_whatever_it_is_called_and_once(album: Path) -> None:
    chosen = choose([album / "notes.txt", album / "notes.txt"])
    assert [one.name for one in chosen] == [Path("notes.txt")]


def test_what_does_not_exist_and_folders_without_photos_are_usage_errors(album: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no"):
        choose([album / "z.jpg"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="no photo in"):
        choose([tmp_path / "empty"])


def test_links_in_circles_end_and_lead_to_no_photo_twice(album: Path) -> None:
    (album / "trip/again").symlink_to(album)
    (album / "self.jpg").symlink_to("self.jpg")
    (album / "folder.jpg").mkdir()
    assert [str(one.name) for one in choose([album])] == ["a.png", "b.JPG", "trip/c.webp"]


def test_a_name_that_no_system_takes_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="cannot be read: File name too long"):
        choose([Path("x" * 5000)])


def test_annotated_copies_keep_their_place_below_the_folder_and_end_in_jpg(album: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert annotated(choose([album]), out) == [out / "a.png.jpg", out / "b.JPG", out / "trip/c.webp.jpg"]


def test_one_photo_may_go_to_a_file_and_several_may_not(album: Path, tmp_path: Path) -> None:
    assert annotated(choose([album / "a.png"]), tmp_path / "drawn.jpg") == [tmp_path / "drawn.jpg"]
    with pytest.raises(UsageError, match="3 photos do not fit one file"):
        annotated(choose([album]), tmp_path / "drawn.jpg")


def test_no_photo_is_written_over(album: Path) -> None:
    with pytest.raises(UsageError, match="is a photo itself"):
        annotated(choose([album]), album)
    with pytest.raises(UsageError, match="is a photo itself"):
        annotated(choose([album / "b.JPG"]), album / "b.JPG")


def test_two_photos_of_one_name_do_not_share_a_target(album: Path, tmp_path: Path) -> None:
    (album / "trip/b.JPG").write_bytes(b"x")
    with pytest.raises(UsageError, match="two photos would be written to"):
        annotated(choose([album / "b.JPG", album / "trip/b.JPG"]), tmp_path / "out")
