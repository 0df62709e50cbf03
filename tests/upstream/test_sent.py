"""Whether a call was sent is known over real connections: what was not may be told so, all else proves nothing."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest

from gateway.upstream.calls import begin_call
from gateway.upstream.deadline import DeadlineTransport
from gateway.upstream.engine import EngineTransport
from tests.patience import PATIENCE
from tests.upstream.calling import called, request

SOON = 0.1
IN_TIME = 1.0
"""Seconds in which a connection to loopback is made, and a request sent."""
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter, asyncio.Event], Awaitable[None]]


async def silent(_: asyncio.StreamReader, __: asyncio.StreamWriter, over: asyncio.Event) -> None:
    await over.wait()


async def answering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, over: asyncio.Event) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(OK)
    await over.wait()


async def breaking_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _: asyncio.Event) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.transport.abort()


@contextlib.asynccontextmanager
async def listening(serve: Serve) -> AsyncIterator[str]:
    """Where a server listens that does with each connection what it is told."""
    over = asyncio.Event()
    serving: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.add(task)
        try:
            await serve(reader, writer, over)
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    try:
        yield f"{host}:{port}"
    finally:
        over.set()
        server.close()
        await asyncio.gather(*serving)


def to(address: str, *, write: bool = True, tls: bool = False, connect: float = PATIENCE) -> httpx.Request:
    one = request(write=write, method="POST")
    one.url = httpx.URL(f"{'https' if tls else 'http'}://{address}/")
    one.headers["host"] = address
    one.extensions["timeout"] = {"connect": connect, "read": PATIENCE, "write": PATIENCE}
    return one


async def asked(engine: httpx.AsyncBaseTransport, one: httpx.Request) -> None:
    response = await engine.handle_async_request(one)
    await response.aread()
    await response.aclose()


@pytest.mark.parametrize("write", [False, True])
async def test_a_call_that_was_answered_was_sent(write: bool) -> None:
    async with listening(answering) as address, EngineTransport() as engine:
        one = to(address, write=write)
        before = begin_call(one, PATIENCE).sent
        await asked(engine, one)
    assert (before, called(one).sent) == (False, True)


async def test_a_call_that_the_vendor_broke_off_was_sent() -> None:
    async with listening(breaking_off) as address, EngineTransport() as engine:
        one = to(address)
        begin_call(one, PATIENCE)
        with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
            await asked(engine, one)
    assert called(one).sent


async def test_a_call_is_sent_with_its_first_byte() -> None:
    async with listening(silent) as address, EngineTransport() as engine:
        one = to(address, write=True)
        one.extensions["timeout"]["write"] = SOON
        one.headers["x-long"] = "x" * 30_000_000  # does not fit in what the system holds for a slow reader
        begin_call(one, PATIENCE)
        with pytest.raises(httpx.WriteTimeout):
            await asked(engine, one)
    assert called(one).sent


async def test_a_call_whose_connection_is_never_made_was_not_sent() -> None:
    async with listening(silent) as address, EngineTransport() as engine:
        one = to(address, tls=True, connect=SOON)
        begin_call(one, PATIENCE)
        with pytest.raises(httpx.ConnectTimeout):
            await asked(engine, one)
    assert not called(one).sent


@pytest.mark.parametrize(("tls", "kind"), [(True, httpx.PoolTimeout), (False, httpx.ReadTimeout)])
async def test_at_the_deadline_a_write_is_known_to_be_unsent_only_while_it_connects(
    tls: bool, kind: type[httpx.TimeoutException]
) -> None:
    async with listening(silent) as address, EngineTransport() as engine:
        with pytest.raises(kind):
            await asked(DeadlineTransport(engine, IN_TIME), to(address, tls=tls))
