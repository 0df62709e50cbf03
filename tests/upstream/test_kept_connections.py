"""A connection is used again only while nothing on it can be taken for another request's answer."""

import asyncio

import httpx
import pytest

from gateway.upstream import connections
from gateway.upstream import engine as engine_module
from gateway.upstream.engine import EngineTransport
from tests.upstream.misbehaving import OK, Behaviour, Line, answer_of, answering, call, serving


def reply(text: bytes) -> Behaviour:
    """Answers every request with these bytes."""

    async def behave(line: Line) -> None:
        while True:
            await line.request()
            line.say(text)

    return behave


async def lines_of_two_reads(behaviour: Behaviour) -> list[int]:
    """The connections that two reads in turn went on, their answers read."""
    async with serving(behaviour) as server, EngineTransport() as engine:
        for _ in range(2):
            await answer_of(engine, call(server.url, write=False))
    return [number for number, _ in server.requests]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(OK, id="counted"),
        pytest.param(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", id="chunked"),
        pytest.param(b"HTTP/1.1 204 No Content\r\n\r\n", id="empty"),
        pytest.param(b"HTTP/1.1 500 Oh\r\ncontent-length: 2\r\n\r\nno", id="an error"),
    ],
)
async def test_after_a_whole_answer_it_is_used_again(answer: bytes) -> None:
    assert await lines_of_two_reads(reply(answer)) == [1, 1]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(OK + OK, id="two answers to one request"),
        pytest.param(OK + b"\r\n", id="an empty line after it"),
        pytest.param(b"HTTP/1.1 204 No Content\r\n\r\nok", id="a body where none may be"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            id="counted and chunked",
        ),
        pytest.param(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok", id="said to be the last"),
        pytest.param(b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok", id="HTTP/1.0"),
    ],
)
async def test_after_a_doubtful_or_last_answer_it_is_not(answer: bytes) -> None:
    assert await lines_of_two_reads(reply(answer)) == [1, 2]


async def spoilt(engine: EngineTransport) -> None:
    """Waits until the engine's connections have heard of what the vendor did to them."""
    while not all(connection.has_expired() for connection in engine._open):  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0)


@pytest.mark.parametrize("late", [b"", OK], ids=["closed", "spoke unasked"])
async def test_one_that_the_vendor_closed_or_spoke_on_in_between_is_not_used(late: bytes) -> None:
    read = asyncio.Event()

    async def behave(line: Line) -> None:
        await line.request()
        line.say(OK)
        await read.wait()
        if late:
            line.say(late)
            await line.gone()

    async with serving(behave) as server, EngineTransport() as engine:
        await answer_of(engine, call(server.url, write=False))
        read.set()
        await spoilt(engine)
        await answer_of(engine, call(server.url, write=False))
    assert server.requests == [(1, "POST"), (2, "POST")]


async def test_one_that_the_vendor_breaks_at_the_next_request_fails_that_and_sends_it_once() -> None:
    async def twice(line: Line) -> None:
        await line.request()
        line.say(OK)
        await line.request()
        line.reset()

    async with serving(twice) as server, EngineTransport() as engine:
        await answer_of(engine, call(server.url, write=False))
        with pytest.raises(httpx.ReadError):
            await answer_of(engine, call(server.url, write=False))
        assert (server.requests, engine._open) == ([(1, "POST"), (1, "POST")], set())


async def test_one_whose_answer_has_not_come_whole_is_closed() -> None:
    async def slow(line: Line) -> None:
        await line.request()
        line.say(OK[:-1])
        await line.gone()

    async with serving(slow) as server, EngineTransport() as engine:
        response = await engine.handle_async_request(call(server.url, write=False))
        await response.aclose()
        assert engine._open == set()


async def test_one_kept_too_long_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "KEEPALIVE_SECONDS", -1.0)
    async with serving(answering) as server, EngineTransport() as engine:
        for _ in range(2):
            await answer_of(engine, call(server.url, write=False))
        assert (server.requests, engine._open) == ([(1, "POST"), (2, "POST")], set())


async def test_no_more_are_kept_than_a_certain_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "KEPT_CONNECTIONS", 2)
    async with serving(answering) as server, EngineTransport() as engine:
        await asyncio.gather(*(answer_of(engine, call(server.url, write=False)) for _ in range(5)))
        assert (server.connections, len(engine._open)) == (5, 2)


async def test_an_answer_that_came_whole_lets_it_go_before_anybody_reads() -> None:
    async with serving(answering) as server, EngineTransport() as engine:
        first, second = [await engine.handle_async_request(call(server.url, write=False)) for _ in range(2)]
        assert (server.connections, await first.aread() == await second.aread()) == (1, True)


async def test_one_to_another_server_is_not_used() -> None:
    async with serving(answering) as one, serving(answering) as other, EngineTransport() as engine:
        for server in (one, other, one, other):
            await answer_of(engine, call(server.url, write=False))
    assert (one.requests, other.requests) == ([(1, "POST")] * 2, [(1, "POST")] * 2)


@pytest.mark.parametrize("write", [True, False])
async def test_closing_the_engine_ends_what_is_under_way(write: bool) -> None:
    asked = asyncio.Event()

    async def silent(line: Line) -> None:
        await line.request()
        asked.set()
        await line.gone()

    async with serving(silent) as server, EngineTransport() as engine:
        under_way = asyncio.create_task(answer_of(engine, call(server.url, write=write)))
        await asked.wait()
        await engine.aclose()
        with pytest.raises(httpx.RemoteProtocolError):
            await under_way


async def test_none_is_kept_by_an_engine_that_was_closed() -> None:
    async with serving(answering) as server, EngineTransport() as engine:
        await engine.aclose()
        await answer_of(engine, call(server.url, write=False))
        assert engine._open == set()
