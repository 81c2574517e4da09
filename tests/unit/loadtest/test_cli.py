"""The command line refuses before it sends anything, and its exit codes say how the run went."""

from collections.abc import Callable
from pathlib import Path

import pytest

from loadtest import run as run_module
from loadtest import target
from loadtest.profiles import PROFILES
from loadtest.result import LoadResult, load_result
from tests.unit.command import ended
from tests.unit.loadtest import build
from tests.unit.loadtest.ceiling.test_record import measured


@pytest.fixture(autouse=True)
def _asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(_url: str) -> dict[str, str]:
        raise AssertionError("asked a server although the usage was wrong")

    monkeypatch.setattr(target, "ask_service", ask)


@pytest.fixture
def load(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    def call(*options: str) -> tuple[int, str]:
        outputs = (
            [] if "--json" in options else ["--json", str(tmp_path / "o.json"), "--html", str(tmp_path / "o.html")]
        )
        code = ended("load", "run", *outputs, *options)
        captured = capsys.readouterr()
        return code, " ".join((captured.out + captured.err).split())

    return call


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--duration", "0s"], "--duration"),
        (["--duration", "soon"], "write it as 45s, 2m or 1h"),
        (["--arrivals", "closed", "--users", "0"], "--users"),
        (["--users", "many"], "--users"),
        (["--rate", "-1"], "--rate"),
        (["--arrivals", "spike"], "needs --rate and --peak and --at and --for"),
        (["--arrivals", "spike", "--rate", "1", "--peak", "9", "--at", "30s", "--for", "5s"], "would begin at 30 s"),
        (["--slo", "p99<=0ms"], "p99"),
        (["--slo", "p99<=2s", "--timeout", "1s"], "cannot show that it took longer than the 2 s"),
        (
            ["--processes", "2", "--master", "127.0.0.1:5557", "--expect-workers", "2"],
            "--processes starts senders here",
        ),
        (["--slo", "p99<=2s", "--json", "reports/a", "--evidence", "reports/a"], "reports/a is named for two outputs"),
        (["--expect", "everything"], "--expect"),
        (["--url", "localhost"], "not an http"),
        (["--json", "/dev/null/out.json"], "cannot write /dev/null/out.json"),
        (["--no-such-option"], "No such option"),
    ],
)
def test_wrong_usage_ends_with_64_and_sends_nothing(
    load: Callable[..., tuple[int, str]], options: list[str], message: str
) -> None:
    code, output = load(*options)
    assert code == 64
    assert message in output
    assert "Traceback" not in output


def test_a_trace_with_a_negative_time_ends_with_64_and_names_the_line(
    load: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    trace = tmp_path / "trace.csv"
    trace.write_text("seconds\n0\n-1\n")
    code, output = load("--arrivals", "replay", "--trace", str(trace))
    assert code == 64
    assert "line 3: -1 s is negative" in output


def test_a_rate_beyond_the_measured_ceiling_ends_with_64_and_sends_nothing(
    load: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    measured(1_000).save()
    code, output = load("--rate", "1200")
    assert code == 64
    assert "the rate reaches 1,200 starts a second" in output
    assert "lower the rate" in output


@pytest.mark.parametrize(
    ("result", "code"),
    [
        (build.load_result([1.0, 2.0]), 0),
        (build.load_result([1.0, 2.0], [None, "timeout"]), 1),
        (build.load_result([]), 1),
        (build.load_result([1.0], interrupted=True), 130),
        (build.load_result([1.0, None]), 1),
        (build.load_result([1.0], loop="closed"), 0),
    ],
    ids=["clean", "errors", "nothing", "interrupted", "dropped", "closed"],
)
def test_the_exit_code_says_how_it_went_and_both_files_are_there(
    load: Callable[..., tuple[int, str]],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    result: LoadResult,
    code: int,
) -> None:
    monkeypatch.setattr(target, "ask_service", lambda _url: {"name": "x"})
    monkeypatch.setattr(run_module, "run_load", lambda *_arguments: result)
    found, output = load()
    assert found == code, output
    assert load_result(tmp_path / "o.json") == result
    assert "<svg" in (tmp_path / "o.html").read_text() or not result.samples.error
    assert ("not a certification" in output) == (result.loop == "closed")


def test_profiles_are_listed_with_what_each_is_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended("load", "profiles") == 0
    shown = " ".join(capsys.readouterr().out.split())
    for profile in PROFILES.values():
        assert f"{profile.name} {profile.intent}" in shown


@pytest.mark.parametrize("master", ["5557", "host", ":5557", "host:", "host:port", "host:65536", "host:0"])
def test_a_worker_needs_to_know_its_master(master: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended("load", "worker", "--master", master) == 64
    assert "is not HOST:PORT" in capsys.readouterr().err
