"""Reading a request's photos and parameters: bytes are counted as they stream in, whatever the headers claim."""

import asyncio
import logging
import re
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from functools import cache
from typing import Annotated, Any, Final, NamedTuple, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from lookout import contract
from service import problems
from service.exchange import BODY_IS_HERE, WHEN_LEFT
from service.settings import Settings

_FORM_OVERHEAD: Final = 64_000
"""Boundaries and part headers that a multipart body may have beside its images."""
_NUMBER: Final = re.compile(r"-?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")
_WHOLE: Final = re.compile(r"-?[0-9]+")

# It logs every character that it does not like, and a client is told anyway.
logging.getLogger("python_multipart").setLevel(logging.ERROR)

Take = Callable[[int], None]
"""Called with each number of bytes received; raises Problem when there is no room for them."""


WhenLeft = Callable[[Callable[[], None] | None], None]
"""Called with what is to be done should the client leave, None for nothing any more."""


class Photo(NamedTuple):
    """One image as sent: its bytes and the type it was declared to have, empty when none was."""

    data: bytes
    declared: str
    intake_s: float = 0.0
    """Seconds that reading the request took."""


def _written_as(pattern: re.Pattern[str], what: str) -> BeforeValidator:
    """Pydantic also takes what only Python calls a number: 1_0, 5.0 for a whole one, spaces around it."""

    def check(value: Any) -> Any:
        if isinstance(value, str) and not pattern.fullmatch(value):
            raise ValueError(f"not {what}")
        return value

    return BeforeValidator(check)


class Parameters(BaseModel):
    """Query parameters of a detection."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    threshold: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False), _written_as(_NUMBER, "a number")] = (
        contract.DEFAULT_THRESHOLD
    )
    limit: Annotated[int, Field(ge=1, le=contract.MAX_LIMIT), _written_as(_WHOLE, "a whole number")] = (
        contract.DEFAULT_LIMIT
    )


class ExplainParameters(BaseModel):
    """Query parameters of an explanation."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rank: Annotated[int, Field(ge=0, lt=contract.MAX_LIMIT), _written_as(_WHOLE, "a whole number")] = 0
    """Which detection: its place in the answer of /v1/detect, from 0. It does not depend on the threshold there."""
    cells: Annotated[int, Field(ge=4, le=10), _written_as(_WHOLE, "a whole number")] = 8
    """Rows and columns of the heat map; the model runs once for each cell."""


Query = TypeVar("Query", Parameters, ExplainParameters)
Read = TypeVar("Read")


class _InMemoryParser(MultiPartParser):
    # Photos stay in memory, where their number and size are bounded already; the container's disk is read-only.
    spool_max_size = 1 << 31


def parameters(request: Request, kind: type[Query]) -> Query:
    """The query, checked. Problem 422 naming the parameter."""
    if not request.scope["query_string"]:
        default: Query = _defaults(kind)
        return default
    pairs = request.query_params.multi_items()
    if len({name for name, _ in pairs}) != len(pairs):
        raise problems.bad_parameter("A parameter is given twice.")
    try:
        return kind.model_validate(dict(pairs))
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])[:40]
        if first["type"] == "extra_forbidden":
            known = ", ".join(kind.model_fields)
            raise problems.bad_parameter(f"There is no parameter {name!r}; known: {known}.") from error
        raise problems.bad_parameter(f"{name}: {first['msg']}.") from error


@cache
def _defaults(kind: type[Query]) -> Query:
    return kind()


async def one_photo(request: Request, settings: Settings, take: Take) -> Photo:
    """The photo of a request: the raw body, or the multipart field `image`. `take` hears of every byte."""
    started, declared = time.perf_counter(), _header(request, b"content-type")
    if not _is_multipart(declared):
        data = await read(request, settings.max_image_bytes, settings, take)
        return Photo(data, declared, time.perf_counter() - started)
    found = await _form(request, "image", 1, settings.max_image_bytes, settings, take)
    if len(found) != 1:
        raise problems.bad_parameter("The multipart body needs exactly one file field 'image'.")
    if len(found[0].data) > settings.max_image_bytes:
        raise problems.too_large(settings.max_image_bytes)
    return found[0]._replace(intake_s=time.perf_counter() - started)


async def several_photos(request: Request, settings: Settings, take: Take) -> list[Photo]:
    """The photos of a batch: the repeated multipart field `images`, at most 16. `take` hears of every byte."""
    started = time.perf_counter()
    if not _is_multipart(_header(request, b"content-type")):
        raise problems.unsupported("A batch is sent as multipart/form-data with the field 'images' repeated.")
    found = await _form(request, "images", contract.MAX_BATCH_IMAGES, settings.max_batch_bytes, settings, take)
    if not found:
        raise problems.bad_parameter("The multipart body has no file field 'images'.")
    return [photo._replace(intake_s=time.perf_counter() - started) for photo in found]


def when_left(request: Request) -> WhenLeft | None:
    """None where the server does not tell."""
    told: WhenLeft | None = request.scope.get("extensions", {}).get(WHEN_LEFT)
    return told


async def read(request: Request, limit: int, settings: Settings, take: Take) -> bytes:
    """A raw body of at most `limit` bytes; Problem 413 for more, 408 when it comes too slowly."""
    return await _in_time(request, settings.body_timeout_s, _Body(request, limit, take).whole())


def _header(request: Request, name: bytes) -> str:
    """The first header of that name, empty without one; `request.headers` would be made anew for it."""
    for one, value in request.scope["headers"]:
        if one == name:
            text: str = value.decode("latin-1")
            return text
    return ""


def _is_multipart(content_type: str) -> bool:
    return content_type.split(";")[0].strip().lower() == "multipart/form-data"


async def _form(request: Request, field: str, most: int, limit: int, settings: Settings, take: Take) -> list[Photo]:
    body = _Body(request, limit + _FORM_OVERHEAD, take, limit)
    parser = _InMemoryParser(request.headers, body.chunks(), max_files=most, max_fields=8)
    try:
        form = await _in_time(request, settings.body_timeout_s, parser.parse())
    except MultiPartException as error:
        if "Too many" in error.message:
            raise problems.bad_parameter(f"At most {most} file(s) in one request.") from error
        raise problems.bad_body(f"The multipart body is not well-formed: {error.message[:100]}") from error
    except (KeyError, ValueError, UnicodeError) as error:
        raise problems.bad_body("The multipart body is not well-formed.") from error
    try:
        names = {name for name, _ in form.multi_items()}
        if names - {field}:
            raise problems.bad_parameter(f"The multipart body may have the field {field!r} only.")
        found = []
        for part in form.getlist(field):
            if isinstance(part, UploadFile):
                found.append(Photo(await part.read(), part.content_type or ""))
                await part.close()  # reading copies: one photo is held twice for a moment, not all of them
        return found
    finally:
        await form.close()


class _Body:
    """A request's body as it comes. Problem 413 as soon as it is more than `limit` bytes; clients are told `told`."""

    def __init__(self, request: Request, limit: int, take: Take, told: int | None = None) -> None:
        self._request, self._limit, self._take = request, limit, take
        self._told = limit if told is None else told
        self._total = 0
        self._more = True
        declared = _header(request, b"content-length")
        if declared.isdecimal() and len(declared) < 20 and int(declared) > limit:
            raise problems.too_large(self._told)  # its word is good enough against it

    async def whole(self) -> bytes:
        """All of it."""
        chunks = []
        while self._more:
            chunks.append(await self._next())
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Part by part."""
        while self._more:
            yield await self._next()

    async def _next(self) -> bytes:
        message = await self._request.receive()
        if message["type"] == "http.disconnect":
            raise problems.bad_body("The client went away before the body was complete.")
        chunk: bytes = message.get("body", b"")
        self._more = message.get("more_body", False)
        self._total += len(chunk)
        if self._total > self._limit:
            raise problems.too_large(self._told)
        self._take(len(chunk))
        return chunk


async def _in_time(request: Request, timeout_s: float, reading: Awaitable[Read]) -> Read:
    """What `reading` the body gives. Problem 408 when it takes too long."""
    extensions = request.scope.get("extensions", {})
    if BODY_IS_HERE in extensions and extensions[BODY_IS_HERE]():
        return await reading  # a timer is dear
    try:
        async with asyncio.timeout(timeout_s):
            return await reading
    except TimeoutError as error:
        raise problems.slow_body(timeout_s) from error
