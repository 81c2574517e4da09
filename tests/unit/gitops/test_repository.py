"""deploy/ as a clone: what is refused before a commit, what a commit leaves alone, and pushes."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gitops import release, version_file
from gitops.repository import Repository
from lookout.artifact import Artifact
from lookout.errors import LookoutError
from tests.unit.gitops.conftest import Road, commit_all, run

Make = Callable[[str], Artifact]


def test_a_missing_clone_names_the_command_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(LookoutError, match="no clone of the configuration repository") as refused:
        Repository.open(tmp_path / "deploy")
    assert "make up" in str(refused.value.remedy)


def test_a_directory_inside_another_repository_is_no_clone(road: Road) -> None:
    with pytest.raises(LookoutError, match="no clone of the configuration repository"):
        Repository.open(road.deploy.directory / "detector")


def test_refuses_another_branch_and_a_detached_head(road: Road) -> None:
    run(road.deploy.directory, "switch", "--quiet", "--create", "idea")
    with pytest.raises(LookoutError, match="on branch idea"):
        Repository.open(road.deploy.directory)
    run(road.deploy.directory, "switch", "--quiet", "--detach", "main")
    with pytest.raises(LookoutError, match="on no branch"):
        Repository.open(road.deploy.directory)


@pytest.mark.parametrize("staged", [False, True])
def test_refuses_to_commit_over_a_hand_edit_of_the_same_file(road: Road, image: Make, staged: bool) -> None:
    release.cut(road.deploy, image("a"), ["dev"])
    path = road.deploy.directory / version_file.path("dev")
    path.write_text("half an edit\n")
    if staged:
        run(road.deploy.directory, "add", str(path))
    before = road.deploy.head
    with pytest.raises(LookoutError, match=r"not committed in detector/envs/dev/version\.yaml"):
        release.cut(road.deploy, image("b"), ["dev"])
    assert path.read_text() == "half an edit\n"
    assert road.deploy.head == before


def test_refuses_to_write_over_a_file_that_git_does_not_know(road: Road, image: Make) -> None:
    (road.deploy.directory / version_file.path("dev")).write_text("somebody's draft\n")
    with pytest.raises(LookoutError, match="not committed"):
        release.cut(road.deploy, image("a"), ["dev"])


def test_other_changes_stay_as_they_are_and_out_of_the_commit(road: Road, image: Make) -> None:
    where = road.deploy.directory
    (where / "detector/envs/dev/scaling.yaml").write_text("edited\n")
    (where / "detector/envs/prod/scaling.yaml").write_text("staged\n")
    run(where, "add", "detector/envs/prod/scaling.yaml")
    (where / "new.txt").write_text("new\n")
    before = road.deploy.head
    release.cut(road.deploy, image("a"), ["dev"])
    assert run(where, "diff", "--name-only", before, "HEAD") == version_file.path("dev")
    assert run(where, "status", "--porcelain").splitlines() == [
        "M detector/envs/dev/scaling.yaml",
        "M  detector/envs/prod/scaling.yaml",
        "?? new.txt",
    ]
    assert (where / "detector/envs/dev/scaling.yaml").read_text() == "edited\n"


def test_a_push_brings_the_commit_to_the_remote(road: Road, image: Make) -> None:
    release.cut(road.deploy, image("a"), ["dev"])
    assert road.deploy.distance() == (1, 0)
    road.deploy.push()
    assert road.deploy.distance() == (0, 0)
    assert run(road.remote, "rev-parse", "main") == road.deploy.head


def test_commits_of_others_are_explained_with_the_way_on(road: Road, image: Make, someone_else: Path) -> None:
    _push_from(someone_else)
    assert road.deploy.fetch() is None
    with pytest.raises(LookoutError, match=r"lacks 1 commit\(s\) of its remote") as refused:
        road.deploy.refuse_divergence()
    assert "pull --ff-only" in str(refused.value.remedy)
    release.cut(road.deploy, image("a"), ["dev"])
    with pytest.raises(LookoutError, match=r"diverged: 1 commit\(s\) only here, 1 only there") as refused:
        road.deploy.refuse_divergence()
    assert "pull --rebase" in str(refused.value.remedy)


def test_a_push_never_overwrites_what_others_pushed(road: Road, image: Make, someone_else: Path) -> None:
    release.cut(road.deploy, image("a"), ["dev"])
    theirs = _push_from(someone_else)
    with pytest.raises(LookoutError, match="rejected") as refused:
        road.deploy.push()
    assert "pull --rebase" in str(refused.value.remedy)
    assert run(road.remote, "rev-parse", "main") == theirs


def test_a_repository_made_anew_is_told_from_a_divergence(road: Road) -> None:
    anew = run(road.remote, "commit-tree", run(road.remote, "rev-parse", "main^{tree}"), "-m", "anew")
    run(road.remote, "update-ref", "refs/heads/main", anew)
    road.deploy.fetch()
    with pytest.raises(LookoutError, match="share no history"):
        road.deploy.refuse_divergence()


def test_a_silent_remote_is_a_line_not_an_error(road: Road) -> None:
    road.remote.rename(road.remote.with_name("gone.git"))
    silent = road.deploy.fetch()
    assert silent is not None
    assert silent.startswith("the remote did not answer")


def test_a_failed_push_keeps_the_commit_and_says_so(road: Road, image: Make) -> None:
    release.cut(road.deploy, image("a"), ["dev"])
    road.remote.rename(road.remote.with_name("gone.git"))
    with pytest.raises(LookoutError, match="the push failed") as refused:
        road.deploy.push()
    assert "the commit is kept" in str(refused.value.remedy)
    assert road.deploy.version("dev") == image("a")


def test_a_git_hook_that_calls_us_does_not_lead_us_astray(
    road: Road, image: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", str(road.remote))
    monkeypatch.setenv("GIT_INDEX_FILE", str(road.remote / "index"))
    release.cut(road.deploy, image("a"), ["dev"])
    assert road.deploy.version("dev") == image("a")


def _push_from(clone: Path) -> str:
    (clone / "theirs.txt").write_text("theirs\n")
    commit = commit_all(clone, "theirs")
    run(clone, "push", "--quiet")
    return commit
