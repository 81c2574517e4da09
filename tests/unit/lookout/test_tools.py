"""Finding a tool: the one that was built, the user's own, and the directories Pulumi needs."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lookout import tools
from lookout.errors import LookoutError
from lookout.toolchain import programs
from tests.unit.command import ended

if TYPE_CHECKING:
    from tests.unit.lookout.conftest import FakeGo


def a_program(directory: Path, answer: str) -> Path:
    path = directory / "mine"
    path.write_text(f"#!/bin/sh\ncat <<'END'\n{answer}\nEND\n")
    path.chmod(0o755)
    return path


@pytest.mark.usefixtures("cache")
def test_a_tool_that_is_not_built_says_how_to_build_it() -> None:
    with pytest.raises(LookoutError, match=r"kubectl [\d.]+ is not built") as caught:
        tools.tool("kubectl")
    assert caught.value.remedy == "run: make tools"


def test_an_unknown_tool_is_refused_with_the_known_ones() -> None:
    with pytest.raises(LookoutError, match="no tool is called kubeclt") as caught:
        tools.tool("kubeclt")
    assert "kubectl" in str(caught.value.remedy)
    with pytest.raises(LookoutError, match="no asset is called"):
        tools.asset("argocd/other.yaml")


@pytest.mark.usefixtures("cache")
def test_a_tool_of_the_same_version_may_be_the_users_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = a_program(tmp_path, f"Client Version: v{tools.version('kubectl')}")
    monkeypatch.setenv("LOOKOUT_TOOL_KUBECTL", str(mine))
    assert tools.tool("kubectl") == mine
    (info,) = [info for info in tools.versions() if info.name == "kubectl"]
    assert (info.state, info.source, info.path) == ("yours", "from $LOOKOUT_TOOL_KUBECTL", mine)


def test_a_tool_the_user_names_is_not_built(fake_go: "FakeGo", tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOOKOUT_TOOL_KUBECTL", str(a_program(tmp_path, f"v{tools.version('kubectl')}")))
    assert "kubectl" not in [built.name for built in tools.build()]
    assert programs.program("kubectl").package not in fake_go.compiled


@pytest.mark.parametrize("answer", ["v9.9.9", "v{}9", "v{}.1", "v1{}", "v{}-alpha.1", ""])
def test_refuses_a_tool_of_another_version(answer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOOKOUT_TOOL_KUBECTL", str(a_program(tmp_path, answer.format(tools.version("kubectl")))))
    with pytest.raises(LookoutError, match=rf"version {tools.version('kubectl')} is needed") as caught:
        tools.tool("kubectl")
    assert "unset LOOKOUT_TOOL_KUBECTL" in str(caught.value.remedy)


def test_refuses_a_named_tool_that_is_not_there_or_cannot_be_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOOKOUT_TOOL_HELM", str(tmp_path / "helm"))
    with pytest.raises(LookoutError, match="which is not there"):
        tools.tool("helm")
    (tmp_path / "helm").write_text("text")
    with pytest.raises(LookoutError, match="which is not executable"):
        tools.tool("helm")
    (tmp_path / "helm").chmod(0o755)
    (tmp_path / "helm").write_bytes(b"\x7fELF, but not really")
    with pytest.raises(LookoutError, match="cannot ask"):
        tools.tool("helm")


def test_refuses_to_replace_a_tool_that_cannot_say_its_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOOKOUT_TOOL_PULUMI_RESOURCE_KUBERNETES", str(a_program(tmp_path, "4.25.0")))
    with pytest.raises(LookoutError, match="cannot be asked for its version"):
        tools.tool(programs.PROVIDER)


def test_a_slip_in_a_variables_name_is_not_silently_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOOKOUT_TOOL_KUBECTI", "/usr/bin/kubectl")
    with pytest.raises(LookoutError, match="LOOKOUT_TOOL_KUBECTI names no tool") as caught:
        tools.versions()
    assert "LOOKOUT_TOOL_KUBECTL" in str(caught.value.remedy)


@pytest.mark.usefixtures("fake_go")
def test_pulumi_finds_its_language_host_and_provider_where_it_looks() -> None:
    tools.build()
    beside = tools.pulumi_bin_dir()
    for name in ("pulumi", "pulumi-language-python", "pulumi-language-python-exec", "pulumi-resource-pulumi-python"):
        assert (beside / name).samefile(tools.tool(name))
        assert not (beside / name).is_symlink()
    plugins = tools.pulumi_home() / "plugins" / f"resource-kubernetes-v{tools.version(programs.PROVIDER)}"
    assert [path.name for path in plugins.iterdir()] == [programs.PROVIDER]
    assert (plugins / programs.PROVIDER).samefile(tools.tool(programs.PROVIDER))


@pytest.mark.usefixtures("fake_go")
def test_pulumis_directories_follow_a_tool_that_was_made_again() -> None:
    tools.build()
    link = tools.pulumi_bin_dir() / "pulumi"
    inode = link.stat().st_ino
    tools.tool("pulumi").unlink()
    tools.build()
    assert (tools.pulumi_bin_dir() / "pulumi").samefile(tools.tool("pulumi"))
    assert link.stat().st_ino != inode


@pytest.mark.usefixtures("fake_go")
def test_an_asset_is_a_copy_that_needs_no_module_cache() -> None:
    tools.build()
    path = tools.asset(programs.ARGOCD_INSTALL)
    assert path.name == "core-install.yaml"
    assert not os.access(path, os.X_OK)


@pytest.mark.usefixtures("fake_go")
def test_the_command_shows_state_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    tools.build()
    assert ended("tools", "--json", "--verify") == 0
    shown = {info["name"]: info for info in json.loads(capsys.readouterr().out)}
    assert shown["etcd"]["version"] == tools.version("etcd")
    assert shown["etcd"]["state"] == "built"
    assert shown["etcd"]["source"] == f"built from go.etcd.io/etcd/server/v3@v{tools.version('etcd')}"
    assert len(shown["etcd"]["sha256"]) == 64


@pytest.mark.usefixtures("fake_go")
def test_the_command_ends_with_one_when_a_file_is_not_what_was_built(capsys: pytest.CaptureFixture[str]) -> None:
    tools.build()
    etcd = tools.tool("etcd")
    etcd.write_bytes(b"?" + etcd.read_bytes()[1:])
    assert ended("tools", "--verify") == 1
    assert "corrupt: etcd" in capsys.readouterr().err


@pytest.mark.usefixtures("fake_go")
def test_the_build_command_names_every_tool_with_its_time(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended("tools", "build") == 0
    shown = capsys.readouterr().err
    for program in programs.programs():
        assert f"{program.name} {program.bare_version}" in shown
    assert ended("tools", "build") == 0
    assert "nothing to build" in capsys.readouterr().err
