"""One request and its answer on a connection that is made up: what the app hears of the body, and what goes out."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import cast

import pytest
from starlette.types import ASGIApp, Message
from uvicorn.protocols.http.flow_control import FlowControl

from service.exchange import Exchange

PLENTY = 200_000


class Transport:
    """Notes whether it is read."""

    reading = True

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True


class Line:
    """A connection that keeps what it is given."""

    def __init__(self) -> None:
        self.transport = Transport()
        self.flow = FlowControl(cast(asyncio.Transport, self.transport))
        self.sent, self.closed, self.answers = b"", False, 0

    def write(self, data: bytes) -> None:
        self.sent += data

    def close(self) -> None:
        self.closed = True

    def answered(self) -> None:
        self.answers += 1


Scenario = Callable[[Exchange, Line], Awaitable[None]]


def run(scenario: Scenario, method: str = "POST", *, keep_alive: bool = True, expects_continue: bool = False) -> Line:
    """The connection after a scenario with one request."""
    line = Line()

    async def within() -> None:
        async with asyncio.timeout(5):
            await scenario(Exchange(line, {"method": method}, keep_alive, expects_continue), line)

    asyncio.run(within())
    return line


def start(*headers: tuple[bytes, bytes], status: int = 200) -> Message:
    return {"type": "http.response.start", "status": status, "headers": list(headers)}


def body(data: bytes, *, more: bool = False) -> Message:
    return {"type": "http.response.body", "body": data, "more_body": more}


def sending(*messages: Message) -> Scenario:
    async def scenario(exchange: Exchange, _: Line) -> None:
        for message in messages:
            await exchange.send(message)

    return scenario


def test_the_app_hears_the_body_as_it_comes_and_then_that_nothing_more_will() -> None:
    async def scenario(exchange: Exchange, _: Line) -> None:
        exchange.body_came(b"ab")
        exchange.body_came(b"cd")
        assert await exchange.receive() == {"type": "http.request", "body": b"abcd", "more_body": True}
        waiting = asyncio.create_task(exchange.receive())
        await asyncio.sleep(0)
        exchange.body_came(b"e")
        exchange.body_ended()
        assert await waiting == {"type": "http.request", "body": b"e", "more_body": False}
        waiting = asyncio.create_task(exchange.receive())
        await asyncio.sleep(0.01)
        assert not waiting.done()
        exchange.leave()
        assert await waiting == {"type": "http.disconnect"}
        assert await exchange.receive() == {"type": "http.disconnect"}

    run(scenario)


def test_an_empty_body_is_heard_of_too() -> None:
    async def scenario(exchange: Exchange, _: Line) -> None:
        exchange.body_ended()
        assert await exchange.receive() == {"type": "http.request", "body": b"", "more_body": False}

    run(scenario)


def test_who_gave_up_waiting_may_wait_again() -> None:
    async def scenario(exchange: Exchange, _: Line) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await exchange.receive()
        exchange.body_ended()
        assert (await exchange.receive())["more_body"] is False

    run(scenario)


def test_a_body_that_nobody_asks_for_is_not_read_further() -> None:
    async def scenario(exchange: Exchange, line: Line) -> None:
        read = list[bool]()
        for _ in range(2):
            exchange.body_came(b"x" * PLENTY)
            read.append(line.transport.reading)
        assert len((await exchange.receive())["body"]) == 2 * PLENTY
        asyncio.get_running_loop().call_soon(exchange.body_ended)
        await exchange.receive()
        assert [*read, line.transport.reading] == [True, False, True]

    run(scenario)


def test_nothing_is_kept_of_a_body_that_was_refused() -> None:
    async def scenario(exchange: Exchange, _: Line) -> None:
        exchange.body_came(b"x" * PLENTY)
        await sending(start((b"content-length", b"0"), status=503), body(b""))(exchange, _)
        exchange.body_came(b"x" * PLENTY)
        assert not exchange._chunks
        assert await exchange.receive() == {"type": "http.disconnect"}

    run(scenario)


def test_a_client_that_waits_to_be_told_so_is_told_to_go_on_once() -> None:
    async def scenario(exchange: Exchange, line: Line) -> None:
        exchange.body_came(b"a")
        assert line.sent == b""
        await exchange.receive()
        exchange.body_ended()
        await exchange.receive()

    assert run(scenario, expects_continue=True).sent == b"HTTP/1.1 100 Continue\r\n\r\n"


def test_a_client_that_is_refused_is_not_told_to_go_on() -> None:
    line = run(sending(start((b"content-length", b"0"), status=503), body(b"")), expects_continue=True)
    assert line.sent == b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"


def test_an_answer_goes_out_in_parts_and_keeps_the_connection() -> None:
    head = start((b"content-length", b"3"), (b"x-a", b"b"))
    line = run(sending(head, body(b"ab", more=True), body(b"c")))
    assert line.sent == b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\nx-a: b\r\n\r\nabc"
    assert (line.answers, line.closed) == (1, False)


@pytest.mark.parametrize(("keep_alive", "said"), [(False, ()), (True, ((b"connection", b"close"),))])
def test_the_last_answer_says_so_once_and_closes(keep_alive: bool, said: tuple[tuple[bytes, bytes], ...]) -> None:
    line = run(sending(start((b"content-length", b"1"), *said), body(b"a")), keep_alive=keep_alive)
    assert line.sent == b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\nconnection: close\r\n\r\na"
    assert line.closed


def test_a_head_has_the_length_and_not_the_body() -> None:
    line = run(sending(start((b"content-length", b"3")), body(b"abc")), "HEAD")
    assert line.sent == b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n"
    assert line.answers == 1


@pytest.mark.parametrize("value", [b"a\r\nset-cookie: b", b"a\nb", b"a\rb"])
def test_no_header_can_begin_another_one(value: bytes) -> None:
    async def scenario(exchange: Exchange, line: Line) -> None:
        with pytest.raises(RuntimeError, match="line end"):
            await exchange.send(start((b"content-length", b"0"), (b"x-a", value)))
        assert line.sent == b""

    run(scenario)


@pytest.mark.parametrize(
    "messages",
    [
        [start()],
        [start((b"content-length", b"2")), body(b"abc")],
        [start((b"content-length", b"2")), body(b"a")],
        [body(b"a")],
        [start((b"content-length", b"0")), start((b"content-length", b"0"))],
        [start((b"content-length", b"0")), body(b""), body(b"")],
    ],
    ids=["no-length", "longer-than-said", "shorter-than-said", "no-head", "two-heads", "two-ends"],
)
def test_an_answer_that_is_not_http_is_an_error_of_ours(messages: list[Message]) -> None:
    *good, bad = messages

    async def scenario(exchange: Exchange, _: Line) -> None:
        for message in good:
            await exchange.send(message)
        with pytest.raises(RuntimeError):
            await exchange.send(bad)

    run(scenario)


def test_nothing_is_sent_to_a_client_that_left() -> None:
    async def scenario(exchange: Exchange, _: Line) -> None:
        exchange.leave()
        await exchange.send(start((b"content-length", b"1")))
        await exchange.send(body(b"a"))

    line = run(scenario)
    assert (line.sent, line.answers) == (b"", 0)


def test_who_wants_to_know_hears_that_the_client_left_once_and_the_latest_alone() -> None:
    heard = list[str]()

    async def scenario(exchange: Exchange, _: Line) -> None:
        for name in ("first", "second"):
            exchange.when_left(partial(heard.append, name))
        exchange.leave()
        exchange.leave()
        exchange.when_left(partial(heard.append, "too late"))
        exchange.when_left(None)

    run(scenario)
    assert heard == ["second", "too late"]


def test_who_does_not_want_to_know_any_more_does_not() -> None:
    heard = list[str]()

    async def scenario(exchange: Exchange, _: Line) -> None:
        exchange.when_left(partial(heard.append, "left"))
        exchange.when_left(None)
        exchange.leave()

    run(scenario)
    assert heard == []


def test_an_answer_waits_for_a_client_that_does_not_read() -> None:
    async def scenario(exchange: Exchange, line: Line) -> None:
        line.flow.pause_writing()
        sent = asyncio.create_task(exchange.send(start((b"content-length", b"0"))))
        await asyncio.sleep(0.01)
        assert line.sent == b""
        line.flow.resume_writing()
        await sent
        assert line.sent

    run(scenario)


@pytest.mark.parametrize("begins", [False, True])
def test_a_connection_whose_app_does_not_finish_its_answer_is_closed(begins: bool) -> None:
    async def scenario(exchange: Exchange, _: Line) -> None:
        async def app(_scope: object, _receive: object, send: Callable[[Message], Awaitable[None]]) -> None:
            if begins:
                await send(start((b"content-length", b"2")))
                await send(body(b"a", more=True))

        await exchange.run(cast(ASGIApp, app))

    assert run(scenario).closed
