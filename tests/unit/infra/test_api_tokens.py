"""API tokens of a stack: encrypted in its file, secret in its state, shown nowhere, told of by a fingerprint."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime import rpc
from pydantic import SecretStr

from infra import clusters, platform, settings, stack, stackfile
from infra.platform import api_tokens
from infra.settings import parse
from lookout import contract, paths
from lookout.errors import LookoutError

TOKENS = ["first-token-0123456789", "second-token-0123456789"]
WITH: dict[str, Any] = {"apiTokens": TOKENS}
SECURE = "    - secure: v1:c2VhbGVk\n"


def registered(record: Callable[..., Any], values: dict[str, Any]) -> Any:
    def program() -> None:
        wanted = parse(values)
        platform.install(wanted, clusters.provision(wanted))

    return record(program)


@pytest.mark.usefixtures("manifest")
def test_every_environment_has_the_tokens_in_a_secret_of_its_own(record: Any) -> None:
    recorded = registered(record, WITH)
    for environment in contract.ENVIRONMENTS:
        place = contract.namespace(environment)
        made = recorded.of("kubernetes:core/v1:Secret")[f"{place}/Secret/{contract.API_TOKENS_SECRET}"]
        assert made["metadata"]["namespace"] == place
        assert (
            f"Namespace/{place}"
            in recorded.dependencies["kubernetes:core/v1:Secret", f"{place}/Secret/detector-tokens"]
        )


@pytest.mark.usefixtures("manifest")
def test_argo_cd_hears_of_tokens_once_they_are_there(record: Any) -> None:
    recorded = registered(record, WITH)
    cluster = f"argocd/Secret/{contract.CLUSTER_SECRET}"
    told = recorded.of("kubernetes:core/v1:Secret")[cluster]["metadata"]["annotations"]
    assert told[contract.API_TOKENS_ANNOTATION] == api_tokens.fingerprint([SecretStr(token) for token in TOKENS])
    needs = recorded.dependencies["kubernetes:core/v1:Secret", cluster]
    assert {f"{contract.namespace(name)}/Secret/detector-tokens" for name in contract.ENVIRONMENTS} <= needs
    assert not any(token in repr(told) for token in TOKENS)


@pytest.mark.usefixtures("manifest")
def test_a_stack_without_tokens_makes_no_secret_and_tells_of_none(record: Any) -> None:
    recorded = registered(record, {})
    secrets = recorded.of("kubernetes:core/v1:Secret")
    assert not [name for name in secrets if contract.API_TOKENS_SECRET in name]
    assert contract.API_TOKENS_ANNOTATION not in str(secrets)
    assert not [name for name in recorded.of("kubernetes:core/v1:Namespace") if "lookout-" in name]


@pytest.mark.usefixtures("manifest")
def test_pulumi_keeps_the_tokens_encrypted(record: Any) -> None:
    """Marked as a secret on the way in, and so are the properties in which the provider hands them back."""
    recorded = registered(record, WITH)
    for environment in contract.ENVIRONMENTS:
        name = f"{contract.namespace(environment)}/Secret/{contract.API_TOKENS_SECRET}"
        request = recorded.requests["kubernetes:core/v1:Secret", name]
        content = request.object["stringData"][contract.API_TOKENS_KEY]
        assert content[rpc._special_sig_key] == rpc._special_secret_sig
        assert content["value"] == "".join(f"{token}\n" for token in TOKENS)
        assert set(request.additionalSecretOutputs) == {"data", "stringData"}


@pytest.mark.usefixtures("manifest")
def test_taking_tokens_away_takes_no_environment_away(record: Any) -> None:
    recorded = registered(record, WITH)
    for environment in contract.ENVIRONMENTS:
        request = recorded.requests["kubernetes:core/v1:Namespace", f"Namespace/{contract.namespace(environment)}"]
        assert request.retainOnDelete


def test_the_fingerprint_changes_with_every_token_and_holds_none() -> None:
    made = {api_tokens.fingerprint([SecretStr(one) for one in tokens]) for tokens in (TOKENS, TOKENS[:1], TOKENS[::-1])}
    assert len(made) == 3
    assert all(len(one) == 12 and int(one, 16) for one in made)


@pytest.mark.parametrize("wrong", ["short", "a token with blanks in it", "0123456789abcdeé"])
def test_a_token_that_the_service_would_refuse_is_refused_without_repeating_it(wrong: str) -> None:
    with pytest.raises(LookoutError, match=r"lookout:apiTokens\[1\]: must be 16 or more") as refused:
        parse({"apiTokens": [TOKENS[0], wrong]})
    assert wrong not in str(refused.value)


def test_settings_do_not_show_their_tokens() -> None:
    assert not any(token in repr(parse(WITH)) + parse(WITH).model_dump_json() for token in TOKENS)


def test_no_token_at_all_is_not_a_list_of_tokens() -> None:
    with pytest.raises(LookoutError, match="apiTokens"):
        parse({"apiTokens": []})


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(paths, "PROJECT_ROOT", tmp_path)
    return tmp_path / "Pulumi.local.yaml"


@pytest.mark.parametrize("value", [f"\n{SECURE}{SECURE}", " {secure: v1:c2VhbGVk}\n"])
def test_encrypted_tokens_are_left_to_the_program_that_can_read_them(file: Path, value: str) -> None:
    file.write_text(f"config:\n  lookout:target: local\n  lookout:apiTokens:{value}")
    assert stackfile.read(file).api_tokens is None
    assert stackfile.asks_for_tokens("local")


def test_no_file_and_no_key_ask_for_no_tokens(file: Path) -> None:
    assert not stackfile.asks_for_tokens("local")
    file.write_text("config:\n  lookout:target: local\n")
    assert not stackfile.asks_for_tokens("local")


@pytest.mark.parametrize("value", [f"\n{SECURE}    - {TOKENS[0]}\n", f" {TOKENS[0]}\n", f"\n    - {TOKENS[0]}\n"])
def test_a_token_that_anybody_can_read_is_refused_without_repeating_it(file: Path, value: str) -> None:
    file.write_text(f"config:\n  lookout:apiTokens:{value}")
    with pytest.raises(LookoutError, match="is not encrypted") as refused:
        stackfile.read(file)
    assert TOKENS[0] not in str(refused.value)
    assert "--secret" in str(refused.value.remedy)


def test_the_program_refuses_tokens_that_were_not_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulumi.runtime, "get_config_env", lambda: {"lookout:apiTokens": f'["{TOKENS[0]}"]'})
    monkeypatch.setattr(pulumi, "get_stack", lambda: "local")
    for secret in (False, True):
        monkeypatch.setattr(pulumi.runtime, "is_config_secret", lambda _, answer=secret: answer)
        if secret:
            assert settings.from_pulumi().api_tokens == (SecretStr(TOKENS[0]),)
        else:
            with pytest.raises(LookoutError, match="is not encrypted"):
                settings.from_pulumi()


def test_the_smoke_test_takes_the_first_token_only_where_there_is_one(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, ...]] = []

    def answer(*arguments: str) -> str:
        asked.append(arguments)
        return TOKENS[0] + "\n"

    monkeypatch.setattr(stack, "_pulumi", answer)
    assert stack.api_token("local") is None
    file.write_text(f"config:\n  lookout:apiTokens:\n{SECURE}")
    assert stack.api_token("local") == TOKENS[0]
    assert asked == [("config", "get", "--path", "lookout:apiTokens[0]", "--stack", "local")]
