"""What the cluster is asked for, in which order: a Secret with a token is the Job's from its making, and goes first."""

import json
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes import client  # type: ignore[import-untyped]  # the client ships no types
from pydantic import SecretStr

from loadtest.arrivals import Replay
from loadtest.incluster import job, run
from loadtest.incluster.cluster import JobCluster
from loadtest.settings import LoadSettings
from lookout.errors import LookoutError

GIVEN = "0123456789abcdef"
IMAGE = "registry.lookout.internal:5000/loadtest@sha256:0"
HEADERS = {"Authorization": SecretStr(f"Bearer {GIVEN}")}
OPEN = job.Order(name="load-1", image=IMAGE, settings=LoadSettings())
ASKING = job.Order(name="load-1", image=IMAGE, settings=LoadSettings(headers=HEADERS))

CREATED = ["POST namespaces", "POST jobs", "POST configmaps", "POST secrets"]
REMOVED = ["DELETE secrets", "DELETE jobs", "DELETE configmaps"]


class ApiServer(client.ApiClient):  # type: ignore[misc]  # the client ships no types
    """The client library's own calls, noted instead of sent. `refusing` answers 403 to some, or interrupts."""

    def __init__(self, refusing: Callable[[str], bool] = lambda _: False, error: BaseException | None = None) -> None:
        super().__init__(client.Configuration())
        self.asked: list[str] = []
        self.bodies: dict[str, Any] = {}
        self._refusing = refusing
        self._error = error or client.ApiException(status=403, reason="Forbidden")

    def call_api(self, path: str, method: str, *_: Any, body: Any = None, **__: Any) -> Any:
        """Note what is asked; a Job that is made has a uid."""
        kind = path.removesuffix("/{name}").rpartition("/")[2]
        self.asked.append(f"{method} {kind}")
        self.bodies[self.asked[-1]] = body
        if self._refusing(self.asked[-1]):
            raise self._error
        return SimpleNamespace(metadata=SimpleNamespace(uid="uid-1"))


def ends(api: ApiServer, order: job.Order = ASKING) -> None:
    with pytest.raises(BaseException, match=r"Forbidden|^$"):
        run.run_order(JobCluster(api), order, lambda _: None)


def test_the_secret_belongs_to_the_job_from_its_first_moment() -> None:
    api = ApiServer()
    JobCluster(api).create(ASKING)
    assert api.asked == CREATED
    for made in ("POST configmaps", "POST secrets"):
        (owner,) = api.bodies[made]["metadata"]["ownerReferences"]
        assert (owner["kind"], owner["uid"]) == ("Job", "uid-1")
    holders = [asked for asked, body in api.bodies.items() if GIVEN in json.dumps(body)]
    assert holders == ["POST secrets"]


def test_a_run_without_headers_needs_no_right_to_secrets() -> None:
    api = ApiServer(lambda asked: asked.endswith("secrets"))
    JobCluster(api).create(OPEN)
    JobCluster(api).delete(OPEN)
    assert api.asked == [*CREATED[:-1], *REMOVED[1:]]


@pytest.mark.parametrize("at", CREATED)
@pytest.mark.parametrize("error", [None, KeyboardInterrupt()])
def test_whatever_was_made_before_a_failure_or_an_interrupt_is_removed_the_secret_first(
    at: str, error: BaseException | None
) -> None:
    api = ApiServer(lambda asked: asked == at, error)
    ends(api)
    assert api.asked == [*CREATED[: CREATED.index(at) + 1], *REMOVED]


@pytest.mark.parametrize("at", REMOVED)
@pytest.mark.parametrize("error", [None, KeyboardInterrupt()])
def test_what_cannot_be_removed_keeps_nothing_else(at: str, error: BaseException | None) -> None:
    api = ApiServer(lambda asked: asked == at, error)
    with pytest.raises((LookoutError, KeyboardInterrupt)):
        JobCluster(api).delete(ASKING)
    assert api.asked == REMOVED


def test_what_is_gone_already_is_no_error() -> None:
    JobCluster(ApiServer(lambda _: True, client.ApiException(status=404))).delete(ASKING)


def test_a_refusal_says_what_was_refused_and_not_the_token() -> None:
    refused = client.ApiException(status=403, reason="Forbidden")
    refused.body = json.dumps({"message": "secrets is forbidden"})
    with pytest.raises(LookoutError, match="Secret with the run's headers: 403 secrets is forbidden") as caught:
        JobCluster(ApiServer(lambda asked: asked == "POST secrets", refused)).create(ASKING)
    assert GIVEN not in f"{caught.value} {caught.value.remedy}"


def test_a_trace_that_is_too_long_is_refused_before_anything_is_made() -> None:
    times: Sequence[float] = [((i * 2_654_435_761) % 2**32) / 2**32 * 3600 for i in range(200_000)]
    settings = LoadSettings(arrivals=Replay(trace="day.txt", times_s=tuple(sorted(times))))
    api = ApiServer()
    with pytest.raises(LookoutError, match="MB compressed"):
        JobCluster(api).create(job.Order(name="load-1", image=IMAGE, settings=settings))
    assert api.asked == []
