"""Errors of the API as RFC 9457 problems: one constructor a kind, so that a status is decided in one place."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, Literal, get_args

from starlette.responses import JSONResponse, Response

from lookout import contract
from service.schema import Problem as Body

MEDIA_TYPE: Final = "application/problem+json"
_SOON: Final = {"Retry-After": "1"}
Overload = Literal["queue", "deadline", "late", "bodies", "explanations"]
"""What there was no room or no time for; label of the counter of refused requests."""
OVERLOADS: Final[tuple[Overload, ...]] = get_args(Overload)


class Problem(Exception):  # noqa: N818  # RFC 9457's own word
    """An error that the client is told about."""

    def __init__(
        self, status: int, name: str, title: str, detail: str, headers: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.name = name
        self.title = title
        self.detail = detail
        self.headers = dict(headers)
        """Headers that go with it."""

    def body(self, request_id: str | None = None) -> Body:
        """The problem's JSON members."""
        kind = f"urn:lookout:problem:{self.name}" if self.name else "about:blank"
        return Body(type=kind, title=self.title, status=self.status, detail=self.detail, request_id=request_id)

    def of(self, what: str) -> "Problem":
        """The same problem, saying which of several things has it; itself when `what` is empty."""
        detail = f"{what}: {self.detail}" if what else self.detail
        return Problem(self.status, self.name, self.title, detail, self.headers)


class OverCapacity(Problem):
    """A request that is refused because of others, and may be asked again."""

    def __init__(self, reason: Overload, detail: str, retry_after_s: int) -> None:
        super().__init__(503, "over-capacity", "Over capacity", detail, {"Retry-After": str(retry_after_s)})
        self.reason = reason


def answer(problem: Problem, path: str, request_id: str) -> Response:
    """The problem as the client of `path` expects it: RFC 9457, or under /v2 the Open Inference Protocol's `error`."""
    if path == contract.OIP_PATH or path.startswith(f"{contract.OIP_PATH}/"):
        return JSONResponse({"error": problem.detail}, problem.status, problem.headers)
    body = problem.body(request_id).model_dump_json()
    return Response(body, problem.status, problem.headers, media_type=MEDIA_TYPE)


def nothing_at(path: str) -> Problem:
    """A path that there is not."""
    return Problem(404, "", "Not found", f"There is nothing at {path[:100]}; /docs lists what there is.")


def not_allowed(path: str, methods: Sequence[str]) -> Problem:
    """A known path asked with another method than those."""
    ways = ", ".join(methods)
    return Problem(405, "", "Not allowed here", f"{path} takes {ways}.", {"Allow": ways})


def bad_image(detail: str) -> Problem:
    """Empty, damaged or without area."""
    return Problem(400, "bad-image", "The image cannot be read", detail)


def bad_body(detail: str) -> Problem:
    """A body that does not follow its own content type."""
    return Problem(400, "bad-body", "The body cannot be read", detail)


def no_token(given: bool) -> Problem:
    """A service that asks for tokens got none, or one it does not know (RFC 6750, section 3)."""
    detail = "The token is not known." if given else "Send a token: Authorization: Bearer <token>."
    challenge = 'Bearer realm="lookout"' + (', error="invalid_token"' if given else "")
    return Problem(401, "no-token", "A token is needed", detail, {"WWW-Authenticate": challenge})


def slow_body(seconds: float) -> Problem:
    """The client took too long to send."""
    return Problem(408, "slow-body", "The body came too slowly", f"The body must arrive within {seconds:g} seconds.")


def too_large(limit: int) -> Problem:
    """More bytes than are taken."""
    return Problem(413, "too-many-bytes", "Too many bytes", f"At most {limit:,} bytes are taken.")


def unsupported(detail: str) -> Problem:
    """Not a format that is taken, or not the one that was declared."""
    return Problem(415, "unsupported-type", "Not an image type that is taken", detail)


def too_many_values(limit: int) -> Problem:
    """More values in JSON than are parsed."""
    detail = f"At most {limit:,} values are taken as JSON; send tensors as binary data."
    return Problem(413, "too-many-values", "Too many values", detail)


def bad_tensor(detail: str) -> Problem:
    """An input or output of an inference request that the model does not have like this."""
    return Problem(400, "bad-tensor", "Not a tensor that is taken", detail)


def too_many_pixels(width: int, height: int, limit: int) -> Problem:
    """More pixels than are decoded."""
    detail = f"{width} x {height} is {width * height:,} pixels; at most {limit:,} are decoded."
    return Problem(422, "too-many-pixels", "Too many pixels", detail)


def too_long_to_draw(limit: int) -> Problem:
    """A side that a JPEG cannot have."""
    return Problem(422, "too-long-to-draw", "Too long to draw", f"A JPEG has at most {limit:,} pixels a side.")


def bad_parameter(detail: str) -> Problem:
    """A query parameter or field that is not what it must be."""
    return Problem(422, "bad-parameter", "A parameter is not valid", detail)


def client_gone() -> Problem:
    """Whoever asked has closed the connection; only the log and the metrics hear of it."""
    return Problem(400, "client-gone", "The client went away", "The client went away before there was an answer.")


def over_capacity(reason: Overload, after_s: int = 1) -> OverCapacity:
    """No room or no time for it. `after_s` whole seconds, at least one, may change that."""
    wait = max(1, after_s)
    return OverCapacity(reason, f"Too much is asked of this service ({reason}); try again in {wait} s.", wait)


def not_ready(detail: str) -> Problem:
    """Starting or stopping."""
    return Problem(503, "not-ready", "Not ready", detail, _SOON)


def internal() -> Problem:
    """An error of ours; the log has it under the request's id."""
    return Problem(500, "internal", "Internal error", "An error of the service; its log has the details by request id.")
