"""Pulumi's engine events, one JSON object a line, as lines for people."""

import json
import re
from dataclasses import dataclass, field
from typing import Any, Final

_MARKUP: Final = re.compile(r"<\{%[^%]*%\}>")
_DOING: Final = {
    "create": "creating",
    "update": "updating",
    "delete": "deleting",
    "create-replacement": "making anew",
    "delete-replaced": "deleting the old",
}
_WOULD: Final = {
    "create": "would create",
    "update": "would update",
    "delete": "would delete",
    "create-replacement": "would make anew",
    "delete-replaced": "would delete the old",
}
_DONE: Final = {
    "create": "created",
    "update": "updated",
    "delete": "deleted",
    "create-replacement": "made anew",
    "delete-replaced": "deleted the old",
}
NOT_READY: Final = "was not ready in time"
_NOISE: Final = (
    # What gRPC and Pulumi's Python provider put in front of an exception's own words.
    (re.compile(r"^(error: )?(.*?: )?Exception calling application: ", re.DOTALL), ""),
    # The Kubernetes provider's way of saying that something was not ready in time.
    (re.compile(r"^\d+ errors? occurred:\s*"), ""),
    (re.compile(r"^\s*\* ", re.MULTILINE), ""),
    (
        re.compile(r'resource "\S+::(\S+)" was successfully created, but the Kubernetes API server reported that it '),
        r"\1 ",
    ),
    (re.compile(r'the Kubernetes API server reported that "(\S+)" '), r"\1 "),
    (re.compile(r"failed to fully initialize or become live: '\S+' timed out waiting to be Ready"), NOT_READY),
    (re.compile(r"\s*\n\s*(?=(Minimum number|\[|\d+ out of))"), "; "),
)


@dataclass
class Report:
    """What one run of Pulumi said: errors in its own words, and how many resources each operation touched."""

    previewing: bool = False
    errors: list[str] = field(default_factory=list)
    changes: dict[str, int] = field(default_factory=dict)

    @property
    def unchanged(self) -> bool:
        """Whether the run found nothing to do."""
        return not any(count for operation, count in self.changes.items() if operation != "same")

    def summary(self) -> str:
        """`unchanged`, or what was done, such as `43 created`."""
        done = [f"{count} {_DONE.get(operation, operation)}" for operation, count in sorted(self.changes.items())
                if count and operation != "same"]  # fmt: skip
        return ", ".join(done) or "unchanged"

    def take(self, line: str) -> str | None:
        """Note one line of Pulumi's event stream; the text to show for it, if it says anything to a person."""
        try:
            event = json.loads(line)
        except json.JSONDecodeError:
            return line.strip() or None
        if not isinstance(event, dict):
            return None
        if "resourcePreEvent" in event:
            return _step(event["resourcePreEvent"]["metadata"], _WOULD if self.previewing else _DOING)
        if "resOutputsEvent" in event and not self.previewing:
            return _step(event["resOutputsEvent"]["metadata"], _DONE)
        if "summaryEvent" in event:
            self.changes = {key: int(value) for key, value in event["summaryEvent"].get("resourceChanges", {}).items()}
            return None
        if "diagnosticEvent" in event:
            return self._diagnostic(event["diagnosticEvent"])
        return None

    def _diagnostic(self, event: dict[str, Any]) -> str | None:
        text = _MARKUP.sub("", event.get("message", "")).strip()
        severity = event.get("severity", "info")
        if not text or severity == "debug":
            return None
        if severity == "error":
            text = plain(text)
            if text not in self.errors and not _is_consequence(text):
                self.errors.append(text)
        return text


def plain(error: str) -> str:
    """An error in its own words, without the layers it came through."""
    for pattern, replacement in _NOISE:
        error = pattern.sub(replacement, error)
    return error.strip()


def name(urn: str) -> str:
    """The last part of a URN: the resource's name in the program."""
    return urn.rpartition("::")[2]


def _step(metadata: dict[str, Any], words: dict[str, str]) -> str | None:
    word = words.get(metadata["op"])
    if word is None or metadata["type"] in ("pulumi:pulumi:Stack", "pulumi:providers:kubernetes"):
        return None
    return f"{word} {name(metadata['urn'])}"


def _is_consequence(text: str) -> bool:
    """Pulumi's closing words after an error already told."""
    return text.startswith("an unhandled error occurred: program exited") or text in (
        "update failed",
        "preview failed",
        "destroy failed",
        "resource monitor shut down while waiting on step",
    )
