"""The OpenAPI document is complete, its examples hold, and what the service answers to made-up requests follows it."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.testclient import TestClient

from lookout import contract
from service import worker
from service.app import create_app
from service.health import Phase
from service.openapi.document import document
from service.settings import Settings
from tests.unit.service.conftest import FakeSession, until
from tests.unit.service.test_intake import encoded

DOCUMENT = document(Settings())
OPERATIONS = [(path, method, one) for path, of in DOCUMENT["paths"].items() for method, one in of.items()]
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.fixture
def app(
    model_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
    workers_are_threads: None,  # noqa: ARG001  # used by being there
) -> Any:
    """The app, to be started by whoever asks it."""
    monkeypatch.setattr(worker, "open_session", lambda *_: FakeSession())
    return create_app(model_dir, Settings(threads=1, log_level="ERROR"))


@pytest.mark.parametrize(("path", "method"), [(path, method) for path, method, _ in OPERATIONS])
@pytest.mark.parametrize("mode", list(GenerationMode))
def test_answers_to_made_up_requests_follow_the_document(app: Any, path: str, method: str, mode: Any) -> None:
    described = schemathesis.openapi.from_asgi("/openapi.json", app)  # runs its start, too
    until(lambda: app.service.health.phase is Phase.READY)
    asked = 0

    @settings(max_examples=40, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(case=described[path][method.upper()].as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        nonlocal asked
        case.call_and_validate(checks=CHECKS)
        asked += 1

    with suppress(Unsatisfiable):  # nothing can be wrong with a request that has neither parameters nor body
        ask()
    assert asked or (method, mode) == ("get", GenerationMode.NEGATIVE)


def test_good_answers_follow_the_document(client: TestClient) -> None:
    photo = {"content": encoded(), "headers": {"Content-Type": "image/jpeg"}}
    several = {"files": [("images", ("a", data, None)) for data in (encoded(), b"")]}
    for path, method, sent in (
        (contract.DETECT_PATH, "post", photo),
        (contract.BATCH_PATH, "post", several),
        (contract.MODEL_PATH, "get", {}),
    ):
        answer = client.request(method, path, **sent)
        content = DOCUMENT["paths"][path][method]["responses"]["200"]["content"]["application/json"]
        validator = jsonschema_rs.validator_for({**content["schema"], "components": DOCUMENT["components"]})
        assert answer.status_code == 200
        validator.validate(answer.json())


def test_every_path_of_the_service_is_described(app: Any) -> None:
    pages = {"/", "/docs", "/openapi.json"}
    served = set(app.service.paths())
    assert {path for path in served - pages if not path.startswith("/web/")} == set(DOCUMENT["paths"])


def test_every_operation_has_a_name_and_every_json_or_text_answer_an_example() -> None:
    names = [one["operationId"] for _, _, one in OPERATIONS]
    assert len(set(names)) == len(names) > 10
    for path, method, one in OPERATIONS:
        assert one["summary"], (path, method)
        for status, answer in one["responses"].items():
            for media_type, content in answer["content"].items():
                if content["schema"].get("format") != "binary":
                    assert "example" in content or content["examples"], (path, status, media_type)


def test_every_example_holds_for_its_schema() -> None:
    held = 0
    for path, _, one in OPERATIONS:
        bodies = [one.get("requestBody", {}), *one["responses"].values()]
        for content in (content for body in bodies for content in body.get("content", {}).values()):
            shown = [case["value"] for case in content.get("examples", {}).values()]
            shown += [content["example"]] if "example" in content else []
            schema = {**content["schema"], "components": DOCUMENT["components"]}
            for example in shown:
                assert jsonschema_rs.validator_for(schema).is_valid(example), (path, example)
                held += 1
    assert held > 60


def test_examples_of_the_protocol_are_what_the_service_answers(client: TestClient) -> None:
    for path, _, one in OPERATIONS:
        if path.startswith(contract.OIP_PATH) and path != contract.OIP_INFER_PATH:
            example = one["responses"]["200"]["content"]["application/json"]["example"]
            answer = client.get(path).json()
            assert answer | {"versions": None} == example | {"versions": None}
    sent = next(one for path, _, one in OPERATIONS if path == contract.OIP_INFER_PATH)["requestBody"]["content"]
    assert client.post(contract.OIP_INFER_PATH, json=sent["application/json"]["example"]).status_code == 200


def test_every_schema_is_used() -> None:
    text = json.dumps(DOCUMENT)
    for name in DOCUMENT["components"]["schemas"]:
        assert f'"#/components/schemas/{name}"' in text


@pytest.mark.parametrize("path", [contract.DETECT_PATH, contract.BATCH_PATH, contract.RENDER_PATH])
def test_every_status_of_a_detection_is_described(path: str) -> None:
    statuses = set(DOCUMENT["paths"][path]["post"]["responses"])
    assert statuses == {"200", "400", "401", "408", "413", "415", "422", "500", "503"}
    assert "Retry-After" in DOCUMENT["paths"][path]["post"]["responses"]["503"]["headers"]
