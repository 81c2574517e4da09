"""Traces: the forms that are read, and the line that is named when one cannot be."""

from pathlib import Path

import pytest

from loadtest.schedule.trace import read_trace
from lookout.errors import UsageError


@pytest.mark.parametrize(
    "text",
    [
        "0\n0.5\n0.5\n2\n",
        "# recorded in May\n\n0\n0.5\n0.5\n2",
        "seconds\n0\n0.5\n0.5\n2\n",
        "0,GET\n0.5,GET\n0.5,POST\n2,GET\n",
        'method,"time"\nGET,0\nGET,0.5\nGET,0.5\nGET,2\n',
        '{"seconds": 0}\n{"time": 0.5}\n{"timestamp": 0.5}\n{"seconds": 2, "size": 7}\n',
    ],
    ids=["plain", "comments", "headed", "csv", "csv-headed", "jsonl"],
)
def test_reads_plain_csv_and_json_lines(tmp_path: Path, text: str) -> None:
    path = tmp_path / "trace"
    path.write_text(text)
    assert read_trace(path) == [0.0, 0.5, 0.5, 2.0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0\n-1\n", "line 2: -1 s is negative"),
        ("-0.5\n1\n", "line 1: -0.5 s is negative"),
        ("0\nnan\n", "line 2: 'nan' is no start"),
        ("0\ninf\n", "line 2: 'inf' is no start"),
        ("1\n\n0.5\n", "line 3: 0.5 s comes after 1 s"),
        ("0\nsoon\n", "line 2: 'soon' is no start"),
        ('{"second": 1}\n', "line 1: .* is no start"),
        ('{"seconds": true}\n', "line 1: .* is no start"),
        ("method,seconds\nGET,0\nGET\n", "line 3: 'GET' is no start"),
        ("\n# nothing\n", "holds no start"),
    ],
)
def test_names_the_line_that_is_wrong(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "trace"
    path.write_text(text)
    with pytest.raises(UsageError, match=message) as caught:
        read_trace(path)
    assert caught.value.remedy


def test_a_missing_or_binary_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read"):
        read_trace(tmp_path / "none")
    (tmp_path / "photo").write_bytes(b"\xff\xd8\xff")
    with pytest.raises(UsageError, match="cannot read"):
        read_trace(tmp_path / "photo")
