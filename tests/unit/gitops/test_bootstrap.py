"""The first release of all environments, also after an interruption."""

import shutil
from collections.abc import Callable

import pytest

from gitops import release
from gitops.bootstrap import bootstrap
from lookout import contract
from lookout.artifact import Artifact
from lookout.errors import LookoutError
from tests.unit.gitops.conftest import Road, commit_all, run

Make = Callable[[str], Artifact]


def _bootstrap(road: Road, artifact: Artifact) -> release.Outcome:
    return bootstrap(str(road.remote), road.deploy.directory, artifact)


def test_clones_and_releases_into_every_environment(road: Road, image: Make) -> None:
    shutil.rmtree(road.deploy.directory)
    assert _bootstrap(road, image("a")).commit == run(road.remote, "rev-parse", "main")
    assert [road.deploy.version(name) for name in contract.ENVIRONMENTS] == [image("a")] * 3


def test_environments_keep_what_they_have(road: Road, image: Make) -> None:
    _bootstrap(road, image("a"))
    assert _bootstrap(road, image("b")).commit is None
    assert [road.deploy.version(name) for name in contract.ENVIRONMENTS] == [image("a")] * 3


def test_a_first_release_that_was_not_pushed_is_pushed(road: Road, image: Make) -> None:
    release.cut(road.deploy, image("a"), contract.ENVIRONMENTS)
    _bootstrap(road, image("a"))
    assert run(road.remote, "rev-parse", "main") == road.deploy.head


def test_later_commits_of_a_person_are_not_pushed_for_them(road: Road, image: Make) -> None:
    _bootstrap(road, image("a"))
    pushed = road.deploy.head
    release.cut(road.deploy, image("b"), ["dev"])
    _bootstrap(road, image("b"))
    assert run(road.remote, "rev-parse", "main") == pushed


def test_a_broken_version_file_is_left_to_its_owner(road: Road, image: Make) -> None:
    _bootstrap(road, image("a"))
    (road.deploy.directory / "detector/envs/dev/version.yaml").write_text("image: latest\n")
    commit_all(road.deploy.directory, "by hand")
    assert _bootstrap(road, image("b")).commit is None


def test_a_remote_made_anew_is_explained(road: Road, image: Make) -> None:
    anew = run(road.remote, "commit-tree", run(road.remote, "rev-parse", "main^{tree}"), "-m", "anew")
    run(road.remote, "update-ref", "refs/heads/main", anew)
    with pytest.raises(LookoutError, match="share no history"):
        _bootstrap(road, image("a"))


def test_a_silent_remote_is_an_error(road: Road, image: Make) -> None:
    road.remote.rename(road.remote.with_name("gone.git"))
    with pytest.raises(LookoutError, match="did not answer"):
        _bootstrap(road, image("a"))
