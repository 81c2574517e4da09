"""What an inference request costs is known before it is taken apart, however odd it is: in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lookout import paths
from tests.unit.service.oip.test_oip import json_input, pixel_input

_MEASURE = """
import sys
from service import problems
from service.oip import inputs, wire
from service.settings import Settings
def peak():
    return next(int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith("VmHWM"))
body, length = open(sys.argv[1], "rb").read(), sys.argv[2] or None
before = peak()
cost = None
try:
    parts = wire.frame(body, length)
    cost = parts.cost_bytes
    inputs.images(wire.parse(parts), Settings())
except problems.Problem as problem:
    assert len(problem.detail) < 300
print(cost or 0, peak() - before)
"""


def json_bytes(body: Any) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()


def pixels_of(data: Any) -> bytes:
    return json_bytes({"inputs": [pixel_input((1, 1, 1, 3), data)]})


@pytest.mark.parametrize(
    "body",
    [
        pixels_of([[]] * 600_000),
        pixels_of([1.5] * 1_200_000),
        pixels_of(["abcdefgh"] * 1_200_000),
        pixels_of(["x" * 20_000] + [1] * 20_000),
        json_bytes({"inputs": [{}] * 400_000}),
        json_bytes({"inputs": [{**pixel_input((), []), "shape": ["x"] * 1_200_000}]}),
        json_bytes({"inputs": [], "parameters": {str(number): [] for number in range(500_000)}}),
        json_bytes({"inputs": [], "parameters": {"k" * 20_000_000: []}}),
        '{"inputs":[],"id":"\\n😀'.encode() + b"x" * 20_000_000 + b'"}',
        json_bytes({"inputs": [json_input([bytes(20_000_000)])]}),
        b"[" * 1_000_000,
    ],
    ids=["lists", "floats", "strings", "one-long", "inputs", "shape", "members", "name", "wide", "base64", "deep"],
)
def test_no_request_costs_more_memory_than_is_reserved_for_it(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "body").write_bytes(body)
    command = [sys.executable, "-c", _MEASURE, str(tmp_path / "body"), ""]
    told = subprocess.run(command, cwd=paths.PROJECT_ROOT, capture_output=True, text=True, check=True).stdout
    reserved, taken = map(int, told.split())
    assert taken <= reserved + 4_000_000  # what the first request loads is not this one's
