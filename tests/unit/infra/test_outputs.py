"""What a stack tells, on a cluster of ours and on somebody else's."""

from pathlib import Path
from typing import Any

import pytest

from infra import clusters, outputs, platform
from infra.settings import parse
from lookout import contract


@pytest.mark.usefixtures("manifest")
def test_local_tells_doors_and_where_to_push(record: Any) -> None:
    told: list[dict[str, Any]] = []

    def program() -> None:
        settings = parse({"local": {"doors": {"prod": 9080, "git": 9300, "registry": 9500}}})
        told.append(outputs.plain(settings, clusters.provision(settings)))

    record(program)
    assert told[0]["environments"] == {
        "dev": "http://127.0.0.1:8082",
        "staging": "http://127.0.0.1:8081",
        "prod": "http://127.0.0.1:9080",
    }
    assert told[0]["pushTo"] == "http://127.0.0.1:9300/lookout.git"
    assert told[0]["registry"] == "127.0.0.1:9500"
    assert [(pool["name"], pool["simulated"]) for pool in told[0]["nodePools"]] == [("cpu", False), ("gpu", True)]


@pytest.mark.usefixtures("manifest")
@pytest.mark.parametrize(("target", "cascades"), [("local", False), ("existing", True)])
def test_only_in_a_cluster_that_stays_does_the_root_take_down_what_it_brought(
    target: str, cascades: bool, record: Any, cloud: dict[str, Any], tmp_path: Path
) -> None:
    file = tmp_path / "config"
    file.write_text(
        "current-context: one\ncontexts: [{name: one, context: {cluster: c}}]\n"
        "clusters: [{name: c, cluster: {server: 'https://10.0.0.1'}}]\n"
    )
    values = {**cloud, "target": "existing", "existing": {"kubeconfig": str(file)}} if target == "existing" else {}

    def program() -> None:
        settings = parse(values)
        platform.install(settings, clusters.provision(settings))

    recorded = record(program)
    root = recorded.of("kubernetes:argoproj.io/v1alpha1:Application")["argocd/Application/lookout"]
    assert ("finalizers" in root["metadata"]) is cascades
    secret = recorded.of("kubernetes:core/v1:Secret")[f"argocd/Secret/{contract.CLUSTER_SECRET}"]
    # Elsewhere only where the settings name its images.
    assert (contract.MONITORING_LABEL in secret["metadata"]["labels"]) is (target == "local")
    forced = "pulumi.com/patchForce" in root["metadata"]["annotations"]
    assert forced is not cascades
