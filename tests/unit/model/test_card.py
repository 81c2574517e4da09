"""Good cards are read; each mistake in a card is refused by its own name."""

from pathlib import Path
from typing import Any

import pytest
import tomli_w

from lookout.errors import LookoutError
from service.model import card as cards

SEEN = {"height": 96, "width": 96}
CUT = {name: f"{name}:0" for name in ("preprocessed", "encodings", "logits", "anchors")}


def archive_card(**changes: Any) -> dict[str, Any]:
    """A card for an archive laid out like the TensorFlow 2 detection zoo's."""
    card: dict[str, Any] = {
        "name": "ssd_mobilenet_v2_320x320",
        "title": "SSD MobileNet v2 320x320",
        "generation": "tf2-detection-zoo",
        "licence": "Apache-2.0",
        "homepage": "https://example.invalid/zoo",
        "format": "saved-model",
        "labels": "coco",
        "source": {
            "kind": "url",
            "url": "https://example.invalid/model.tar.gz",
            "sha256": "0" * 64,
            "path": "model/saved_model",
        },
    }
    for key, value in changes.items():
        part, _, field = key.partition("__")
        if field:
            card[part] = card[part] | {field: value}
        else:
            card[part] = value
    return {key: value for key, value in card.items() if value is not None}


def written(tmp_path: Path, card: dict[str, Any]) -> Path:
    path = tmp_path / "card.toml"
    path.write_text(tomli_w.dumps(card))
    return path


@pytest.mark.parametrize("name", cards.names())
def test_every_card_of_the_project_holds_and_is_named_like_its_file(name: str) -> None:
    assert cards.load(name).name == name


def test_the_default_card_is_honest_about_its_generation() -> None:
    assert cards.load().generation == "tf1-detection-zoo"


def test_coco_labels_follow_the_ids_with_their_gaps() -> None:
    labels = cards.load().labels
    assert len(labels) == 80
    assert (labels[1], labels[17], labels[67], labels[90]) == ("person", "cat", "dining table", "toothbrush")
    assert not {12, 26, 29, 30, 45, 66, 68, 69, 71, 83} & set(labels)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"labels": {"1": "helmet", "2": "vest"}},
        {"source__url": "file:///models/mine.tar.gz"},
        {"suppression": {"iou": 0.5, "max_detections": 50}},
    ],
)
def test_takes_cards_of_the_users_own(tmp_path: Path, changes: dict[str, Any]) -> None:
    card = cards.load(written(tmp_path, archive_card(**changes)))
    assert not card.convertible


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("name", {"name": "Has Spaces"}),
        ("name", {"name": "../escape"}),
        ("labels", {"labels": "imagenet"}),
        ("labels", {"labels": {}}),
        ("labels", {"labels": {"0": "background"}}),
        ("source", {"source__sha256": "abc"}),
        ("source", {"source__sha256": None}),
        ("source", {"source__url": "ftp://example.invalid/x"}),
        ("source", {"source__kind": "git"}),
        ("source", {"source__extra": 1}),
        ("source", {"source": {"kind": "npm", "package": "x", "version": "1.0.0", "integrity": "sha1-abc"}}),
        (
            "source",
            {"source": {"kind": "npm", "package": "x", "version": "latest", "integrity": "sha512-" + "A" * 86 + "=="}},
        ),
        (
            "source",
            {
                "source": {
                    "kind": "npm",
                    "package": "--flag",
                    "version": "1.0.0",
                    "integrity": "sha512-" + "A" * 86 + "==",
                }
            },
        ),
        ("generation", {"generation": "tf3"}),
        ("format", {"format": "onnx"}),
        ("licence", {"licence": None}),
        ("suppression", {"suppression": {"iou": 0}}),
        ("colour", {"colour": "red"}),
        ("tfjs-graph", {"format": "tfjs-graph"}),
        ("tfjs-graph", {"format": "tfjs-graph", "input": SEEN, "graph": CUT}),
        ("go together", {"input": SEEN}),
        ("go together", {"graph": CUT}),
    ],
)
def test_refuses_a_card_naming_the_field(tmp_path: Path, field: str, changes: dict[str, Any]) -> None:
    card = archive_card(**changes)
    if isinstance(card.get("source"), dict):
        card["source"] = {key: value for key, value in card["source"].items() if value is not None}
    with pytest.raises(LookoutError, match=field) as refused:
        cards.load(written(tmp_path, card))
    assert refused.value.remedy


def test_an_archives_model_is_converted_where_its_card_says_how(tmp_path: Path) -> None:
    assert not cards.load(written(tmp_path, archive_card())).convertible
    assert cards.load(written(tmp_path, archive_card(input=SEEN, graph=CUT))).convertible


def test_refuses_what_is_not_toml(tmp_path: Path) -> None:
    path = tmp_path / "card.toml"
    path.write_text("name = ")
    with pytest.raises(LookoutError, match="not TOML"):
        cards.load(path)


def test_names_the_known_models_when_asked_for_an_unknown_one() -> None:
    with pytest.raises(LookoutError) as refused:
        cards.load("yolo")
    assert cards.DEFAULT in (refused.value.remedy or "")
