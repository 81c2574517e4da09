"""An SLO as people write it: what it means, and how an impossible one is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from loadtest.gate.slo import DEFAULT_SLO, SloTerm, format_slo, format_term, latency_bound_s, parse_slo
from loadtest.settings import REQUEST_TIMEOUT_S
from lookout import contract
from lookout.errors import EXIT_USAGE, UsageError


@pytest.mark.parametrize(
    ("text", "measure", "bound", "window_s"),
    [
        ("p99<=100ms", "p99", 0.1, 60),
        ("p99<=0.1s", "p99", 0.1, 60),
        ("P99 <= 1.5 s @ 5m", "p99", 1.5, 300),
        ("errors<=0.1%", "errors", 0.001, 300),
        ("errors<=0.001", "errors", 0.001, 300),
        ("goodput>=99%", "goodput", 0.99, 60),
        ("goodput>=0.99@1h", "goodput", 0.99, 3600),
        ("goodput>=45/s", "goodput_rate", 45, 60),
        ("goodput>=2%", "goodput", 0.02, 60),
    ],
)
def test_a_term_is_read_in_each_of_its_forms(text: str, measure: str, bound: float, window_s: int) -> None:
    (term,) = parse_slo(text)
    assert (term.measure, term.bound, term.window_s) == (measure, bound, window_s)


def test_terms_keep_their_order_and_both_kinds_of_goodput_may_stand_together() -> None:
    slo = parse_slo("goodput>=45/s, errors<=0.1%,p99<=50ms , goodput>=99%")
    assert [term.measure for term in slo] == ["goodput_rate", "errors", "p99", "goodput"]
    assert latency_bound_s(slo) == 0.05


def test_what_is_written_out_reads_back_the_same() -> None:
    text = "p99<=87.5ms,errors<=0.05%@60s,goodput>=99.9%,goodput>=45/s"
    assert format_slo(parse_slo(text)) == text
    assert format_slo(DEFAULT_SLO) == "p99<=100ms,errors<=0.1%"


@given(
    st.one_of(
        st.tuples(st.just("p99"), st.floats(1e-6, 29.9)),
        st.tuples(st.sampled_from(["errors", "goodput"]), st.floats(1e-9, 0.999999)),
        st.tuples(st.just("goodput_rate"), st.floats(0.01, 1e6)),
    ),
    st.integers(1, 86_400),
)
def test_every_term_survives_writing_and_reading(promise: tuple[str, float], window_s: int) -> None:
    term = SloTerm.model_validate({"measure": promise[0], "bound": promise[1], "window_s": window_s})
    assert parse_slo(format_term(term)) == (term,)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("p99<=0ms", "greater than 0"),
        ("p99<=30s", "nothing could break it"),
        ("p99<=100", "needs its unit"),
        ("p99<=100%", "needs its unit"),
        ("p99>=100ms", "p99 is bounded by <="),
        ("p99<100ms", "p99 is bounded by <="),
        ("p99<=-5ms", "not a number"),
        ("p99<=1e3ms", "not a number"),
        ("p99<=nanms", "not a number"),
        ("p99<=", "not a number"),
        ("p95<=100ms", "p99, errors or goodput"),
        ("errors<=150%", "between 0 and 100 %"),
        ("errors<=100%", "between 0 and 100 %"),
        ("errors<=0%", "greater than 0"),
        ("errors<=5ms", "errors takes no ms"),
        ("errors<=5/s", "errors takes no /s"),
        ("goodput>=101%", "between 0 and 100 %"),
        ("goodput>=100%", "between 0 and 100 %"),
        ("goodput<=99%", "goodput is bounded by >="),
        ("goodput>=0/s", "greater than 0"),
        ("p99<=100ms@60", "whole seconds"),
        ("p99<=100ms@0s", "window_s"),
        ("p99<=100ms@2d", "whole seconds"),
        ("p99<=100ms,p99<=200ms", "p99 is promised twice"),
        ("goodput>=4/s,goodput>=5/s", "goodput as a rate is promised twice"),
        ("p99<=100ms,", "not a term"),
        ("", "not a term"),
        ("fast", "a term is p99, errors or goodput"),
    ],
)
def test_an_impossible_slo_is_refused_with_the_right_form(text: str, why: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_slo(text)
    assert why in refused.value.message
    assert refused.value.remedy is not None
    assert "p99<=100ms,errors<=0.1%" in refused.value.remedy
    assert refused.value.exit_code == EXIT_USAGE


@pytest.mark.parametrize(
    ("measure", "good", "bad"),
    [
        ("p99", [0.001, 29.9], [0, 30.0, 60.0]),
        ("errors", [1e-6, 0.99], [0, 1.0]),
        ("goodput", [0.5, 0.999], [0, 1.0]),
    ],
)
def test_only_what_a_load_test_can_judge_may_be_promised(measure: str, good: list[float], bad: list[float]) -> None:
    for bound in good:
        SloTerm.model_validate({"measure": measure, "bound": bound, "window_s": 60})
    for bound in bad:
        with pytest.raises(ValidationError):
            SloTerm.model_validate({"measure": measure, "bound": bound, "window_s": 60})


def test_the_default_is_the_contracts() -> None:
    assert latency_bound_s(()) == contract.SLO_P99_S
    assert [term.bound for term in DEFAULT_SLO] == [contract.SLO_P99_S, contract.SLO_ERROR_RATIO]
    assert contract.SLO_P99_LIMIT_S == REQUEST_TIMEOUT_S
