"""`lookout monitoring`: images for a cluster elsewhere, named by digest as the stack's settings take them."""

from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from gitops import alert_rules
from infra import monitoring_cli
from infra.node import images
from infra.settings import PROJECT, parse
from lookout import contract, oci, tools
from lookout.oci import Directory, Image, Layer
from tests.unit.infra.conftest import CLOUD


@pytest.fixture
def pushed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Small files in the tools' place, an empty base, and a registry that takes everything."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for program in ("prometheus-adapter", "serving-certificate"):
        (tmp_path / program).write_text(program)
        (tmp_path / program).chmod(0o755)
    monkeypatch.setattr(tools, "tool", lambda name: tmp_path / name)
    destinations: list[str] = []

    def base(packages: object, progress: oci.Progress, users: object) -> Layer:
        del packages, users
        return oci.layer("debian", [Directory(target="/usr")], progress)

    def push(image: Image, destination: str, progress: oci.Progress) -> str:
        del progress
        destinations.append(destination)
        return image.digest

    monkeypatch.setattr(oci, "base", base)
    monkeypatch.setattr(oci, "push", push)
    return destinations


def test_push_prints_settings_that_a_stack_takes(pushed: list[str]) -> None:
    done = CliRunner().invoke(monitoring_cli.app, ["push", "registry.example.com/team"])
    assert done.exit_code == 0, done.output
    assert sorted(pushed) == [f"registry.example.com/team/{name}" for name in ("prometheus", "prometheus-adapter")]
    values = yaml.safe_load(done.stdout)
    settings = parse(
        {**CLOUD, "target": "gke", "gke": {"project": "p", "region": "r"}}
        | {key.removeprefix(f"{PROJECT}:"): value for key, value in values.items()}
    )
    assert settings.monitoring
    made = {image.ref.split("/")[1].split(":")[0]: image for image in images.monitoring_images().values()}
    assert settings.monitoring.prometheus_image.endswith(f"/prometheus@{made[contract.PROMETHEUS].digest}")
    assert settings.monitoring.metrics_adapter_image.endswith(made[contract.METRICS_ADAPTER].digest)


def test_rules_are_printed_as_they_stand_in_git() -> None:
    assert CliRunner().invoke(monitoring_cli.app, ["rules"]).stdout == alert_rules.render()
