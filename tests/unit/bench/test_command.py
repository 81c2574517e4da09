"""The command's own mistakes: what it says and how it ends."""

import pytest

from tests.bench.__main__ import main


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--only", "fastapi,nginx"], "there is no 'nginx'"),
        (["--photo", "1x1"], "invalid choice"),
        (["--fast"], "--fast"),
        (["--record", "--quick"], "whole runs only"),
    ],
)
def test_wrong_usage_ends_with_64_and_a_reason(words: list[str], why: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 64
    shown = capsys.readouterr().err
    assert why in shown
    assert "→" in shown
