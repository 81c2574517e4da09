"""What Prometheus' rules do, by promtool: the cases stand in rules/behaviour.yaml."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from gitops import alert_rules
from lookout import paths

_RULES = paths.PROJECT_ROOT / "gitops/config" / alert_rules.FILE
_CASES = Path(__file__).parent / "rules" / "behaviour.yaml"


@pytest.fixture
def beside(tmp_path: Path) -> Path:
    """The rules and their cases in one directory, as promtool wants them."""
    shutil.copy(_RULES, tmp_path / "rules.yaml")
    shutil.copy(_CASES, tmp_path / "behaviour.yaml")
    shutil.copy(_RULES.parent / "prometheus.yaml", tmp_path / "prometheus.yaml")
    return tmp_path


def test_prometheus_takes_the_configuration(beside: Path) -> None:
    done = promtool("check", "config", str(beside / "prometheus.yaml"))
    assert done.returncode == 0, done.stdout + done.stderr


def test_rules_do_what_the_cases_say(beside: Path) -> None:
    done = promtool("test", "rules", str(beside / "behaviour.yaml"))
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_changed_budget_does_not_pass(beside: Path) -> None:
    """The cases would notice: promtool is really asked about these rules. Those of this alert are enough for that."""
    cases = yaml.safe_load(_CASES.read_text())
    cases["tests"] = [case for case in cases["tests"] if "LookoutErrorsBudget" in str(case)]
    (beside / "behaviour.yaml").write_text(yaml.safe_dump(cases))
    assert promtool("test", "rules", str(beside / "behaviour.yaml")).returncode == 0
    rules = beside / "rules.yaml"
    rules.write_text(rules.read_text().replace("> 0.0144", "> 0.5"))
    assert promtool("test", "rules", str(beside / "behaviour.yaml")).returncode != 0


def promtool(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run promtool; it comes with Debian's package prometheus (tests/packages.py)."""
    return subprocess.run(["promtool", *arguments], check=False, capture_output=True, text=True)
