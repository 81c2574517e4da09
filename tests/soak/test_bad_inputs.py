"""Ten thousand requests that mean no good, against a real service process with the real model."""

import json
import os
import statistics
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from loadtest.machine import description
from lookout import contract
from lookout.files import write_whole
from tests.bench.processes import tree
from tests.fuzz import hostile
from tests.loopback.service import running
from tests.soak.report import MEASUREMENTS

pytestmark = pytest.mark.loopback

COUNT, CLIENTS = 10_000, 4
WARM = 2_000
"""After so many, whatever is loaded, cached or pooled once is there."""
MOST_GROWTH = 1.05
"""Of resident memory from the warm process to the last thousand requests."""
PROMISED = {200, 400, 404, 413, 415, 422, 503}


def test_ten_thousand_bad_inputs_leave_the_service_as_it_was() -> None:
    requests = list(hostile.requests(seed=20_251_121, count=COUNT))
    statuses, memory = Counter[str](), list[int]()
    with running(max_image_pixels="2000000") as (url, process):
        processes = [one.pid for one in tree(process.pid)]
        began = time.monotonic()

        def ask(share: Sequence[hostile.Hostile]) -> None:
            with httpx.Client(base_url=url, trust_env=False, timeout=30) as client:
                for one in share:
                    headers = [(name.encode(), value.encode("latin-1")) for name, value in one.headers.items()]
                    status = client.post(one.path, content=one.body, headers=headers).status_code
                    assert status in PROMISED, (status, one)
                    statuses[f"{one.kind} {status}"] += 1
                    memory.append(_resident(processes))

        with ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(ask, [requests[number::CLIENTS] for number in range(CLIENTS)]))
        seconds = time.monotonic() - began
        assert [one.pid for one in tree(process.pid)] == processes  # no worker was replaced
        assert httpx.get(url + contract.READINESS_PATH, trust_env=False).status_code == 200
    warm, last = statistics.median(memory[WARM : WARM + 1_000]), statistics.median(memory[-1_000:])
    _write({
        "requests": COUNT, "seconds": round(seconds, 1), "answers": dict(sorted(statuses.items())),
        "resident_mib": {"after 2,000": round(warm / 2**20, 1), "at the end": round(last / 2**20, 1)},
    })  # fmt: skip
    print(f"{COUNT} in {seconds:.0f} s; resident {warm / 2**20:.1f} MiB, at the end {last / 2**20:.1f} MiB; {statuses}")
    assert len(memory) == COUNT
    assert last <= warm * MOST_GROWTH


def _resident(pids: Sequence[int]) -> int:
    pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids)
    return pages * os.sysconf("SC_PAGE_SIZE")


def _write(found: dict[str, Any]) -> None:
    path = MEASUREMENTS / f"bad-inputs-{datetime.now(UTC):%Y-%m-%d}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps({"schema_version": 1, "machine": description(), **found}, indent=1) + "\n")
