"""A sending process hands its samples on whole and keeps none."""

from typing import Any

from loadtest.generator.recorder import Recorder


def test_hands_on_columns_of_equal_length_and_keeps_nothing() -> None:
    sent: list[tuple[str, Any]] = []
    recorder = Recorder(lambda kind, record: sent.append((kind, record)))
    recorder.add(4, 1.0, 0.25, 20.0, None)
    recorder.add(2, 0.5, None, None, "dropped: too many")
    recorder.flush()
    recorder.flush()
    assert sent == [
        (
            "samples",
            {
                "index": [4, 2],
                "intended_s": [1.0, 0.5],
                "lag_ms": [0.25, None],
                "service_ms": [20.0, None],
                "error": [None, "dropped: too many"],
            },
        )
    ]


def test_names_each_model_once() -> None:
    sent: list[tuple[str, Any]] = []
    recorder = Recorder(lambda kind, record: sent.append((kind, record)))
    for version in ("1", "1", "2", "1"):
        recorder.model({"version": version})
    assert sent == [("model", {"version": "1"}), ("model", {"version": "2"})]
