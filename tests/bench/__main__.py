"""`make bench`: our service and its peers, alternating, on the same photos, machine and client; ratios with spread.

python -m tests.bench [--quick] [--only NAMES] [--photo SIZE] [--record]

Results go to reports/bench-<time>.json and .svg. The last line is
`ratios plain_bentoml=… plain_tuned=… fastapi=… litserve=… other=… ceiling=…`: answers a second, ours divided by theirs,
median of the rounds at 640x480 (or of the one size asked for), two decimals, nan for who did not run.
Exit codes: 0 every bar that was measured held, 1 one was missed or something failed, 64 wrong usage, 130 Ctrl-C.
"""

import argparse
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NoReturn, cast, get_args

from lookout.errors import EXIT_FAILURE, EXIT_INTERRUPTED, LookoutError, UsageError
from lookout.files import write_whole
from lookout.paths import PROJECT_ROOT
from tests.bench.bars import missed
from tests.bench.chart import chart
from tests.bench.conduct import conduct
from tests.bench.plan import EVERYONE, Plan, quick
from tests.bench.record import BenchRecord, PhotoSize
from tests.bench.table import lines

_SEE: Final = "see: python -m tests.bench --help"


def main(words: Sequence[str]) -> int:
    """Run the bench, print its tables, and return the exit code."""
    try:
        options = _parse(words)
        plan = _plan(options)
        now = datetime.now(UTC)
        reports = PROJECT_ROOT / "reports"
        found = conduct(plan, reports / "bench-logs")
        stem = (
            PROJECT_ROOT / "docs" / "measurements" / f"bench-{now:%Y-%m-%d}"
            if options.record
            else reports / f"bench-{now:%Y%m%d-%H%M%S}"
        )
        written = _write(found, stem, plan.photos)
    except LookoutError as error:
        print(f"error: {error.message}" + (f"\n  → {error.remedy}" if error.remedy else ""), file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("\ninterrupted: every server was ended, nothing was written", file=sys.stderr)
        return EXIT_INTERRUPTED
    *table, last = lines(found, plan.photos[0])
    print("\n".join(table))
    print(f"written: {', '.join(str(path.relative_to(PROJECT_ROOT)) for path in written)}")
    print(last, flush=True)
    return EXIT_FAILURE if missed(found.bars) else 0


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(message, _SEE)


def _parse(words: Sequence[str]) -> argparse.Namespace:
    parser = _Parser(prog="python -m tests.bench", description="Our service and its peers, side by side.")
    parser.add_argument("--quick", action="store_true", help="a few minutes; shows that all works, certifies nothing")
    parser.add_argument("--only", metavar="NAMES", help=f"peers, comma-separated, of: {', '.join(EVERYONE[1:])}")
    parser.add_argument("--photo", choices=get_args(PhotoSize), help="one size alone")
    parser.add_argument("--record", action="store_true", help="write into docs/measurements/bench-<date>.json and .svg")
    options = parser.parse_args(words)
    if options.record and (options.quick or options.only or options.photo):
        raise UsageError("--record keeps whole runs only", "leave --quick, --only and --photo out")
    return options


def _plan(options: argparse.Namespace) -> Plan:
    plan = Plan()
    if options.only is not None:
        wanted = [name.strip() for name in options.only.split(",")]
        unknown = [name for name in wanted if name not in EVERYONE]
        if unknown:
            raise UsageError(f"--only: there is no {unknown[0]!r}", f"there are: {', '.join(EVERYONE[1:])}")
        plan = plan.model_copy(update={"names": tuple(name for name in EVERYONE if name == "ours" or name in wanted)})
    if options.photo is not None:
        plan = plan.model_copy(update={"photos": (cast(PhotoSize, options.photo),)})
    return quick(plan) if options.quick else plan


def _write(found: BenchRecord, stem: Path, photos: Sequence[PhotoSize]) -> list[Path]:
    """The record, and a chart of each photo."""
    found.save(stem.with_suffix(".json"))
    written = [stem.with_suffix(".json")]
    for photo in photos:
        path = stem.with_name(f"{stem.name}-{photo}.svg")
        write_whole(path, chart(found, photo) + "\n")
        written.append(path)
    return written


if __name__ == "__main__":
    for ending in (signal.SIGINT, signal.SIGTERM):  # a background job of a shell would ignore the first
        signal.signal(ending, signal.default_int_handler)
    sys.exit(main(sys.argv[1:]))
