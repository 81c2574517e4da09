"""Bearer tokens: where they are set, nothing works the model without one, and no token is told or logged."""

import logging
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from lookout import contract
from lookout.errors import LookoutError
from service.observation import API_PATHS
from service.tokens import read_tokens
from tests.unit.service.conftest import ClientFactory
from tests.unit.service.test_intake import encoded

GOOD = "0123456789abcdef"


@pytest.fixture
def guarded(make_client: ClientFactory, tmp_path: Path) -> TestClient:
    (tmp_path / "tokens").write_text(f"# of the page's people\n\n{GOOD}\nfedcba9876543210\n")
    return make_client(tokens_file=tmp_path / "tokens")


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (f"Bearer {GOOD}", 200),
        ("bearer fedcba9876543210", 200),
        (None, 401),
        ("", 401),
        (GOOD, 401),
        (f"Basic {GOOD}", 401),
        (f"Bearer {GOOD}0", 401),
        ("Bearer # of the page's people", 401),
        ("Bearer ", 401),
        ("Bearer é" + GOOD, 401),
    ],
)
def test_takes_a_photo_with_a_known_token_only(guarded: TestClient, header: str | None, status: int) -> None:
    headers = [(b"Content-Type", b"image/jpeg")]
    headers += [] if header is None else [(b"Authorization", header.encode("latin-1"))]
    answer = guarded.post(contract.DETECT_PATH, content=encoded(), headers=headers)
    assert answer.status_code == status
    if status == 401:
        assert answer.json()["type"] == "urn:lookout:problem:no-token"
        assert answer.headers["www-authenticate"].startswith('Bearer realm="lookout"')
        assert ("invalid_token" in answer.headers["www-authenticate"]) == bool(header)


@pytest.mark.parametrize("path", sorted(API_PATHS))
def test_every_path_that_works_the_model_asks_for_it_before_it_looks_at_the_body(
    guarded: TestClient, path: str
) -> None:
    answer = guarded.post(path, content=b"rubbish")
    assert answer.status_code == 401
    assert ("error" in answer.json()) == path.startswith(contract.OIP_PATH)


@pytest.mark.parametrize(
    "path", ["/", "/docs", "/openapi.json", "/livez", "/readyz", "/metrics", "/v1/model", "/v2/health/ready"]
)
def test_pages_probes_and_metrics_stay_open(guarded: TestClient, path: str) -> None:
    assert guarded.get(path).status_code == 200


def test_no_token_reaches_the_log(
    guarded: TestClient, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("lookout"), "level", logging.DEBUG)
    for token in (GOOD, "wrong-but-secret-token"):
        guarded.post(contract.DETECT_PATH, content=encoded(), headers={"Authorization": f"Bearer {token}"})
    written = capfd.readouterr().err
    assert '"status":200' in written
    assert '"status":401' in written
    assert GOOD not in written
    assert "secret" not in written


def test_refusals_are_counted(guarded: TestClient) -> None:
    guarded.post(contract.DETECT_PATH, content=encoded())
    assert f'{contract.METRIC_REQUESTS}{{status="401"}} 1.0' in guarded.get("/metrics").text


@pytest.mark.parametrize("content", [None, "", "# nothing\n", "short\n", f"{GOOD}\ntwo words with spaces\n", "é" * 20])
def test_never_starts_open_when_it_was_told_to_ask(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "tokens").write_text(content)
    with pytest.raises(LookoutError) as refused:
        read_tokens(tmp_path / "tokens")
    assert not content or len(content) < 12 or content.strip() not in str(refused.value)
