"""Reading the starts of a trace: plain seconds, CSV with the seconds in a column, or JSON lines.

A file is one start a line. Plain: `1.25`. CSV: the first column, or the one headed `seconds`, `time` or `timestamp`.
JSON lines: an object with one of these names. The first start need not be at zero: times count as they stand.
"""

import json
import math
from pathlib import Path
from typing import Any, Final

from loadtest.arrivals import MAX_STARTS
from lookout.errors import UsageError

_NAMES: Final = ("seconds", "time", "timestamp")


def read_trace(path: Path) -> list[float]:
    """The starts in seconds, ascending. UsageError names the line that is wrong."""
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"--trace: cannot read {path}: {error}", "give a text file with one start in seconds a line"
        ) from error
    column = 0
    times: list[float] = []
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        cells = [cell.strip().strip('"') for cell in text.split(",")]
        if not times and any(cell.lower() in _NAMES for cell in cells):
            column = next(i for i, cell in enumerate(cells) if cell.lower() in _NAMES)
            continue
        time_s = _json_seconds(text) if text.startswith("{") else _number(cells[column] if column < len(cells) else "")
        where = f"--trace: {path.name}, line {number}"
        if time_s is None or not math.isfinite(time_s):
            raise UsageError(f"{where}: {text[:60]!r} is no start in seconds", "one finite number of seconds a line")
        if time_s < 0:
            raise UsageError(f"{where}: {time_s:g} s is negative", "let the trace begin at zero")
        if times and time_s < times[-1]:
            raise UsageError(f"{where}: {time_s:g} s comes after {times[-1]:g} s", "sort the trace by time")
        times.append(time_s)
        if len(times) > MAX_STARTS:
            raise UsageError(f"{where}: more than {MAX_STARTS:,} starts", "replay a part of the trace")
    if not times:
        raise UsageError(f"--trace: {path} holds no start", "give a text file with one start in seconds a line")
    return times


def _json_seconds(text: str) -> float | None:
    try:
        record: Any = json.loads(text)
    except ValueError:
        return None
    value = next((record[name] for name in _NAMES if name in record), None)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
