"""The report of a run: one well-formed file that fetches nothing, with the verdict and its arithmetic first."""

import re
import time
from pathlib import Path

import pytest

from loadtest.gate.slo import parse_slo
from loadtest.gate.verdict import Judgement, Outcome, TermJudgement
from loadtest.profiles import PROFILES
from loadtest.report import write_report
from loadtest.report.health import STAGE_STYLES, stages_plot
from loadtest.report.run import render
from loadtest.report.words import generator_facts
from loadtest.result import LoadResult, Observations, PodSecond, StageSecond
from service.metrics import STAGES
from tests.unit.command import ended
from tests.unit.loadtest import build
from tests.unit.loadtest.report.page import Page, assert_self_contained

TARGET = {"http://127.0.0.1:8080"}
HOSTILE = "status 503: <script>alert(1)</script> & $costs$ \x1b[31m"


def _many(count: int = 1200) -> list[float]:
    return [20 + (i * 37 % 101) / 10 for i in range(count)]


def _judged(outcome: Outcome) -> LoadResult:
    result = build.load_result(_many(), slo=parse_slo("p99<=100ms,errors<=0.1%"))
    p99 = TermJudgement(
        term="p99<=100ms", outcome=outcome, trials=1200, violations=7, allowed_ratio=0.01, needed=1600,
        lower_ratio=0.0021, upper_ratio=0.0134, observed="31.4 ms", arithmetic="7 of 1,200 took longer than 100 ms.",
    )  # fmt: skip
    errors = p99.model_copy(
        update={"term": "errors<=0.1%", "violations": 0, "lower_ratio": 0.0, "allowed_ratio": 0.001}
    )
    verdict = Judgement(
        outcome=outcome, reasons=("p99<=100ms: because of <reasons>.",), terms=(p99, errors), steady=True,
        steady_reason="The last three windows agree.", confidence=0.99,
    )  # fmt: skip
    return result.model_copy(update={"verdict": verdict})


OBSERVED = Observations(
    stages=tuple(
        StageSecond(at_s=i, stage_ms={"decode": 3.0, "inference": 11.0}, queue_wait_ms=0.5, in_flight=2.0)
        for i in range(10)
    ),
    pods=tuple(PodSecond(at_s=i, wanted=2, ready=1 + (i > 4), restarts=int(i > 6)) for i in range(10)),
)

RUNS = {
    "clean": build.load_result(_many()),
    "failed": build.load_result(_many(200), [HOSTILE if i % 10 == 0 else None for i in range(200)]),
    "judged": _judged("pass"),
    "observed": build.load_result(_many(), observations=OBSERVED),
    "dropped": build.load_result([None if i % 7 == 0 else 20.0 for i in range(100)]),
    "no answer": build.load_result([1.0, 2.0], ["connection refused"] * 2),
    "nothing": build.load_result([], interrupted=True, cpu_cores=()),
    "one": build.load_result([5.0]),
    "at once": build.load_result([0.0, 0.0]),
    "closed": build.load_result(_many(), loop="closed"),
}


@pytest.mark.parametrize("name", [name for name in RUNS if name != "nothing"])
def test_every_report_is_whole_named_and_fetches_nothing(name: str) -> None:
    assert_self_contained(render(RUNS[name]), TARGET)


@pytest.mark.parametrize(
    ("name", "figures"),
    [("clean", 4), ("failed", 5), ("judged", 5), ("observed", 6), ("dropped", 5), ("no answer", 3), ("nothing", 0)],
)
def test_a_report_has_the_plots_its_run_can_fill(name: str, figures: int) -> None:
    assert Page(render(RUNS[name])).figures == figures


@pytest.mark.parametrize(
    ("outcome", "word"),
    [
        ("pass", "Pass"),
        ("fail", "Fail"),
        ("not enough data", "Not enough data"),
        ("generator invalid", "Generator invalid"),
    ],
)
def test_the_verdict_comes_first_with_its_reasons_and_its_arithmetic(outcome: Outcome, word: str) -> None:
    words = Page(render(_judged(outcome))).words
    assert words.index(word) < words.index("median latency") < words.index("What was asked")
    assert "because of <reasons>." in words
    assert "7 of 1,200 took longer than 100 ms." in words
    assert "0.583 %" in words  # the share observed
    assert "0.21 % … 1.34 %" in words  # where the true share lies
    assert "1,600" in words  # trials needed
    assert "The last three windows agree." in words


def test_text_of_a_server_is_escaped_wherever_it_shows() -> None:
    html = render(RUNS["failed"])
    assert "<script" not in html
    assert "alert(1)&lt;/script&gt; &amp; $costs$" in html
    assert "\x1b" not in html


def test_plots_carry_their_words_as_text() -> None:
    html = render(RUNS["observed"])
    for text in ("latency, ms", "intended rate", "p99.9", "worst lag", "inference", "wanted", "container restarted"):
        assert f">{text}<" in html, text


def test_every_stage_of_the_service_has_a_look_of_its_own_in_colour_and_in_grey_print() -> None:
    assert tuple(STAGE_STYLES) == STAGES
    colours, hatches = zip(*STAGE_STYLES.values(), strict=True)
    assert len(set(colours)) == len(set(hatches)) == len(STAGES)


def test_all_stages_stand_in_the_legend_above_the_plot_in_the_order_of_a_photo_s_way() -> None:
    second = StageSecond(at_s=0, stage_ms=dict.fromkeys(sorted(STAGES), 1.0), queue_wait_ms=0.5, in_flight=2.0)
    seconds = [second.model_copy(update={"at_s": at}) for at in range(10)]
    text = re.compile(r'font-size: ([\d.]+)px[^>]* x="([\d.]+)" y="([-\d.]+)"[^>]*>(\w+)<')
    found = text.findall(stages_plot(seconds, 10.0))
    places = {word: (float(x), float(y)) for _, x, y, word in found}
    assert sorted(STAGES, key=lambda stage: places[stage]) == list(STAGES)
    assert all(float(y) > float(size) for size, _, y, word in found if word in STAGES), "cut off at the top"


def test_the_stall_that_a_closed_loop_hides_stands_in_the_latency_plot() -> None:
    stalled = [1000.0 * (5 - i / 10) if 40 <= i < 50 else 20.0 for i in range(100)]
    assert "worst 1,000.0 ms near second 4" in render(build.load_result(stalled))


def test_the_bound_of_the_slo_is_drawn_over_time_and_on_the_percentiles() -> None:
    html = render(_judged("pass"))
    assert ">bound 100 ms<" in html
    assert ">p99 ≤ 100 ms: pass below the corner<" in html
    assert "bound 100 ms" not in render(RUNS["clean"])


def test_says_what_was_asked() -> None:
    words = " ".join(Page(render(RUNS["judged"])).words.split())
    for text in ("poisson: rate 120", "10.0 s of 10 s asked", "p99<=100ms, errors<=0.1%", "127.0.0.1:8080/v1/detect"):
        assert text in words


def test_a_profile_is_shown_with_its_intent_and_secrets_are_not() -> None:
    result = RUNS["clean"]
    settings = result.settings.model_validate(
        result.settings.model_dump() | {"profile": "spike", "headers": {"Authorization": "Bearer hush"}}
    )
    html = render(result.model_copy(update={"settings": settings}))
    assert PROFILES["spike"].intent in Page(html).words
    assert "hush" not in html


def test_says_which_processes_the_server_figures_are_of() -> None:
    seen = OBSERVED.model_copy(update={"stages_from": "whichever of 2 processes answered"})
    assert "Asked: whichever of 2 processes answered." in render(build.load_result(_many(), observations=seen))


def test_says_that_a_run_without_a_verdict_certifies_nothing() -> None:
    assert "not a certification" in render(RUNS["closed"])
    assert "nothing is certified" in render(RUNS["clean"])


def test_says_how_many_answers_an_unknown_percentile_takes() -> None:
    assert "takes 1,000 answers" in render(RUNS["failed"])


def test_a_run_without_a_correct_answer_says_so() -> None:
    assert "No answer was correct" in render(RUNS["no answer"])


def test_an_interrupted_run_says_so() -> None:
    assert "a partial run" in render(RUNS["nothing"])


def test_warns_when_the_generator_was_busy() -> None:
    assert "its own delay" in render(build.load_result([1.0], cpu_cores=(0.2, 0.95)))
    assert "its own delay" not in render(build.load_result([1.0], cpu_cores=(0.3,)))


def test_the_same_result_gives_the_same_file(tmp_path: Path) -> None:
    for name in ("a.html", "b.html"):
        write_report(RUNS["judged"], tmp_path / name)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_a_large_run_stays_a_small_file_and_renders_soon() -> None:
    latencies = [20 + (i * 7919 % 10_007) / 100 for i in range(300_000)]
    result = build.load_result(latencies, duration_s=600.0)
    began = time.process_time()
    html = render(result)
    assert time.process_time() - began < 10
    assert len(html) < 3_000_000


def test_the_command_renders_a_saved_result_anew_and_refuses_one_of_another_schema(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved, old = tmp_path / "run.json", tmp_path / "old.json"
    RUNS["judged"].save(saved)
    old.write_text('{"schema_version": 1}')
    assert ended("load", "report", str(saved)) == 0
    assert (tmp_path / "run.html").read_text() == render(RUNS["judged"])
    assert ended("load", "report", str(old)) == 1
    assert "schema version 1, this program reads 2" in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "old.html").exists()


@pytest.mark.parametrize(
    ("real_time", "words"),
    [(True, "a server on it included"), (False, "no: starts wait for whatever else computes"), (None, "n/a")],
)
def test_says_whether_the_generator_went_before_the_server(real_time: bool | None, words: str) -> None:
    facts = dict(generator_facts(build.load_result(_many(), real_time=real_time)))
    assert words in facts["real-time priority"]
    assert "real-time priority" in render(build.load_result(_many(), real_time=real_time))
