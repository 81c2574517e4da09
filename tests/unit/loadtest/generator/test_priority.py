"""Real-time priority for the side that sends: taken where it may be, done without where not."""

import os
import subprocess
import sys

import pytest

from loadtest.generator.priority import go_first

ASK = "import os; from loadtest.generator.priority import go_first; print(go_first(), os.sched_getscheduler(0) & 0xFF)"


def test_says_truly_whether_it_was_given() -> None:
    # In a process of its own: the tests themselves stay ordinary.
    said = subprocess.run([sys.executable, "-c", ASK], text=True, capture_output=True, check=True).stdout.split()
    assert said in (["True", str(os.SCHED_RR)], ["False", str(os.SCHED_OTHER)])


@pytest.mark.parametrize("refusal", [PermissionError(), OSError(22, "no real-time share")])
def test_goes_on_without_where_it_is_refused(monkeypatch: pytest.MonkeyPatch, refusal: OSError) -> None:
    def refused(*_: object) -> None:
        raise refusal

    monkeypatch.setattr(os, "sched_setscheduler", refused)
    assert go_first() is False
