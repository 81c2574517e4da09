"""A client's token: read from a file, the service's own list of tokens included, and never shown."""

from pathlib import Path

import pytest

from lookout import token_file
from lookout.errors import UsageError


@pytest.mark.parametrize(
    "content", ["first-of-its-kind", "first-of-its-kind\n", "# ours\n\n first-of-its-kind\nother\n"]
)
def test_the_first_token_is_taken(tmp_path: Path, content: str) -> None:
    (tmp_path / "tokens").write_text(content)
    assert token_file.read(tmp_path / "tokens") == "first-of-its-kind"


@pytest.mark.parametrize("content", ["", "\n", "# only a comment\n", "two words", "é" * 20])
def test_a_file_that_holds_no_token_is_a_usage_error_that_does_not_repeat_it(tmp_path: Path, content: str) -> None:
    (tmp_path / "token").write_text(content)
    with pytest.raises(UsageError, match="holds no token") as refused:
        token_file.read(tmp_path / "token")
    assert not content.strip() or content not in str(refused.value)


def test_a_file_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        token_file.read(tmp_path / "nowhere")
