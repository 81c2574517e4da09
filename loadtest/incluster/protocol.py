"""What the Job's pod and whoever started it agree on: where files lie, and what is said on standard output.

Each line of output is one JSON object of a kind below; anything else there is a warning of some library.
"""

import json
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

SETTINGS_FOLDER: Final = "/etc/lookout-loadtest"
SETTINGS_FILE: Final = "settings.json.gz"
"""The run's settings: the same model on both sides, so nothing is parsed twice from words."""
HEADERS_FOLDER: Final = "/etc/lookout-loadtest-headers"
HEADERS_FILE: Final = "headers.json"
"""Names and values of the headers that each request carries; there for a run that has some."""
RESULT_FILE: Final = "/tmp/result.json.gz"  # noqa: S108  # in the container, whose only writable place it is
FETCHED_FILE: Final = "/tmp/fetched"  # noqa: S108  # as above
"""Made from outside once the result is whole; the container then ends."""
FETCH_WITHIN_S: Final = 300
"""How long a finished container keeps its result for somebody to fetch."""


class _Word(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    def line(self) -> str:
        """As it is printed."""
        return self.model_dump_json()


class Said(_Word):
    """How far the run is, as a person reads it."""

    kind: Literal["progress"] = "progress"
    text: str


class Finished(_Word):
    """The result lies in RESULT_FILE; size and sha256 of that file say whether it was fetched whole."""

    kind: Literal["finished"] = "finished"
    size_bytes: int
    sha256: str


class Failed(_Word):
    """The run ended without a result, for a reason a person can act on."""

    kind: Literal["failed"] = "failed"
    message: str
    remedy: str | None = None
    exit_code: int


Word = Said | Finished | Failed
_WORDS: TypeAdapter[Word] = TypeAdapter(Word)


def understood(line: str) -> Word | None:
    """The word of a line; None for anything else."""
    try:
        return _WORDS.validate_python(json.loads(line))
    except (ValueError, ValidationError):
        return None
