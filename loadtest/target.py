"""Asking the target who it is before it gets any load."""

import ssl
from typing import Literal

import httpx
from pydantic import ValidationError

from lookout import contract
from lookout.errors import LookoutError
from service.schema import ModelResponse

_TIMEOUT_S = 10.0
_TLS = "check --url: does it speak TLS, with a certificate this machine trusts?"
_LOOK = "look at: lookout release status"
_OTHER = "check --url, or let any server answer with: --expect any"


def meet(url: str, expect: Literal["any", "lookout"]) -> dict[str, str]:
    """What the target says of itself, or nothing where any server will do. LookoutError where it is not there."""
    if expect == "lookout":
        return ask_service(url)
    knock(url)
    return {}


def knock(url: str) -> None:
    """Prove that some HTTP server answers at `url`, whatever it says. LookoutError, one line, when none does."""
    _get(url, url)


def ask_service(url: str) -> dict[str, str]:
    """What the detector at `url` says of itself. LookoutError, one line, when there is no detector."""
    where = url + contract.MODEL_PATH
    response = _get(url, where)
    if response.status_code != httpx.codes.OK:
        raise LookoutError(
            f"{where} answered with status {response.status_code}: no detector there, or it is not ready",
            _LOOK,
        )
    try:
        return describe(response.content)
    except ValidationError as error:
        raise LookoutError(f"the server at {url} is not Lookout's detector", _OTHER) from error


def _get(url: str, where: str) -> httpx.Response:
    try:
        # No proxy from the environment, and the system's authorities: as the generator does it.
        return httpx.get(where, timeout=_TIMEOUT_S, trust_env=False, verify=ssl.create_default_context())
    except httpx.TimeoutException as error:
        raise LookoutError(f"{where} did not answer within {_TIMEOUT_S:g} s", _LOOK) from error
    except httpx.ConnectError as error:
        remedy = _TLS if url.startswith("https:") else "start the detector with: make up"
        raise LookoutError(f"nothing answers at {url}: {error}", remedy) from error
    except httpx.HTTPError as error:  # a door of the node is open, and there is no pod behind it
        raise LookoutError(f"{url} takes connections and answers nothing: {error}", _LOOK) from error
    except (httpx.InvalidURL, UnicodeError) as error:
        raise LookoutError(f"{url} is not a usable URL: {error}", "see: lookout load run --help") from error


def describe(body: bytes) -> dict[str, str]:
    """The text fields of the answer to GET /v1/model. ValidationError when it has another shape."""
    fields = ModelResponse.model_validate_json(body).model_dump(mode="json")
    return {name: value for name, value in fields.items() if isinstance(value, str)}
