"""A capacity record in deploy/: one file, one commit, nothing pushed."""

from gitops import size
from loadtest.capacity import store
from loadtest.capacity.record_file import parse, path
from lookout import contract
from tests.unit.gitops.conftest import Road, run
from tests.unit.loadtest.capacity import build


def test_a_record_is_one_commit_of_one_file_and_is_not_pushed(road: Road) -> None:
    record, before = build.record(), road.deploy.head
    said = store.commit(record)
    assert run(road.deploy.directory, "diff", "--name-only", before, "HEAD") == path(build.DIGEST, "test-4")
    assert parse(road.deploy.read(path(build.DIGEST, "test-4")) or "", "it") == record
    assert "lookout release size" in said
    assert run(road.remote, "rev-parse", contract.GIT_BRANCH) == before


def test_the_same_record_again_is_nothing_to_do_and_a_new_one_takes_its_place(road: Road) -> None:
    store.commit(build.record())
    head = road.deploy.head
    assert "nothing to do" in store.commit(build.record())
    assert road.deploy.head == head
    store.commit(build.record(slo_rate=build.slo_rate(50.0)))
    assert road.deploy.head != head
    assert size.check(road.deploy, contract.ENVIRONMENTS) == []
