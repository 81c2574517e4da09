"""Reading versioned JSON back: results, evidence and capacity records say in the same words what is wrong."""

from pathlib import Path
from typing import Annotated, Final, TypeVar

from pydantic import BaseModel, Field, ValidationError

from lookout.errors import LookoutError

Document = TypeVar("Document", bound=BaseModel)
_OTHER_VERSION: Final = "read it with the release of Lookout that wrote it"


def read(path: Path, remedy: str) -> str:
    """The text of a file. LookoutError with `remedy` when it cannot be read."""
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise LookoutError(f"cannot read {path}: {error}", remedy) from error


def parse(text: str, source: Path | str, model: type[Document], what: str, remedy: str) -> Document:
    """The document in `text`, which came from `source`. LookoutError when it is of another schema version than the
    model's field `schema_version` has by default, or, with `remedy`, not `what` it should be, as in `no evidence`.
    """
    expected = model.model_fields["schema_version"].default
    try:
        version = _Versioned.model_validate_json(text).schema_version
        if version != expected:
            raise LookoutError(
                f"{source} has schema version {version}, this program reads {expected}",
                _OTHER_VERSION,
            )
        return model.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the whole file"
        raise LookoutError(f"{source} is {what}: {where}: {first['msg']}", remedy) from error


class _Versioned(BaseModel):
    schema_version: Annotated[int, Field(ge=1)]
