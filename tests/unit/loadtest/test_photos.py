"""Photos keep their size and their seeded order."""

from itertools import islice

from loadtest.photos import Photo, load_photos, sequence

PHOTOS = [Photo(name, b"", 1, 1) for name in "abc"]


def _order(seed: int, user: int, count: int = 60) -> list[str]:
    return [photo.name for photo in islice(sequence(PHOTOS, seed, user), count)]


def test_the_same_seed_and_user_give_the_same_order() -> None:
    assert _order(7, 0) == _order(7, 0)


def test_another_seed_or_user_gives_another_order() -> None:
    assert _order(7, 0) != _order(8, 0)
    assert _order(7, 0) != _order(7, 1)


def test_every_photo_has_its_turn() -> None:
    assert set(_order(7, 0)) == {"a", "b", "c"}


def test_bundled_photos_are_real_jpegs_with_their_size() -> None:
    photos = {photo.name: photo for photo in load_photos()}
    assert (photos["chelsea"].width, photos["chelsea"].height) == (451, 300)
    assert all(photo.jpeg.startswith(b"\xff\xd8\xff") for photo in photos.values())
