"""Reads share connections; a write never uses one that was used before, nor leaves one for later."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from adapters.wire import EXTENSION, CallInfo
from gateway.upstream.calls import begin_call
from gateway.upstream.engine import EngineTransport


class Server:
    """Answers every request, and notes the number of the connection each arrived on."""

    def __init__(self) -> None:
        self.connections = 0
        self.requests: list[tuple[int, str]] = []
        self.serving: list[asyncio.Task[Any] | None] = []
        self.answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.serving.append(asyncio.current_task())
        self.connections += 1
        number = self.connections
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.requests.append((number, head.split(b" ", 1)[0].decode()))
                writer.write(self.answer)
                await writer.drain()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


@contextlib.asynccontextmanager
async def listening() -> AsyncIterator[tuple[Server, str]]:
    server = Server()
    async with asyncio.timeout(10):
        serving = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        try:
            host, port = serving.sockets[0].getsockname()
            yield server, f"http://{host}:{port}/"
        finally:
            serving.close()
            await asyncio.gather(*(task for task in server.serving if task is not None))


def call(url: str, *, write: bool, method: str = "POST") -> httpx.Request:
    info = CallInfo(backend="a", operation="x", write=write)
    return httpx.Request(method, url, extensions={EXTENSION: info, "timeout": {"connect": 5.0, "read": 5.0}})


async def asked(engine: EngineTransport, request: httpx.Request) -> int:
    response = await engine.handle_async_request(request)
    await response.aread()
    await response.aclose()
    return response.status_code


async def test_reads_share_a_connection_whatever_their_method() -> None:
    async with listening() as (server, url), EngineTransport() as engine:
        for method in ("GET", "POST", "GET"):
            await asked(engine, call(url, write=False, method=method))
    assert server.requests == [(1, "GET"), (1, "POST"), (1, "GET")]


@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
async def test_every_write_has_a_connection_of_its_own_whatever_its_method(method: str) -> None:
    async with listening() as (server, url), EngineTransport() as engine:
        await asked(engine, call(url, write=False))
        for _ in range(2):
            await asked(engine, call(url, write=True, method=method))
        await asked(engine, call(url, write=False))
    assert server.requests == [(1, "POST"), (2, method), (3, method), (1, "POST")]


async def test_a_request_that_does_not_say_what_it_is_is_a_read() -> None:
    async with listening() as (server, url), EngineTransport() as engine:
        for _ in range(2):
            await asked(engine, httpx.Request("GET", url))
    assert server.connections == 1


async def test_no_redirect_is_followed() -> None:
    async with listening() as (server, url), EngineTransport() as engine:
        server.answer = f"HTTP/1.1 302 Found\r\nlocation: {url}\r\ncontent-length: 0\r\n\r\n".encode()
        status = await asked(engine, call(url, write=False))
    assert (status, len(server.requests)) == (302, 1)


async def test_a_proxy_in_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with listening() as (server, url):
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
        async with EngineTransport() as engine:
            assert await asked(engine, call(url, write=True)) == 200
    assert server.connections == 1


async def test_a_refused_connection_is_a_connect_error() -> None:
    async with listening() as (_, url):
        pass
    async with EngineTransport() as engine:
        with pytest.raises(httpx.ConnectError):
            await asked(engine, call(url, write=True))


@pytest.mark.parametrize("write", [False, True])
async def test_a_call_is_marked_as_sent_when_it_is(write: bool) -> None:
    async with listening() as (_, url), EngineTransport() as engine:
        request = call(url, write=write)
        noted = begin_call(request, 5)
        before = noted.sent
        await asked(engine, request)
    assert (before, noted.sent) == (False, True)


async def test_a_call_is_marked_as_sent_when_the_vendor_breaks_off_without_an_answer() -> None:
    async with listening() as (server, url), EngineTransport() as engine:
        server.answer = b"nonsense\r\n\r\n"
        request = call(url, write=True)
        noted = begin_call(request, 5)
        with pytest.raises(httpx.RemoteProtocolError):
            await asked(engine, request)
    assert noted.sent


async def test_a_call_whose_connection_is_never_made_is_not_marked_as_sent() -> None:
    async with listening() as (server, url), EngineTransport() as engine:
        request = call(url.replace("http:", "https:"), write=True)  # the server waits for a head, the client for TLS
        request.extensions["timeout"] = {"connect": 0.05}
        noted = begin_call(request, 5)
        with pytest.raises(httpx.ConnectTimeout):
            await asked(engine, request)
    assert (noted.sent, server.requests) == (False, [])


async def test_a_call_is_marked_as_sent_with_its_first_byte() -> None:
    never = asyncio.Event()

    async def reads_nothing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await never.wait()
        writer.close()

    serving = await asyncio.start_server(reads_nothing, "127.0.0.1", 0)
    async with serving, EngineTransport() as engine:
        host, port = serving.sockets[0].getsockname()
        request = call(f"http://{host}:{port}/", write=True)
        request.headers["x-long"] = "x" * 30_000_000  # does not fit in what the system holds for a slow reader
        request.extensions["timeout"] = {"write": 0.05}
        noted = begin_call(request, 5)
        with pytest.raises(httpx.WriteTimeout):
            await asked(engine, request)
        never.set()
    assert noted.sent
