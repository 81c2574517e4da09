"""The first commit of a configuration repository, and the clone of it."""

import shutil
from pathlib import Path

import pytest

from gitops import seed, source
from gitops.source import CONFIG
from lookout.errors import LookoutError
from tests.unit.gitops.conftest import Road, commit_all, run


def test_an_empty_repository_gets_the_committed_configuration_as_its_root(project: Path, tmp_path: Path) -> None:
    (project / CONFIG / "not-committed.yaml").write_text("a: 1\n")
    commit = seed.seed(tmp_path / "lookout.git", project)
    assert run(tmp_path / "lookout.git", "rev-parse", "main^{tree}") == run(project, "rev-parse", f"HEAD:{CONFIG}")
    assert source.TRAILER in run(tmp_path / "lookout.git", "log", "-1", "--format=%B", commit)


def test_seeding_again_leaves_the_repository_alone(project: Path, tmp_path: Path) -> None:
    first = seed.seed(tmp_path / "lookout.git", project)
    (project / CONFIG / "later.yaml").write_text("a: 1\n")
    commit_all(project, "later")
    assert seed.seed(tmp_path / "lookout.git", project) == first


def test_seeding_twice_from_the_same_commit_gives_the_same_history(project: Path, tmp_path: Path) -> None:
    assert seed.seed(tmp_path / "one.git", project) == seed.seed(tmp_path / "two.git", project)


def test_a_project_unpacked_from_an_archive_is_seeded_from_its_files(project: Path, tmp_path: Path) -> None:
    tree = run(project, "rev-parse", f"HEAD:{CONFIG}")
    shutil.rmtree(project / ".git")
    seed.seed(tmp_path / "lookout.git", project)
    assert run(tmp_path / "lookout.git", "rev-parse", "main^{tree}") == tree


def test_files_that_a_user_ignores_everywhere_are_seeded_all_the_same(project: Path, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / ".gitconfig").write_text("[core]\n\texcludesFile = ~/ignored\n\tautocrlf = true\n")
    (tmp_path / "home" / "ignored").write_text("*.yaml\n")
    seed.seed(tmp_path / "lookout.git", project)
    assert run(tmp_path / "lookout.git", "rev-parse", "main^{tree}") == run(project, "rev-parse", f"HEAD:{CONFIG}")


def test_refuses_a_project_that_holds_a_version_file(project: Path, tmp_path: Path) -> None:
    (project / CONFIG / "detector/envs/dev/version.yaml").write_text("kind: Deployment\n")
    commit_all(project, "a version where none belongs")
    with pytest.raises(LookoutError, match=r"versions belong to the configuration repository"):
        seed.seed(tmp_path / "lookout.git", project)
    assert run(tmp_path / "lookout.git", "for-each-ref") == ""


def test_refuses_a_project_without_a_committed_configuration(project: Path, tmp_path: Path) -> None:
    run(project, "rm", "-r", "--quiet", CONFIG)
    commit_all(project, "no configuration")
    with pytest.raises(LookoutError, match="cannot read gitops/config"):
        seed.seed(tmp_path / "lookout.git", project)


def test_a_clone_of_the_same_remote_is_left_alone(road: Road) -> None:
    (road.deploy.directory / "note.txt").write_text("mine")
    assert seed.clone(str(road.remote), road.deploy.directory) is False
    assert (road.deploy.directory / "note.txt").read_text() == "mine"


def test_refuses_a_clone_of_something_else(road: Road) -> None:
    with pytest.raises(LookoutError, match="is a clone of") as refused:
        seed.clone("http://127.0.0.1:3999/lookout.git", road.deploy.directory)
    assert "remote set-url" in str(refused.value.remedy)


def test_refuses_a_directory_with_other_files_in_it(road: Road, tmp_path: Path) -> None:
    (tmp_path / "busy").mkdir()
    (tmp_path / "busy" / "thesis.txt").write_text("do not lose me")
    with pytest.raises(LookoutError, match="not a git clone"):
        seed.clone(str(road.remote), tmp_path / "busy")
    assert (tmp_path / "busy" / "thesis.txt").read_text() == "do not lose me"


def test_a_failed_clone_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    with pytest.raises(LookoutError, match="git clone failed"):
        seed.clone(str(tmp_path / "nowhere.git"), tmp_path / "here" / "deploy")
    assert list((tmp_path / "here").iterdir()) == []


def test_an_empty_remote_gets_its_first_commit_from_the_clone(
    tmp_path: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tmp_path, "init", "--quiet", "--bare", "team.git")
    monkeypatch.setattr(source.write_tree, "__defaults__", (project,))
    monkeypatch.setattr(seed.seed, "__defaults__", (project,))
    seed.clone(str(tmp_path / "team.git"), tmp_path / "deploy")
    run(tmp_path / "deploy", "push", "--quiet")
    assert run(tmp_path / "team.git", "rev-parse", "main^{tree}") == run(project, "rev-parse", f"HEAD:{CONFIG}")
    assert run(tmp_path / "deploy", "status", "--porcelain") == ""


def test_refuses_a_remote_with_other_branches_only(tmp_path: Path, project: Path) -> None:
    run(project, "branch", "--move", "trunk")
    with pytest.raises(LookoutError, match="no main"):
        seed.clone(str(project), tmp_path / "deploy")
    assert not (tmp_path / "deploy").exists()
