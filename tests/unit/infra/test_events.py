"""Pulumi's event stream as lines for people."""

import json
from typing import Any

import pytest

from infra.events import NOT_READY, Report, plain

URN = "urn:pulumi:local::lookout::kubernetes:apps/v1:Deployment::argocd/Deployment/argocd-redis"


def _step(event: str, operation: str, kind: str = "kubernetes:apps/v1:Deployment") -> str:
    return json.dumps({event: {"metadata": {"op": operation, "urn": URN, "type": kind}}})


def _diagnostic(message: str, severity: str) -> str:
    return json.dumps({"diagnosticEvent": {"message": message, "severity": severity}})


def test_named_resources_go_by() -> None:
    report = Report()
    assert report.take(_step("resourcePreEvent", "create")) == "creating argocd/Deployment/argocd-redis"
    assert report.take(_step("resOutputsEvent", "create")) == "created argocd/Deployment/argocd-redis"


def test_a_preview_says_would() -> None:
    report = Report(previewing=True)
    assert report.take(_step("resourcePreEvent", "update")) == "would update argocd/Deployment/argocd-redis"
    assert report.take(_step("resOutputsEvent", "update")) is None


@pytest.mark.parametrize(
    "line",
    [_step("resourcePreEvent", "same"), _step("resourcePreEvent", "create", "pulumi:pulumi:Stack"), "{}", "", "[1]"],
)
def test_what_says_nothing_is_not_shown(line: str) -> None:
    assert Report().take(line) is None


def test_what_is_no_event_is_shown_as_it_is() -> None:
    assert Report().take("error: no such stack\n") == "error: no such stack"


@pytest.mark.parametrize(
    ("changes", "unchanged"), [({"same": 44}, True), ({"same": 43, "update": 1}, False), ({}, True)]
)
def test_unchanged_means_nothing_but_same(changes: dict[str, Any], unchanged: bool) -> None:
    report = Report()
    report.take(json.dumps({"summaryEvent": {"resourceChanges": changes}}))
    assert report.unchanged is unchanged


def test_an_error_is_kept_once_in_its_own_words() -> None:
    report = Report()
    for _ in range(2):
        report.take(_diagnostic("<{%fg 1%}>Exception calling application: port 8080 is taken<{%reset%}>\n", "error"))
    report.take(_diagnostic("update failed", "error"))
    report.take(_diagnostic("an unhandled error occurred: program exited with non-zero exit code: 1", "error"))
    assert report.errors == ["port 8080 is taken"]


def test_a_timeout_of_the_kubernetes_provider_is_one_line() -> None:
    told = (
        f'2 errors occurred:\n\t* resource "{URN}" was successfully created, '
        "but the Kubernetes API server reported that it failed to fully initialize or become live: "
        "'argocd-redis' timed out waiting to be Ready\n\t* Minimum number of live Pods was not attained\n"
    )
    assert plain(told) == f"argocd/Deployment/argocd-redis {NOT_READY}; Minimum number of live Pods was not attained"
