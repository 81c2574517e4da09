"""A reference profile: what is counted, in which bin, and what a request does not tell."""

import pytest
from pydantic import ValidationError

from service import profile
from service.profile import Classes, Histogram, Profile
from service.sight import Sight

SIGHTS = [Sight(300 * 300, 0.15, (0.95, 0.62), (18, 1)), Sight(4_000_000, 0.55), Sight(4_000_000, 0.75, (0.7,), (18,))]


def test_counts_fall_into_their_bins() -> None:
    made = profile.of(SIGHTS, "three photos")
    assert (made.photos, made.source) == (3, "three photos")
    assert made.brightness.counts == (1, 0, 0, 0, 1, 0, 1)
    assert made.pixels.counts == (1, 0, 0, 0, 2, 0)
    assert made.score.counts == (0, 1, 1, 0, 1)  # 0.7 lies above its edge
    assert (made.classes.ids, made.classes.counts) == ((1, 18), (1, 2, 0))


def test_a_rare_class_is_counted_with_all_the_others() -> None:
    made = profile.of([Sight(1, 0.5, (0.9,), (class_id,)) for class_id in [7] * 98 + [3, 4]], "a hundred photos")
    assert (made.classes.ids, made.classes.counts) == ((7,), (98, 2))
    assert made.classes.bin(3) == made.classes.bin(90) == 1


def test_a_photo_belongs_where_the_profile_counted_its_like() -> None:
    made = profile.of(SIGHTS, "three photos")
    again = {feature: [0] * len(counts) for feature, counts in made.counts().items()}
    for sight in SIGHTS:
        for feature, indices in made.bins(sight, threshold=0.5, limit=20).items():
            for index in indices:
                again[feature][index] += 1
    assert {feature: tuple(counts) for feature, counts in again.items()} == made.counts()


def test_scores_below_the_profiles_threshold_are_left_out() -> None:
    asked_for_all = Sight(1, 0.5, (0.95, 0.3, 0.1), (18, 1, 1))
    found = profile.of(SIGHTS, "x").bins(asked_for_all, threshold=0.0, limit=100)
    assert (found["score"], found["class"]) == ([4], [1])


@pytest.mark.parametrize(("threshold", "limit"), [(0.8, 20), (0.5, 1)])
def test_a_request_for_less_tells_nothing_of_scores_and_classes(threshold: float, limit: int) -> None:
    found = profile.of(SIGHTS, "x").bins(Sight(1, 0.5, (0.95,), (18,)), threshold, limit)
    assert set(found) == {"brightness", "pixels"}


def test_a_low_limit_that_was_not_reached_hides_nothing() -> None:
    assert "score" in profile.of(SIGHTS, "x").bins(Sight(1, 0.5, (0.95,), (18,)), threshold=0.5, limit=2)


def test_a_profile_survives_its_json() -> None:
    made = profile.of(SIGHTS, "three photos")
    assert Profile.model_validate_json(made.model_dump_json()) == made
    with pytest.raises(ValidationError, match="schema_version"):
        Profile.model_validate(made.model_dump() | {"schema_version": 2})


def test_counts_that_do_not_fit_their_bins_are_refused() -> None:
    with pytest.raises(ValidationError):
        Histogram(edges=(0.2, 0.1), counts=(1, 2, 3))
    with pytest.raises(ValidationError):
        Histogram(edges=(0.1,), counts=(1,))
    with pytest.raises(ValidationError):
        Classes(ids=(1, 1), counts=(1, 2, 3))
