"""A process that is told to end ends as after Ctrl-C."""

import signal

import pytest

from loadtest.termination import as_ctrl_c


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_the_signal_interrupts_what_is_under_way(number: signal.Signals) -> None:
    before = signal.signal(number, signal.SIG_DFL)  # whatever started the tests may have it ignored
    try:
        with pytest.raises(KeyboardInterrupt), as_ctrl_c():
            signal.raise_signal(number)
        assert signal.getsignal(number) is signal.SIG_DFL
    finally:
        signal.signal(number, before)


def test_a_signal_that_is_ignored_stays_so() -> None:
    """As under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with as_ctrl_c():
            signal.raise_signal(signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
