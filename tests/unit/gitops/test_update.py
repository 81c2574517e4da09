"""Bringing the project's configuration over: a three-way merge that keeps hand edits and never touches a version."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gitops import release, version_file
from gitops.source import CONFIG
from gitops.update import update
from lookout import contract
from lookout.artifact import Artifact
from lookout.errors import LookoutError
from tests.unit.gitops.conftest import Road, commit_all, run

Make = Callable[[str], Artifact]
_SCALING = "detector/envs/prod/scaling.yaml"
_SERVICE = "detector/base/service.yaml"


def test_nothing_changed_is_nothing_to_do(road: Road) -> None:
    assert update(road.deploy, road.project).commit is None


def test_what_is_not_committed_in_the_project_is_not_brought_over(road: Road) -> None:
    _edit(road.project / CONFIG / _SERVICE, "port: 80", "port: 81")
    assert update(road.deploy, road.project).commit is None


def test_a_change_of_the_project_comes_as_one_commit(road: Road, image: Make) -> None:
    release.cut(road.deploy, image("a"), contract.ENVIRONMENTS)
    before = road.deploy.head
    _change(road, _SERVICE, "port: 80", "port: 81")
    (road.project / CONFIG / "monitoring.yaml").write_text("a: 1\n")
    run(road.project, "rm", "--quiet", f"{CONFIG}/detector/components/gpu/deployment.yaml")
    commit_all(road.project, "more")
    update(road.deploy, road.project)
    assert run(road.deploy.directory, "rev-list", "--count", f"{before}..HEAD") == "1"
    assert run(road.deploy.directory, "diff", "--name-status", before, "HEAD").split() == [
        "M", _SERVICE, "D", "detector/components/gpu/deployment.yaml", "A", "monitoring.yaml",
    ]  # fmt: skip
    assert [road.deploy.version(name) for name in contract.ENVIRONMENTS] == [image("a")] * 3
    assert update(road.deploy, road.project).commit is None


def test_hand_edits_elsewhere_stay(road: Road) -> None:
    _edit(road.deploy.directory / _SCALING, "maxReplicas: 4", "maxReplicas: 5")
    commit_all(road.deploy.directory, "by hand")
    _change(road, _SERVICE, "port: 80", "port: 81")
    update(road.deploy, road.project)
    assert "maxReplicas: 5" in (road.deploy.directory / _SCALING).read_text()
    assert "port: 81" in (road.deploy.directory / _SERVICE).read_text()


def test_hand_edits_stay_over_several_updates(road: Road) -> None:
    _edit(road.deploy.directory / _SCALING, "maxReplicas: 4", "maxReplicas: 5")
    commit_all(road.deploy.directory, "by hand")
    for port in (81, 82, 83):
        _change(road, _SERVICE, f"port: {port - 1}", f"port: {port}")
        update(road.deploy, road.project)
    assert "maxReplicas: 5" in (road.deploy.directory / _SCALING).read_text()
    assert "port: 83" in (road.deploy.directory / _SERVICE).read_text()


def test_the_same_lines_edited_on_both_sides_are_refused_by_name(road: Road) -> None:
    before = _both_edit_scaling(road)
    with pytest.raises(LookoutError, match=f"edited both here and in this project: {_SCALING}") as refused:
        update(road.deploy, road.project)
    assert "--on-conflict" in str(refused.value.remedy)
    assert road.deploy.head == before
    assert run(road.deploy.directory, "status", "--porcelain") == ""


@pytest.mark.parametrize(("side", "replicas"), [("mine", 5), ("project", 3)])
def test_a_conflict_is_settled_by_taking_one_side(road: Road, side: str, replicas: int) -> None:
    _both_edit_scaling(road)
    _change(road, _SERVICE, "port: 80", "port: 81")
    update(road.deploy, road.project, on_conflict="mine" if side == "mine" else "project")
    assert f"maxReplicas: {replicas}" in (road.deploy.directory / _SCALING).read_text()
    assert "port: 81" in (road.deploy.directory / _SERVICE).read_text()
    assert "<<<<" not in (road.deploy.directory / _SCALING).read_text()
    assert update(road.deploy, road.project).commit is None


@pytest.mark.parametrize("side", ["mine", "project"])
def test_a_file_removed_there_and_edited_here_is_a_conflict_too(road: Road, side: str) -> None:
    _edit(road.deploy.directory / _SCALING, "maxReplicas: 4", "maxReplicas: 5")
    commit_all(road.deploy.directory, "by hand")
    run(road.project, "rm", "--quiet", f"{CONFIG}/{_SCALING}")
    commit_all(road.project, "removed")
    with pytest.raises(LookoutError, match=_SCALING):
        update(road.deploy, road.project)
    update(road.deploy, road.project, on_conflict="mine" if side == "mine" else "project")
    assert (road.deploy.directory / _SCALING).exists() == (side == "mine")


def test_a_renamed_environment_does_not_carry_its_version_along(road: Road, image: Make) -> None:
    release.cut(road.deploy, image("a"), ["dev"])
    run(road.project, "mv", f"{CONFIG}/detector/envs/dev", f"{CONFIG}/detector/envs/development")
    commit_all(road.project, "renamed")
    update(road.deploy, road.project)
    assert road.deploy.version("dev") == image("a")
    assert not (road.deploy.directory / "detector/envs/development/version.yaml").exists()


def test_a_change_in_the_working_tree_in_the_way_is_kept(road: Road) -> None:
    _edit(road.deploy.directory / _SERVICE, "port: 80", "port: 99")
    _change(road, _SERVICE, "targetPort: http", "targetPort: web")
    before = road.deploy.head
    with pytest.raises(LookoutError, match=_SERVICE):
        update(road.deploy, road.project)
    assert "port: 99" in (road.deploy.directory / _SERVICE).read_text()
    assert road.deploy.head == before


def test_a_fresh_clone_finds_its_base_in_the_projects_history(road: Road, tmp_path: Path) -> None:
    _change(road, _SERVICE, "port: 80", "port: 81")
    update(road.deploy, road.project)
    _edit(road.deploy.directory / _SCALING, "maxReplicas: 4", "maxReplicas: 5")
    commit_all(road.deploy.directory, "by hand")
    road.deploy.push()
    run(tmp_path, "clone", "--quiet", str(road.remote), str(tmp_path / "fresh"))
    fresh = type(road.deploy).open(tmp_path / "fresh")
    _change(road, _SERVICE, "port: 81", "port: 82")
    update(fresh, road.project)
    assert "port: 82" in (fresh.directory / _SERVICE).read_text()
    assert "maxReplicas: 5" in (fresh.directory / _SCALING).read_text()


def test_a_base_that_nobody_has_is_explained(road: Road) -> None:
    run(road.deploy.directory, "commit", "--quiet", "--allow-empty", "-m", f"x\n\nLookout-Config: {'0' * 40}")
    _change(road, _SERVICE, "port: 80", "port: 81")
    with pytest.raises(LookoutError, match="not in this project's history"):
        update(road.deploy, road.project)


def test_a_repository_not_made_from_this_project_is_refused(road: Road, tmp_path: Path) -> None:
    directory = tmp_path / "other"
    directory.mkdir()
    run(directory, "init", "--quiet", "--initial-branch=main")
    run(directory, "commit", "--quiet", "--allow-empty", "-m", "something else")
    with pytest.raises(LookoutError, match="says which configuration it was made from"):
        update(type(road.deploy).open(directory), road.project)


def test_refuses_a_project_that_would_bring_a_version_along(road: Road, image: Make) -> None:
    (road.project / CONFIG / version_file.path("dev")).write_text(version_file.render(image("a")))
    commit_all(road.project, "a version where none belongs")
    with pytest.raises(LookoutError, match="versions belong to the configuration repository"):
        update(road.deploy, road.project)


def _both_edit_scaling(road: Road) -> str:
    _edit(road.deploy.directory / _SCALING, "maxReplicas: 4", "maxReplicas: 5")
    commit_all(road.deploy.directory, "by hand")
    _change(road, _SCALING, "maxReplicas: 4", "maxReplicas: 3")
    return road.deploy.head


def _change(road: Road, file: str, old: str, new: str) -> None:
    _edit(road.project / CONFIG / file, old, new)
    commit_all(road.project, f"{file}: {new}")


def _edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
