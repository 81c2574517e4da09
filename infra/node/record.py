"""What a node was last brought up with, in its directory: what runs, whatever the settings say by now."""

from pathlib import Path

from pydantic import ValidationError

from infra.node.spec import Doors, NodeSpec
from lookout.files import write_whole


def read(name: str) -> NodeSpec | None:
    """The settings a node was last brought up with, or None for a node that never was."""
    try:
        return NodeSpec.model_validate_json(_path(NodeSpec(name=name)).read_text())
    except (FileNotFoundError, ValidationError):  # never written, or by another version: it is written anew
        return None


def write(spec: NodeSpec) -> None:
    """Keep the settings with which a node is brought up."""
    spec.directory.mkdir(parents=True, exist_ok=True)
    write_whole(_path(spec), spec.model_dump_json(indent=2))


def open_doors(recorded: NodeSpec) -> set[int]:
    """Ports that the node was started with. A release that knew fewer doors recorded fewer, and opened no more."""
    return {port for name, port in recorded.doors.model_dump().items() if name in recorded.doors.model_fields_set}


def same_but_workers(recorded: NodeSpec | None, spec: NodeSpec) -> bool:
    """Whether a node that was started so can stay as it is: same name and ranges, and every door where it should be."""
    return (
        recorded is not None
        and recorded.doors.model_fields_set == set(Doors.model_fields)
        and recorded.model_copy(update={"workers": spec.workers}) == spec
    )


def _path(spec: NodeSpec) -> Path:
    return spec.directory / "spec.json"
