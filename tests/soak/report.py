"""The verdict table of the disruption specs: dated JSON for the record, lines for the terminal."""

import json
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from loadtest.disruption import Kept
from loadtest.machine import description
from lookout.files import write_whole
from lookout.paths import PROJECT_ROOT

MEASUREMENTS = PROJECT_ROOT / "docs" / "measurements"


def write(played: Mapping[str, Kept], directory: Path = MEASUREMENTS) -> Path:
    """Write disruptions-<date>.json; scenarios of an earlier run of that day that were not played again stay."""
    now = datetime.now(UTC)
    path = directory / f"disruptions-{now:%Y-%m-%d}.json"
    directory.mkdir(parents=True, exist_ok=True)
    known: dict[str, Any] = json.loads(path.read_text())["scenarios"] if path.exists() else {}
    # Each says its own commit: those that stay were played at another.
    when = {"at": f"{now:%H:%M}Z", "commit": _commit()}
    played_now = {name: {**when, **kept.model_dump()} for name, kept in played.items()}
    document = {"schema_version": 1, "machine": description(), "scenarios": known | played_now}
    write_whole(path, json.dumps(document, indent=1) + "\n")
    return path


def lines(played: Mapping[str, Kept]) -> list[str]:
    """The table, a line a scenario."""
    table = [
        f"{'scenario':<34} {'verdict':<18} {'success':>9} {'p99':>9} {'gap':>7} {'last error after':>17}   promise"
    ]
    for name, kept in played.items():
        p99 = "-" if kept.p99_ms is None else f"{kept.p99_ms:.0f} ms"
        last = "none" if kept.recovered_after_s is None else f"{kept.recovered_after_s:.1f} s"
        table.append(
            f"{name:<34} {kept.outcome:<18} {kept.success_ratio:>9.2%} {p99:>9} {kept.longest_gap_s:>5.2f} s {last:>17}"
            f"   {kept.promised}"
        )
    return table


def _commit() -> str:
    command = ["git", "-C", str(PROJECT_ROOT), "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
