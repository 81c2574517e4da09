"""The GPU variant, rendered on top of production."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from gitops import render
from lookout import contract
from service import settings as service_settings
from service.memory import needed
from tests.contract.conftest import one


@pytest.fixture(scope="module")
def gpu(config_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Production's Deployment with the component."""
    copy = tmp_path_factory.mktemp("gpu") / "config"
    shutil.copytree(config_dir, copy)
    file = copy / contract.CONFIG_ENVS / contract.PRODUCTION / "kustomization.yaml"
    kustomization = yaml.safe_load(file.read_text())
    components = [*kustomization["components"], "../../components/gpu"]
    file.write_text(yaml.safe_dump({**kustomization, "components": components}))
    return one(render.render(contract.PRODUCTION, copy), "Deployment")


def test_it_asks_for_one_gpu_and_tolerates_the_pools_taint(gpu: dict[str, Any]) -> None:
    pod = gpu["spec"]["template"]["spec"]
    assert pod["containers"][0]["resources"]["limits"][contract.GPU_RESOURCE] == 1
    assert pod["tolerations"][-1] == {"key": contract.GPU_TAINT_KEY, "operator": "Exists", "effect": "NoSchedule"}
    assert {item["key"] for item in pod["tolerations"][:-1]} == {
        "node.kubernetes.io/not-ready",
        "node.kubernetes.io/unreachable",
    }
    terms = pod["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    assert terms == [{"matchExpressions": [{"key": contract.GPU_LABEL, "operator": "Exists"}]}]


def test_it_never_tolerates_simulated_nodes(gpu: dict[str, Any]) -> None:
    keys = [toleration.get("key") for toleration in gpu["spec"]["template"]["spec"]["tolerations"]]
    assert None not in keys  # a toleration without key tolerates everything
    assert contract.SIMULATED_KEY not in keys


def test_its_rollout_needs_no_spare_gpu(gpu: dict[str, Any]) -> None:
    assert gpu["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 1}


def test_it_keeps_the_environments_settings_and_adds_the_runtime(gpu: dict[str, Any]) -> None:
    container = gpu["spec"]["template"]["spec"]["containers"][0]
    settings = service_settings.from_environment({item["name"]: item["value"] for item in container["env"]})
    assert (settings.runtime, settings.max_batch, settings.require_gpu) == ("tensorflow", 16, True)
    assert settings.threads is not None
    assert container["resources"]["requests"]["memory"] == container["resources"]["limits"]["memory"] == "4Gi"
    assert needed(settings, settings.threads, "tensorflow") <= 4 * 2**30
