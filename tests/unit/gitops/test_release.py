"""Cut, promote and roll back, each a commit in a real clone."""

import json
from collections.abc import Callable

import pytest

from gitops import history, release
from lookout import contract
from lookout.artifact import Artifact
from lookout.errors import EXIT_FAILURE, LookoutError, UsageError
from tests.unit.command import ended
from tests.unit.gitops.conftest import Road, commit_all, run

Make = Callable[[str], Artifact]


def test_a_cut_is_one_commit_that_writes_one_version_file(road: Road, image: Make) -> None:
    before = road.deploy.head
    outcome = release.cut(road.deploy, image("a"), ["dev"])
    assert run(road.deploy.directory, "diff", "--name-only", before, "HEAD") == "detector/envs/dev/version.yaml"
    assert run(road.deploy.directory, "rev-list", "--count", f"{before}..HEAD") == "1"
    assert road.deploy.version("dev") == image("a")
    assert "+          image: " + image("a").image in outcome.diff
    assert run(road.deploy.directory, "status", "--porcelain") == ""


def test_the_first_release_of_all_environments_is_one_commit(road: Road, image: Make) -> None:
    before = road.deploy.head
    release.cut(road.deploy, image("a"), contract.ENVIRONMENTS)
    assert [road.deploy.version(name) for name in contract.ENVIRONMENTS] == [image("a")] * 3
    assert run(road.deploy.directory, "rev-list", "--count", f"{before}..HEAD") == "1"


def test_the_commit_says_from_what_to_what(road: Road, image: Make) -> None:
    release.cut(road.deploy, image("a"), ["dev"])
    release.cut(road.deploy, image("b"), ["dev"])
    message = run(road.deploy.directory, "log", "-1", "--format=%B")
    assert message.splitlines()[0] == "dev: release detector:b"
    assert "dev: detector:a → detector:b" in message
    assert image("b").image in message


def test_a_user_without_identity_still_commits(road: Road, image: Make) -> None:
    release.cut(road.deploy, image("a"), ["dev"])
    assert run(road.deploy.directory, "log", "-1", "--format=%an <%ae>") == "Lookout <lookout@localhost>"


def test_the_users_identity_is_taken_where_there_is_one(road: Road, image: Make) -> None:
    run(road.deploy.directory, "config", "user.name", "Grace")
    run(road.deploy.directory, "config", "user.email", "grace@example.org")
    release.cut(road.deploy, image("a"), ["dev"])
    assert run(road.deploy.directory, "log", "-1", "--format=%an %ae %cn") == "Grace grace@example.org Grace"


def test_the_same_cut_again_has_nothing_to_do(road: Road, image: Make) -> None:
    release.cut(road.deploy, image("a"), ["dev"])
    before = road.deploy.head
    outcome = release.cut(road.deploy, image("a"), ["dev"])
    assert outcome.commit is None
    assert "nothing to do" in outcome.summary
    assert road.deploy.head == before


def test_a_new_release_cannot_start_in_an_environment_that_has_one(road: Road, image: Make) -> None:
    release.cut(road.deploy, image("a"), contract.ENVIRONMENTS)
    with pytest.raises(LookoutError, match="prod already runs a release"):
        release.cut(road.deploy, image("b"), ["prod"])
    assert road.deploy.version("prod") == image("a")
    release.cut(road.deploy, image("b"), ["prod"], force=True)
    assert road.deploy.version("prod") == image("b")


def test_promotion_gives_the_next_environment_what_this_one_has(road: Road, image: Make) -> None:
    release.cut(road.deploy, image("a"), contract.ENVIRONMENTS)
    release.cut(road.deploy, image("b"), ["dev"])
    release.promote_release(road.deploy, "dev", "staging")
    assert road.deploy.version("staging") == image("b")
    assert road.deploy.version("prod") == image("a")


def test_promoting_the_same_version_has_nothing_to_do(road: Road, image: Make) -> None:
    release.cut(road.deploy, image("a"), contract.ENVIRONMENTS)
    assert release.promote_release(road.deploy, "dev", "staging").commit is None


def test_refuses_to_promote_an_environment_without_release(road: Road) -> None:
    with pytest.raises(LookoutError, match="dev has no release to promote"):
        release.promote_release(road.deploy, "dev", "staging")


@pytest.mark.parametrize(
    ("source", "target", "says"),
    [
        ("dev", "prod", "skips staging"),
        ("prod", "dev", "prod comes after dev"),
        ("dev", "dev", "to itself"),
        ("dev", "production", "unknown environment 'production'"),
        ("", "staging", "unknown environment ''"),
    ],
)
def test_refuses_a_promotion_out_of_order(road: Road, image: Make, source: str, target: str, says: str) -> None:
    release.cut(road.deploy, image("a"), contract.ENVIRONMENTS)
    before = road.deploy.head
    with pytest.raises(UsageError, match=says):
        release.promote_release(road.deploy, source, target)
    assert road.deploy.head == before


def test_force_skips_an_environment_but_never_goes_backwards(road: Road, image: Make) -> None:
    release.cut(road.deploy, image("a"), ["dev"])
    release.promote_release(road.deploy, "dev", "prod", force=True)
    assert road.deploy.version("prod") == image("a")
    with pytest.raises(UsageError, match="comes after"):
        release.promote_release(road.deploy, "prod", "staging", force=True)


def _released(road: Road, image: Make, *letters: str) -> list[str]:
    return [str(release.cut(road.deploy, image(letter), ["dev"]).commit) for letter in letters]


def test_rollback_restores_the_release_before(road: Road, image: Make) -> None:
    _released(road, image, "a", "b")
    release.rollback(road.deploy, "dev")
    assert road.deploy.version("dev") == image("a")


def test_rolling_back_twice_goes_two_releases_back_not_forth_again(road: Road, image: Make) -> None:
    _released(road, image, "a", "b", "c")
    release.rollback(road.deploy, "dev")
    release.rollback(road.deploy, "dev")
    assert road.deploy.version("dev") == image("a")


def test_a_rollback_never_returns_to_a_release_that_was_rolled_back(road: Road, image: Make) -> None:
    _released(road, image, "a", "b")
    release.rollback(road.deploy, "dev")
    _released(road, image, "c")
    release.rollback(road.deploy, "dev")
    assert road.deploy.version("dev") == image("a")


def test_rollback_goes_several_steps(road: Road, image: Make) -> None:
    _released(road, image, "a", "b", "c")
    release.rollback(road.deploy, "dev", steps=2)
    assert road.deploy.version("dev") == image("a")


def test_rollback_to_a_commit_restores_what_ran_then(road: Road, image: Make) -> None:
    commits = _released(road, image, "a", "b", "c")
    release.rollback(road.deploy, "dev", to=commits[0][:10])
    assert road.deploy.version("dev") == image("a")


@pytest.mark.parametrize(
    ("to", "says"),
    [("no-such-commit", "is no commit"), ("--all", "is no commit"), ("HEAD~1", "dev had no release at HEAD~1")],
)
def test_refuses_a_rollback_to_nowhere(road: Road, image: Make, to: str, says: str) -> None:
    _released(road, image, "a")
    with pytest.raises(UsageError, match=says):
        release.rollback(road.deploy, "dev", to=to)


def test_refuses_a_rollback_to_a_commit_of_another_branch(road: Road, image: Make) -> None:
    _released(road, image, "a")
    run(road.deploy.directory, "switch", "--quiet", "--create", "side")
    _released(road, image, "b")
    run(road.deploy.directory, "switch", "--quiet", "main")
    with pytest.raises(UsageError, match="not in the history of main"):
        release.rollback(road.deploy, "dev", to="side")


def test_refuses_to_go_back_further_than_the_first_release(road: Road, image: Make) -> None:
    _released(road, image, "a", "b")
    with pytest.raises(LookoutError, match="no release 2 step"):
        release.rollback(road.deploy, "dev", steps=2)
    with pytest.raises(UsageError, match="goes nowhere"):
        release.rollback(road.deploy, "dev", steps=0)


def _break(road: Road, environment: str) -> None:
    (road.deploy.directory / f"detector/envs/{environment}/version.yaml").write_text("image: latest\n")
    commit_all(road.deploy.directory, "by hand")


def test_a_cut_mends_a_version_file_that_a_hand_edit_broke(road: Road, image: Make) -> None:
    _released(road, image, "a")
    _break(road, "dev")
    release.cut(road.deploy, image("b"), ["dev"])
    assert road.deploy.version("dev") == image("b")
    assert "dev: an unreadable version → detector:b" in run(road.deploy.directory, "log", "-1", "--format=%B")


def test_a_broken_version_lets_no_cut_past_the_first_environment_unless_forced(road: Road, image: Make) -> None:
    release.cut(road.deploy, image("a"), contract.ENVIRONMENTS)
    _break(road, "prod")
    with pytest.raises(LookoutError, match="prod already runs a release"):
        release.cut(road.deploy, image("a"), ["prod"])
    release.cut(road.deploy, image("a"), ["prod"], force=True)
    assert road.deploy.version("prod") == image("a")


def test_a_promotion_mends_a_broken_target_and_refuses_a_broken_source(road: Road, image: Make) -> None:
    release.cut(road.deploy, image("a"), contract.ENVIRONMENTS)
    _break(road, "staging")
    with pytest.raises(LookoutError, match="is not a version file"):
        release.promote_release(road.deploy, "staging", "prod")
    release.promote_release(road.deploy, "dev", "staging")
    assert road.deploy.version("staging") == image("a")


def test_rollback_mends_a_version_file_that_a_hand_edit_broke(road: Road, image: Make) -> None:
    _released(road, image, "a", "b")
    _break(road, "dev")
    assert history.read(road.deploy, "dev")[0].artifact is None
    release.rollback(road.deploy, "dev")
    assert road.deploy.version("dev") == image("b")


def test_history_lists_the_releases_of_one_environment_newest_first(road: Road, image: Make) -> None:
    commits = _released(road, image, "a", "b")
    release.promote_release(road.deploy, "dev", "staging")
    release.rollback(road.deploy, "dev")
    entries = history.read(road.deploy, "dev")
    assert [entry.artifact for entry in entries] == [image("a"), image("b"), image("a")]
    assert entries[0].restored == entries[2].commit == commits[0]
    assert [entry.artifact for entry in history.read(road.deploy, "staging")] == [image("b")]


def test_history_reads_a_commit_whose_subject_holds_what_unicode_calls_a_line_end(road: Road, image: Make) -> None:
    _released(road, image, "a")
    file = road.deploy.directory / "detector/envs/dev/version.yaml"
    file.write_text(file.read_text() + "# by hand\n")
    run(road.deploy.directory, "commit", "--quiet", "--all", "-m", "one\u2028two\x85three\x1ffour")
    assert [entry.subject for entry in history.read(road.deploy, "dev")] == [
        "one\u2028two\x85three\x1ffour",
        "dev: release detector:a",
    ]


def test_refuses_an_environment_whose_directory_is_gone(road: Road, image: Make) -> None:
    run(road.deploy.directory, "rm", "-r", "--quiet", "detector/envs/dev")
    commit_all(road.deploy.directory, "no dev")
    with pytest.raises(LookoutError, match=r"no detector/envs/dev/kustomization\.yaml"):
        release.cut(road.deploy, image("a"), ["dev"])


def _on_gpus(road: Road, environment: str) -> None:
    """Have an environment take the component, by a commit."""
    file = road.deploy.directory / contract.CONFIG_ENVS / environment / "kustomization.yaml"
    text = file.read_text()
    assert "  - ../../components/autoscaler\n" in text
    file.write_text(text.replace("components:\n", "components:\n  - ../../components/gpu\n", 1))
    commit_all(road.deploy.directory, f"{environment} on GPUs")


def _gpu_image(of: Artifact) -> Artifact:
    made = of.model_copy(update={"image": f"{contract.IMAGE_REPOSITORY}@sha256:{'9' * 64}"})
    made.save(gpu=True)
    return made


def test_an_environment_on_gpus_gets_the_image_for_gpus_and_hands_on_the_other(road: Road, image: Make) -> None:
    on_gpu = _gpu_image(image("a"))
    image("a").save()
    _on_gpus(road, "staging")
    release.cut(road.deploy, image("a"), ["dev"])
    release.promote_release(road.deploy, "dev", "staging")
    release.promote_release(road.deploy, "staging", "prod")
    assert [road.deploy.version(name) for name in ("dev", "staging", "prod")] == [image("a"), on_gpu, image("a")]
    assert "nothing to do" in release.promote_release(road.deploy, "dev", "staging").summary


def test_a_cut_for_both_kinds_names_both_images(road: Road, image: Make) -> None:
    on_gpu = _gpu_image(image("a"))
    _on_gpus(road, "prod")
    release.cut(road.deploy, image("a"), contract.ENVIRONMENTS)
    assert [road.deploy.version(name) for name in contract.ENVIRONMENTS] == [image("a"), image("a"), on_gpu]
    message = run(road.deploy.directory, "log", "-1", "--format=%B")
    assert f"image: {image('a').image}" in message
    assert f"image: {on_gpu.image}" in message


def test_without_an_image_for_gpus_nothing_is_committed_and_it_says_what_to_run(road: Road, image: Make) -> None:
    _on_gpus(road, "dev")
    before = road.deploy.head
    with pytest.raises(LookoutError, match="no image for GPUs") as caught:
        release.cut(road.deploy, image("a"), ["dev"])
    assert f"lookout bento image --gpu --push --bento {image('a').bento}" in str(caught.value.remedy)
    assert road.deploy.head == before


def test_an_image_that_the_nodes_cannot_serve_is_told_by_the_machine_that_built_it(
    road: Road, image: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    on_gpu = _gpu_image(image("a"))
    release.cut(road.deploy, image("a"), ["dev"])
    release.cut(road.deploy, on_gpu, ["staging"], force=True)
    _on_gpus(road, "dev")
    assert release.wrong_image(road.deploy, "dev") is None  # nobody here knows it for the CPUs'
    assert "is the one for GPUs" in (release.wrong_image(road.deploy, "staging") or "")
    image("a").save()
    assert "is the one for CPUs" in (release.wrong_image(road.deploy, "dev") or "")
    assert ended("release", "check", "dev", "--json") == EXIT_FAILURE
    (found,) = json.loads(capsys.readouterr().out)
    assert found["wrong"] == []
    assert found["image"] == release.wrong_image(road.deploy, "dev")
    assert ended("release", "check") == EXIT_FAILURE
    assert capsys.readouterr().out.count("✗") == 2
    release.cut(road.deploy, image("a"), ["dev"])
    assert ended("release", "check", "dev") == 0


def test_a_rollback_over_the_move_to_gpus_takes_the_image_that_the_environment_needs_now(
    road: Road, image: Make
) -> None:
    release.cut(road.deploy, image("a"), ["dev"])
    release.cut(road.deploy, image("b"), ["dev"])
    _on_gpus(road, "dev")
    on_gpu = _gpu_image(image("a"))
    release.rollback(road.deploy, "dev")
    assert road.deploy.version("dev") == on_gpu
