"""The detector as Python sees it: photos in, typed answers out. The types are the service's own models.

with DetectorClient("http://127.0.0.1:8080") as detector:
    for one in detector.detect(Path("photo.jpg").read_bytes()).detections:
        print(one.label, one.score, one.box)
"""

import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from lookout import contract
from lookout.errors import LookoutError
from service.schema import BatchResponse, DetectResponse, ModelResponse, Problem

PATIENCE_S: Final = 30.0
"""How long a request that the service has no room for is sent again."""
_TIMEOUT: Final = httpx.Timeout(120.0, connect=5.0)
_START: Final = "start one with: make up, or: make serve; and name it with: --url"
_BUSY: Final = (429, 503)
_LOST: Final = (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)
"""A connection that ended before its answer."""

T = TypeVar("T", bound=BaseModel)


class UnreachableError(LookoutError):
    """No detector answers at the address."""


class RefusedError(LookoutError):
    """The service answered with a problem, kept in `problem`."""

    def __init__(self, problem: Problem) -> None:
        remedy = "give the token's file: --token-file FILE" if problem.status == 401 else None
        super().__init__(f"{problem.title}: {problem.detail}", remedy)
        self.problem = problem


class DetectorClient:
    """One connection to a detector. Not for several threads at once."""

    def __init__(
        self,
        url: str,
        token: str | None = None,
        patience_s: float = PATIENCE_S,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """`url` as http://host:port; `token` where the service asks for one. UnreachableError for what is no URL."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.url, self._patience_s = url.rstrip("/"), patience_s
        try:
            # No proxy from the environment: detectors stand on this machine or in one's own network.
            self._http = httpx.Client(
                base_url=self.url, headers=headers, timeout=_TIMEOUT, trust_env=False, transport=transport
            )
        except (httpx.InvalidURL, UnicodeError) as error:
            raise UnreachableError(f"{url} is not a usable URL: {error}", "write http://host:port") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def detect(
        self, photo: bytes, threshold: float = contract.DEFAULT_THRESHOLD, limit: int = contract.DEFAULT_LIMIT
    ) -> DetectResponse:
        """What is on one encoded photo (JPEG, PNG or WebP), best score first. RefusedError, UnreachableError."""
        answer = self._post(contract.DETECT_PATH, threshold, limit, _raw(photo))
        return _read(DetectResponse, answer)

    def detect_batch(
        self,
        photos: Sequence[bytes],
        threshold: float = contract.DEFAULT_THRESHOLD,
        limit: int = contract.DEFAULT_LIMIT,
    ) -> list[DetectResponse | Problem]:
        """Each photo's answer or problem, in order; at most 16 photos. RefusedError when the whole is refused."""
        files = [("images", ("photo", photo, "application/octet-stream")) for photo in photos]
        answer = self._post(contract.BATCH_PATH, threshold, limit, {"files": files})
        results = _read(BatchResponse, answer).results
        return [one if isinstance(one, DetectResponse) else one.problem for one in results]

    def render(
        self, photo: bytes, threshold: float = contract.DEFAULT_THRESHOLD, limit: int = contract.DEFAULT_LIMIT
    ) -> bytes:
        """The photo as JPEG with its detections drawn. RefusedError, UnreachableError."""
        return self._post(contract.RENDER_PATH, threshold, limit, _raw(photo)).content

    def model(self) -> ModelResponse:
        """The model that answers. RefusedError, UnreachableError."""
        return _read(ModelResponse, self._send("GET", contract.MODEL_PATH, {}))

    def _post(self, path: str, threshold: float, limit: int, body: dict[str, Any]) -> httpx.Response:
        return self._send("POST", path, {"params": {"threshold": threshold, "limit": limit}, **body})

    def _send(self, method: str, path: str, arguments: dict[str, Any]) -> httpx.Response:
        deadline = time.monotonic() + self._patience_s
        lost = False
        while True:
            try:
                answer = self._http.request(method, path, **arguments)
            except _LOST as error:
                if lost:
                    raise self._unreachable(error) from error
                lost = True  # the process behind the connection ended; looking at a photo twice harms nobody
                continue
            except httpx.HTTPError as error:
                raise self._unreachable(error) from error
            wait = _retry_after_s(answer)
            if answer.status_code not in _BUSY or time.monotonic() + wait > deadline:
                break
            time.sleep(wait)
        if answer.status_code != httpx.codes.OK:
            raise RefusedError(_problem(answer))
        return answer

    def _unreachable(self, error: httpx.HTTPError) -> UnreachableError:
        return UnreachableError(f"no detector answers at {self.url}: {str(error) or type(error).__name__}", _START)


def _raw(photo: bytes) -> dict[str, Any]:
    """One photo as a raw body. Its type is left open: the service looks at the bytes themselves."""
    return {"content": photo, "headers": {"Content-Type": "application/octet-stream"}}


def _retry_after_s(answer: httpx.Response) -> float:
    said = answer.headers.get("Retry-After", "")
    return float(said) if said.isascii() and said.isdigit() else 1.0


def _problem(answer: httpx.Response) -> Problem:
    try:
        return Problem.model_validate_json(answer.content)
    except ValidationError:  # what stands before the service, such as a proxy, has answers of its own
        detail = f"the server answered with status {answer.status_code} and no explanation"
        return Problem(type="about:blank", title="Refused", status=max(400, answer.status_code), detail=detail)


def _read(body: type[T], answer: httpx.Response) -> T:
    try:
        return body.model_validate_json(answer.content)
    except ValidationError as error:
        raise UnreachableError(f"the server at {answer.url.host} is not Lookout's detector", "check --url") from error
