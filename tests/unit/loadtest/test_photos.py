"""Photos keep their size and their seeded order."""

from loadtest.photos import Photo, choices, load_photos

PHOTOS = [Photo(name, b"", "image/jpeg", 1, 1) for name in "abc"]


def test_the_same_seed_gives_the_same_order_and_another_another() -> None:
    assert choices(PHOTOS, 7) == choices(PHOTOS, 7)
    assert choices(PHOTOS, 7) != choices(PHOTOS, 8)


def test_every_photo_has_its_turn() -> None:
    assert set(choices(PHOTOS, 7)[:60]) == {0, 1, 2}


def test_bundled_photos_are_real_jpegs_with_their_size() -> None:
    photos = {photo.name: photo for photo in load_photos()}
    assert (photos["chelsea"].width, photos["chelsea"].height) == (451, 300)
    assert all(photo.data.startswith(b"\xff\xd8\xff") for photo in photos.values())
