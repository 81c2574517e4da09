"""What Argo CD reads repeats names of the contract: project, ApplicationSet, registry."""

from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
import yaml

from gitops import render, version_file
from gitops.render import Manifest
from lookout import contract, paths
from tests.contract.conftest import one

_CONFIG = paths.PROJECT_ROOT / "gitops/config"


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return _load("projects/lookout.yaml")


@pytest.fixture(scope="module")
def application_set() -> dict[str, Any]:
    return _load("applicationsets/detector.yaml")


def test_the_project_allows_exactly_the_kinds_that_are_used(
    project: dict[str, Any], rendered: dict[str, list[Manifest]]
) -> None:
    used = {(_group(item), item["kind"]) for objects in rendered.values() for item in objects}
    allowed = {(entry["group"], entry["kind"]) for entry in project["spec"]["namespaceResourceWhitelist"]}
    assert allowed == used
    assert project["spec"]["clusterResourceWhitelist"] == [{"group": "", "kind": "Namespace"}]


def test_the_project_allows_the_environments_namespaces_and_no_others(project: dict[str, Any]) -> None:
    (destination,) = project["spec"]["destinations"]
    assert destination["server"] == "https://kubernetes.default.svc"
    for environment in contract.ENVIRONMENTS:
        assert fnmatchcase(contract.namespace(environment), destination["namespace"])
    for other in ("kube-system", "default", contract.ARGOCD_NAMESPACE, f"{contract.SIMULATED_NAMESPACE_PREFIX}pods"):
        assert not fnmatchcase(other, destination["namespace"])


def test_the_project_names_no_repository_because_the_stack_permits_its_own(project: dict[str, Any]) -> None:
    assert project["metadata"]["name"] == contract.ARGOCD_PROJECT
    assert project["metadata"]["namespace"] == contract.ARGOCD_NAMESPACE
    assert project["spec"]["sourceRepos"] == []


def test_an_application_exists_for_each_version_file(application_set: dict[str, Any]) -> None:
    clusters, git = application_set["spec"]["generators"][0]["matrix"]["generators"]
    assert clusters["clusters"]["selector"]["matchExpressions"] == [
        {"key": contract.TARGET_LABEL, "operator": "Exists"}
    ]
    assert git["git"]["files"] == [{"path": version_file.path("*")}]
    assert git["git"]["repoURL"] == _annotation(contract.REPOSITORY_ANNOTATION)
    assert git["git"]["revision"] == _annotation(contract.REVISION_ANNOTATION)


def test_applications_are_named_and_placed_as_everybody_expects(application_set: dict[str, Any]) -> None:
    template = application_set["spec"]["template"]
    environment = "{{ .path.basename }}"
    assert template["metadata"]["name"] == contract.application(environment)
    assert template["metadata"]["labels"] == {contract.ENVIRONMENT_LABEL: environment}
    assert template["spec"]["project"] == contract.ARGOCD_PROJECT
    assert template["spec"]["destination"]["namespace"] == contract.namespace(environment)
    assert template["spec"]["source"]["repoURL"] == _annotation(contract.REPOSITORY_ANNOTATION)


def test_the_registrys_name_in_git_is_mapped_to_the_clusters(application_set: dict[str, Any]) -> None:
    (image,) = application_set["spec"]["template"]["spec"]["source"]["kustomize"]["images"]
    assert image == f"{contract.IMAGE_REPOSITORY}={_annotation(contract.REGISTRY_ANNOTATION)}/{contract.DETECTOR}"


def test_templates_fail_on_missing_keys_instead_of_rendering_no_value(application_set: dict[str, Any]) -> None:
    assert application_set["spec"]["goTemplate"] is True
    assert application_set["spec"]["goTemplateOptions"] == ["missingkey=error"]


def test_namespaces_enforce_pod_security_restricted(application_set: dict[str, Any]) -> None:
    policy = application_set["spec"]["template"]["spec"]["syncPolicy"]
    assert policy["managedNamespaceMetadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert "CreateNamespace=true" in policy["syncOptions"]


def test_drift_is_healed_and_what_left_git_is_pruned_but_no_environment_by_a_slip(
    application_set: dict[str, Any], project: dict[str, Any]
) -> None:
    policy = application_set["spec"]["template"]["spec"]["syncPolicy"]
    assert policy["automated"] == {"prune": True, "selfHeal": True}
    assert "ServerSideApply=true" in policy["syncOptions"]
    assert application_set["spec"]["syncPolicy"] == {"applicationsSync": "create-update"}
    for resource in (application_set, project):
        assert resource["metadata"]["annotations"]["argocd.argoproj.io/sync-options"] == "Prune=false"


def test_replicas_are_left_to_an_autoscaler_but_not_to_hands(application_set: dict[str, Any]) -> None:
    assert application_set["spec"]["template"]["spec"]["ignoreDifferences"] == [
        {"group": "apps", "kind": "Deployment", "managedFieldsManagers": ["kube-controller-manager"]}
    ]


def test_the_clusters_registry_replaces_the_name_and_keeps_the_digest(config_dir: Path) -> None:
    objects = render.render("dev", config_dir, registry="10.231.0.2:5000")
    (container,) = one(objects, "Deployment")["spec"]["template"]["spec"]["containers"]
    assert container["image"] == f"10.231.0.2:5000/{contract.DETECTOR}@sha256:{'ab' * 32}"
    assert sorted(path.name for path in (config_dir / contract.CONFIG_ENVS).iterdir()) == sorted(contract.ENVIRONMENTS)


def test_this_tree_holds_an_environment_for_each_name_and_no_version() -> None:
    environments = _CONFIG / contract.CONFIG_ENVS
    assert sorted(path.name for path in environments.iterdir()) == sorted(contract.ENVIRONMENTS)
    assert list(environments.glob(f"*/{contract.VERSION_FILE}")) == []


def _load(file: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((_CONFIG / file).read_text())
    return loaded


def _group(item: Manifest) -> str:
    group, slash, _ = str(item["apiVersion"]).partition("/")
    return group if slash else ""


def _annotation(key: str) -> str:
    return f'{{{{ index .metadata.annotations "{key}" }}}}'
