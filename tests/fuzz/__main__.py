"""`make fuzz`: each coverage-guided target for a stated time, and how often it was run. Exit code 1 for a finding.

python -m tests.fuzz [SECONDS]    a target; 300 by default, and only that is written down as a measurement. The corpus
stays in the cache and grows from run to run.
"""

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from lookout import paths
from lookout.files import write_whole
from tests.fuzz import seeds

TARGETS: Final = ("fuzz_decode", "fuzz_intake")
_DONE: Final = re.compile(r"Done (\d+) runs in (\d+) second")
_COVERED: Final = re.compile(r"cov: (\d+) ft: (\d+) corp: (\d+)")
_MEASUREMENTS: Final = paths.PROJECT_ROOT / "docs" / "measurements"


def main(arguments: Sequence[str]) -> int:
    """Run every target; findings lie in the cache, and the command that repeats one is printed."""
    if len(arguments) > 1 or not all(one.isdigit() for one in arguments):
        print("error: say for how many seconds each target is to run\n  → python -m tests.fuzz 300", file=sys.stderr)
        return 64
    seconds = int(arguments[0]) if arguments else 300
    home = paths.cache_dir() / "fuzz"
    seeds.write(home / "seeds")
    found = [_run(target, seconds, home) for target in TARGETS]
    for one in found:
        print(f"{one['target']}: {one['executions']:,} executions in {one['seconds']} s, {one['branches']:,} branches "
              f"covered, {one['corpus']:,} inputs kept; {one['finding'] or 'nothing found'}")  # fmt: skip
    if not arguments:
        path = _MEASUREMENTS / f"fuzz-{datetime.now(UTC):%Y-%m-%d}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps({"schema_version": 1, "targets": found}, indent=1) + "\n")
    return 1 if any(one["finding"] for one in found) else 0


def _run(target: str, seconds: int, home: Path) -> dict[str, Any]:
    corpus, findings, log = home / "corpus" / target, home / "findings", home / f"{target}.log"
    for folder in (corpus, findings):
        folder.mkdir(parents=True, exist_ok=True)
    options = [f"-max_total_time={seconds}", "-max_len=40000", "-timeout=10", "-rss_limit_mb=2048",
               f"-artifact_prefix={findings}/{target}-"]  # fmt: skip
    command = [sys.executable, "-m", f"tests.fuzz.{target}", *options, str(corpus), str(home / "seeds" / target)]
    print(f"{target}: {seconds} s; log in {log}", flush=True)
    with log.open("w") as sink:
        code = subprocess.run(command, cwd=paths.PROJECT_ROOT, stdout=sink, stderr=sink, check=False).returncode
    said = log.read_text(errors="replace")
    done, covered = _DONE.search(said), _COVERED.findall(said)
    finding = "" if code == 0 else f"exit code {code}: see {log}; repeat with the file it names under {findings}"
    branches, features, kept = map(int, covered[-1]) if covered else (0, 0, 0)
    return {
        "target": target,
        "executions": int(done[1]) if done else 0,
        "seconds": int(done[2]) if done else 0,
        "branches": branches,
        "features": features,
        "corpus": kept,
        "finding": finding,
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
