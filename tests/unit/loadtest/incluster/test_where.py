"""Which address a run asks, from here and from inside the cluster."""

import pytest

from loadtest.incluster.where import url_from_here, url_in_cluster
from loadtest.settings import DEFAULT_URL
from lookout.errors import UsageError


def test_inside_the_cluster_a_run_asks_the_service_of_its_environment() -> None:
    assert url_in_cluster(None, None) == "http://detector.lookout-prod.svc.cluster.local:80"
    assert url_in_cluster(None, "dev") == "http://detector.lookout-dev.svc.cluster.local:80"


def test_from_here_it_asks_production_s_door_unless_told_otherwise() -> None:
    assert url_from_here(None, None) == DEFAULT_URL
    assert url_from_here("http://example.test", None) == "http://example.test"


def test_two_targets_are_one_too_many() -> None:
    with pytest.raises(UsageError, match=r"LOOKOUT_URL\) says http://example\.test"):
        url_in_cluster("http://example.test", None)
    with pytest.raises(UsageError, match="goes with --in-cluster"):
        url_from_here(None, "dev")


def test_an_environment_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(UsageError, match="dev, staging, prod"):
        url_in_cluster(None, "moon")
