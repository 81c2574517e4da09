"""What runs in the Job's container: the same run as from a terminal, its result kept until it has been fetched.

A log is cut by its size and rotated, so it carries only a line a second; the result is a file.
"""

import gzip
import hashlib
import json
import sys
import time
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from loadtest.incluster import protocol
from loadtest.incluster.protocol import Failed, Finished, Said, Word
from loadtest.live import progress_line
from loadtest.recording import Recording
from loadtest.result import LoadResult
from loadtest.run import run_load
from loadtest.settings import LoadSettings
from loadtest.target import meet
from loadtest.termination import as_ctrl_c
from lookout.errors import EXIT_INTERRUPTED, LookoutError

_SAY_EVERY_S: Final = 1.0
_LOOK_EVERY_S: Final = 0.1


def main() -> int:
    """Run, keep the result, wait for somebody to fetch it. The exit code is 0 unless there is no result."""
    with as_ctrl_c():  # a pod that is told to go saves what it has
        return _run()


def _run() -> int:
    settings = _settings()
    try:
        service = meet(settings.url, settings.expect)
        _say(_keep(run_load(settings, service, _Announcer(settings).show)))
    except LookoutError as error:
        _say(Failed(message=error.message, remedy=error.remedy, exit_code=error.exit_code))
        return error.exit_code
    except KeyboardInterrupt:
        _say(Failed(message="the run was interrupted before anything was measured", exit_code=EXIT_INTERRUPTED))
        return EXIT_INTERRUPTED
    _wait_until_fetched()
    return 0


def _settings() -> LoadSettings:
    packed = (Path(protocol.SETTINGS_FOLDER) / protocol.SETTINGS_FILE).read_bytes()
    settings = LoadSettings.model_validate_json(gzip.decompress(packed))
    if not settings.headers:
        return settings
    values = json.loads((Path(protocol.HEADERS_FOLDER) / protocol.HEADERS_FILE).read_text())
    # Without a second look at them, whose complaint would show a value in the log.
    return settings.model_copy(update={"headers": {name: SecretStr(value) for name, value in values.items()}})


class _Announcer:
    """Says how far the run is, about once a second."""

    def __init__(self, settings: LoadSettings) -> None:
        self._settings = settings
        self._next_s = 0.0

    def show(self, recording: Recording) -> None:
        now = time.monotonic()
        if now >= self._next_s:
            self._next_s = now + _SAY_EVERY_S
            _say(Said(text=progress_line(recording, self._settings, recording.elapsed_s)))


def _keep(result: LoadResult) -> Finished:
    packed = gzip.compress(result.model_dump_json().encode(), compresslevel=6, mtime=0)
    draft = Path(f"{protocol.RESULT_FILE}.tmp")
    draft.write_bytes(packed)
    draft.replace(protocol.RESULT_FILE)
    return Finished(size_bytes=len(packed), sha256=hashlib.sha256(packed).hexdigest())


def _wait_until_fetched() -> None:
    deadline = time.monotonic() + protocol.FETCH_WITHIN_S
    while time.monotonic() < deadline and not Path(protocol.FETCHED_FILE).exists():
        time.sleep(_LOOK_EVERY_S)


def _say(word: Word) -> None:
    print(word.line(), flush=True)


if __name__ == "__main__":
    sys.exit(main())
