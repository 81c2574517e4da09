"""The variant that asks for tokens, on top of every environment: it is closed, whatever is missing."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from gitops import render
from lookout import contract, paths
from service import settings as service_settings
from tests.contract.conftest import one

_SET = paths.PROJECT_ROOT / "gitops/config/applicationsets/detector.yaml"
_CONDITION = f'{{{{- with index .metadata.annotations "{contract.API_TOKENS_ANNOTATION}" }}}}'


def patched(fingerprint: str) -> dict[str, Any]:
    """What the ApplicationSet puts over an Application, for a cluster Secret with this annotation. Argo CD renders Go
    templates; this one is a single condition, read here by its three marks."""
    template: str = yaml.safe_load(_SET.read_text())["spec"]["templatePatch"]
    found = re.fullmatch(rf"{re.escape(_CONDITION)}\n(.*){{{{- else }}}}\n(.*){{{{- end }}}}\n", template, re.DOTALL)
    assert found, template
    chosen: dict[str, Any] = yaml.safe_load((found[1] if fingerprint else found[2]).replace("{{ . }}", fingerprint))
    return chosen


@pytest.fixture(scope="module", params=contract.ENVIRONMENTS)
def deployment(request: pytest.FixtureRequest, config_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """An environment's Deployment as Argo CD makes it where the stack has tokens."""
    copy = tmp_path_factory.mktemp("tokens") / "config"
    shutil.copytree(config_dir, copy)
    file = copy / contract.CONFIG_ENVS / request.param / "kustomization.yaml"
    told = patched("0123456789ab")["spec"]["source"]["kustomize"]
    kustomization = yaml.safe_load(file.read_text())
    # As Argo CD does it: components and patches of the Application are added to the environment's own.
    for key in ("components", "patches"):
        kustomization[key] = [*kustomization.get(key, []), *told[key]]
    file.write_text(yaml.safe_dump(kustomization))
    return one(render.render(request.param, copy), "Deployment")


def test_a_stack_without_tokens_changes_nothing() -> None:
    assert patched("") == {}


def test_the_service_is_told_to_ask_and_where_its_tokens_are(deployment: Any) -> None:
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    told = service_settings.from_environment({item["name"]: item["value"] for item in container["env"]})
    mount = next(mount for mount in container["volumeMounts"] if mount["name"] == "tokens")
    assert told.tokens_file == Path(mount["mountPath"]) / contract.API_TOKENS_KEY
    assert mount["readOnly"] is True


def test_a_pod_without_its_secret_waits_instead_of_starting_open(deployment: Any) -> None:
    volume = next(each for each in deployment["spec"]["template"]["spec"]["volumes"] if each["name"] == "tokens")
    assert volume == {"name": "tokens", "secret": {"secretName": contract.API_TOKENS_SECRET}}


def test_other_tokens_replace_the_pods(deployment: Any) -> None:
    annotations = deployment["spec"]["template"]["metadata"]["annotations"]
    assert annotations[contract.API_TOKENS_ANNOTATION] == "0123456789ab"


def test_it_takes_nothing_else_away(deployment: Any) -> None:
    pod = deployment["spec"]["template"]["spec"]
    assert {volume["name"] for volume in pod["volumes"]} == {"tmp", "tokens"}
    assert "@sha256:" in pod["containers"][0]["image"]
    assert {"LOOKOUT_THREADS", "LOOKOUT_TOKENS_FILE"} <= {item["name"] for item in pod["containers"][0]["env"]}
