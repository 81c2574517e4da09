"""Where a capacity record stands in the configuration repository, and reading one back."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field, ValidationError

from loadtest.capacity.record import SCHEMA_VERSION, CapacityRecord
from lookout import contract
from lookout.errors import LookoutError


def path(digest: str, machine_type: str) -> str:
    """Where a record stands in the configuration repository."""
    return f"{contract.CONFIG_CAPACITY}/{digest.replace(':', '-')}/{machine_type}.json"


def parse(text: str, source: str) -> CapacityRecord:
    """A record from its text. LookoutError says what is wrong with it; `source` says where it was read."""
    measure = "measure it: lookout load capacity"
    try:
        version = _Versioned.model_validate_json(text).schema_version
        if version != SCHEMA_VERSION:
            raise LookoutError(
                f"{source} has schema version {version}, this program reads {SCHEMA_VERSION}",
                "read it with the release of Lookout that wrote it",
            )
        return CapacityRecord.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the whole file"
        raise LookoutError(f"{source} is not a capacity record: {where}: {first['msg']}", measure) from error


def load(file: Path) -> CapacityRecord:
    """Read a record from a file. LookoutError when it is missing or no such record."""
    try:
        text = file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise LookoutError(f"cannot read {file}: {error}", "measure it: lookout load capacity") from error
    return parse(text, str(file))


class _Versioned(BaseModel):
    schema_version: Annotated[int, Field(ge=1)]
