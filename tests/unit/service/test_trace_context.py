"""The header traceparent: what is taken as a trace, and what begins one of its own."""

import pytest

from service import trace_context
from service.trace_context import TraceContext

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def read(*values: str) -> TraceContext | None:
    return trace_context.read([(b"host", b"x"), *((b"traceparent", value.encode()) for value in values)])


def test_a_trace_is_read_and_written_as_it_came() -> None:
    found = read(f"00-{TRACE}-{SPAN}-01")
    assert found == TraceContext(TRACE, SPAN, sampled=True)
    assert found.header().decode() == f"00-{TRACE}-{SPAN}-01"


def test_only_the_lowest_flag_says_sampled() -> None:
    assert read(f"00-{TRACE}-{SPAN}-fe") == TraceContext(TRACE, SPAN, sampled=False)
    assert read(f"00-{TRACE}-{SPAN}-03") == TraceContext(TRACE, SPAN, sampled=True)


def test_a_later_version_may_say_more() -> None:
    assert read(f"cc-{TRACE}-{SPAN}-01-what-the-future-brings") == TraceContext(TRACE, SPAN, sampled=True)


@pytest.mark.parametrize(
    "value",
    [
        "",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-01-more",
        f"ff-{TRACE}-{SPAN}-01",
        f"cc-{TRACE}-{SPAN}-01more",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE[1:]}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01\n",
    ],
)
def test_what_the_standard_refuses_is_no_trace(value: str) -> None:
    assert read(value) is None


def test_two_headers_are_no_trace() -> None:
    assert read(f"00-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-01") is None


def test_our_own_work_is_in_the_callers_trace_under_a_name_of_its_own() -> None:
    caller = TraceContext(TRACE, SPAN, sampled=True)
    first, second = caller.child(), caller.child()
    assert {first.trace_id, second.trace_id} == {TRACE}
    assert len({first.span_id, second.span_id, SPAN}) == 3
    assert not first.sampled  # nobody records it
    assert read(first.header().decode()) == first
