"""API tokens in a whole cluster: one command closes every environment, and another opens them again."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from loadtest.incluster.job import NAMESPACE
from loadtest.result import load_result
from lookout import contract
from service.model.photos import sample_photos
from tests.cluster.road import Road, wait_until

_SETTING = ("--path", "lookout:apiTokens[0]")
_WITHIN_S = 180.0


@pytest.fixture
def token() -> str:
    return secrets.token_hex(32)


@pytest.fixture
def closed(road: Road, token: str) -> Iterator[None]:
    """Every environment asks for the token; afterwards none does."""
    _pulumi(road, "config", "set", *_SETTING, "--secret", given=token)
    try:
        _pulumi(road, "up", "--yes", "--skip-preview")
        wait_until(lambda: _statuses(road, None) == {401}, _WITHIN_S, "every environment asks for a token")
        yield
    finally:
        _pulumi(road, "config", "rm", "--path", "lookout:apiTokens")
        _pulumi(road, "up", "--yes", "--skip-preview")
    wait_until(lambda: _statuses(road, None) == {200}, _WITHIN_S, "every environment is open again")


@pytest.mark.timeout(1500)  # first of all: bringing the road up counts as well
@pytest.mark.usefixtures("closed")
def test_tokens_close_every_environment_and_are_nowhere_in_plain_text(road: Road, token: str, tmp_path: Path) -> None:
    file, result = tmp_path / "tokens", tmp_path / "result.json"
    file.write_text(f"{token}\n")
    file.chmod(0o600)
    wait_until(lambda: _statuses(road, token) == {200}, _WITHIN_S, "every environment knows the token")

    asked = ("load", "run", "--in-cluster", "--environment", "dev", "--rate", "10", "--duration", "5s")
    said = road.lookout(*asked, "--token-file", str(file), "--json", str(result))
    assert load_result(result).counts.ok > 20
    refused = road.lookout(*asked, check=False)
    assert refused.returncode != 0
    left = road.get("jobs,configmaps,secrets,pods", f"--namespace={NAMESPACE}")["items"]
    assert {one["metadata"]["name"] for one in left if "deletionTimestamp" not in one["metadata"]} <= {
        "kube-root-ca.crt"
    }

    kept = [path for folder in (road.state, road.deploy) for path in folder.rglob("*") if path.is_file()]
    written = [path for path in kept if "nodes" not in path.relative_to(road.directory).parts]  # etcd has Secrets
    assert any(path.suffix == ".json" for path in written)
    for path in [*written, result, road.settings]:
        assert token.encode() not in path.read_bytes(), path
    seen = [said.stdout, said.stderr, road.git("log", "--patch", "--all")]
    for environment in contract.ENVIRONMENTS:
        namespace = f"--namespace={contract.namespace(environment)}"
        selector = f"--selector=app.kubernetes.io/name={contract.DETECTOR}"
        seen += [
            road.kubectl("logs", selector, namespace, "--tail=-1"),
            road.kubectl("get", "deployments,pods,configmaps,events", namespace, "--output=yaml"),
        ]
    seen.append(road.kubectl("get", "applications,applicationsets", "--namespace=argocd", "--output=yaml"))
    assert not [text[:80] for text in seen if token in text]


def _statuses(road: Road, token: str | None) -> set[int]:
    """What the environments answer to a photo; 0 for no answer."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    found = set()
    for environment in contract.ENVIRONMENTS:
        url = road.url(environment, contract.DETECT_PATH)
        try:
            answer = httpx.post(url, content=sample_photos()["chelsea"], headers=headers, timeout=10, trust_env=False)
        except httpx.HTTPError:
            found.add(0)
        else:
            found.add(answer.status_code)
    return found


def _pulumi(road: Road, *arguments: str, given: str | None = None) -> None:
    done = road.pulumi(*arguments, given=given)
    assert done.returncode == 0, done.stdout + done.stderr
