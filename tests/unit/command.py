"""`lookout` as a test calls it."""

import pytest

from lookout.cli import main


def ended(*words: str) -> int:
    """The exit code of `lookout` with these words."""
    with pytest.raises(SystemExit) as end:
        main(list(words))
    code = end.value.code
    assert isinstance(code, int)
    return code
