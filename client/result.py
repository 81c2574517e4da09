"""What the command tells of each photo, for people and for programs."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from service.schema import DetectResponse


class PhotoResult(BaseModel):
    """One photo: its answer, or why there is none."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    photo: str
    result: DetectResponse | None = None
    annotated: str | None = None
    """Where the photo with its boxes drawn was written."""
    error: str | None = None
    status: int | None = None
    """The HTTP status that belongs to `error`."""

    def text(self) -> str:
        """Lines for a terminal: the photo, and each object with its score and box in pixels."""
        if self.result is None:
            return f"{_printable(self.photo)}: {self.error}"
        image, took = self.result.image, self.result.timing_ms.total
        lines = [f"{_printable(self.photo)}  {image.width}x{image.height}  {took:.0f} ms"]
        for one in self.result.detections:
            box = one.box
            corners = f"{box.x_min:.0f},{box.y_min:.0f} to {box.x_max:.0f},{box.y_max:.0f}"
            lines.append(f"  {one.score:4.0%}  {one.label:<16} {corners}")
        if not self.result.detections:
            lines.append("  nothing at this score")
        if self.annotated:
            lines.append(f"  drawn in {_printable(self.annotated)}")
        return "\n".join(lines)


class Results(BaseModel):
    """The command's JSON: one entry a photo, in the order in which they were named."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    results: tuple[PhotoResult, ...]


def name_of(path: Path) -> str:
    """A path as text: a name that is not UTF-8 cannot stand in JSON, so its odd bytes are written as \\udcff."""
    return str(path).encode(errors="backslashreplace").decode()


def _printable(name: str) -> str:
    """On one line, and without what a terminal would obey: file names may hold any character."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in name)
