"""Where a capacity record stands in the configuration repository, and reading one back."""

from pathlib import Path
from typing import Final

from loadtest import versioned
from loadtest.capacity.record import CapacityRecord
from lookout import contract

_MEASURE: Final = "measure it: lookout load capacity"


def path(digest: str, machine_type: str) -> str:
    """Where a record stands in the configuration repository."""
    return f"{contract.CONFIG_CAPACITY}/{digest.replace(':', '-')}/{machine_type}.json"


def parse(text: str, source: str) -> CapacityRecord:
    """A record from its text. LookoutError says what is wrong with it; `source` says where it was read."""
    return versioned.parse(text, source, CapacityRecord, "not a capacity record", _MEASURE)


def load(file: Path) -> CapacityRecord:
    """Read a record from a file. LookoutError when it is missing or no such record."""
    return parse(versioned.read(file, _MEASURE), str(file))
