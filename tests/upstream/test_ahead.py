"""A connection opened ahead serves one write, over which nothing was sent before; one that nobody takes is closed."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator

import httpx
import pytest

from adapters.messages import server_of
from gateway.upstream import connections
from gateway.upstream.ahead import Ahead
from gateway.upstream.connections import Connection
from gateway.upstream.engine import EngineTransport
from gateway.upstream.sockets import Socket
from tests.patience import PATIENCE
from tests.upstream.misbehaving import (
    Line,
    Server,
    answer_of,
    answering,
    back_to,
    call,
    nobody_accepts,
    open_sockets,
    serving,
)


@contextlib.contextmanager
def reaching(engine: EngineTransport, url: str, seconds: float = PATIENCE) -> Iterator[None]:
    """A connection is opened ahead of what is written inside."""
    with engine.ahead(httpx.URL(url), seconds) as reach:
        reach()
        yield


async def arrived(server: Server, count: int) -> None:
    """Waits until the server has so many connections."""
    async with asyncio.timeout(PATIENCE):
        while server.connections < count:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0)


async def opened(engine: EngineTransport, count: int) -> None:
    """Waits until the engine has so many connections."""
    async with asyncio.timeout(PATIENCE):
        while len(engine._open) < count:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0)


async def write(engine: EngineTransport, url: str) -> None:
    await answer_of(engine, call(url, write=True))


async def test_a_write_takes_the_connection_that_was_opened_ahead() -> None:
    async with serving(answering) as server, EngineTransport() as engine:
        with reaching(engine, server.url):
            await arrived(server, 1)
            await write(engine, server.url)
        assert server.connections == 1
        await write(engine, server.url)
    assert server.requests == [(1, "POST"), (2, "POST")]


async def test_a_write_waits_for_one_that_is_being_opened() -> None:
    async with serving(answering) as server, EngineTransport() as engine:
        with reaching(engine, server.url):
            await write(engine, server.url)
    assert server.requests == [(1, "POST")]


async def test_each_of_two_writes_has_its_own() -> None:
    async with serving(answering) as server, EngineTransport() as engine:
        with reaching(engine, server.url), reaching(engine, server.url):
            await asyncio.gather(write(engine, server.url), write(engine, server.url))
    assert (server.connections, sorted(server.requests)) == (2, [(1, "POST"), (2, "POST")])


async def test_a_read_does_not_take_it() -> None:
    async with serving(answering) as server, EngineTransport() as engine:
        with reaching(engine, server.url):
            await arrived(server, 1)
            await answer_of(engine, call(server.url, write=False))
    assert server.requests == [(2, "POST")]


async def test_a_write_to_another_server_does_not_take_it() -> None:
    async with serving(answering) as server, serving(answering) as other, EngineTransport() as engine:
        with reaching(engine, server.url):
            await write(engine, other.url)
    assert (server.requests, other.requests) == ([], [(1, "POST")])


async def test_none_is_opened_unasked_or_twice_or_too_late() -> None:
    async with serving(answering) as server, EngineTransport() as engine:
        with engine.ahead(httpx.URL(server.url), PATIENCE):
            await write(engine, server.url)
        with engine.ahead(httpx.URL(server.url), PATIENCE) as reach:
            await asyncio.gather(asyncio.to_thread(reach), asyncio.to_thread(reach))
            await write(engine, server.url)
        reach()
        await write(engine, server.url)
    assert (server.connections, server.requests) == (3, [(1, "POST"), (2, "POST"), (3, "POST")])


def test_a_ledger_that_commits_when_the_loop_has_ended_is_not_disturbed() -> None:
    async def leaving() -> Callable[[], None]:
        async with EngineTransport() as engine:
            with engine.ahead(httpx.URL("http://127.0.0.1:9"), PATIENCE) as reach:
                return reach

    asyncio.run(leaving())()


@pytest.mark.parametrize("is_open", [True, False])
async def test_one_that_nobody_took_is_closed(is_open: bool) -> None:
    async with serving(answering) as server, EngineTransport() as engine:
        with reaching(engine, server.url):
            await (opened(engine, 1) if is_open else asyncio.sleep(0))
        while engine._open:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0)
        assert not engine._ahead._waiting[server_of(httpx.URL(server.url))]


async def test_one_that_the_vendor_closed_meanwhile_is_not_used() -> None:
    async def shut_at_first(line: Line) -> None:
        if line.number > 1:
            await answering(line)

    async with serving(shut_at_first) as server, EngineTransport() as engine:
        with reaching(engine, server.url):
            await opened(engine, 1)
            (first,) = engine._open
            while not first.has_expired():  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0)
            await write(engine, server.url)
    assert server.requests == [(2, "POST")]


async def test_one_that_waited_for_long_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "UNUSED_SECONDS", 0.0)
    async with serving(answering) as server, EngineTransport() as engine:
        with reaching(engine, server.url):
            await opened(engine, 1)
            await write(engine, server.url)
    assert server.requests == [(2, "POST")]


async def test_one_that_could_not_be_opened_is_none() -> None:
    ahead = Ahead(lambda _: None)
    server = server_of(httpx.URL("http://127.0.0.1/"))

    async def refused() -> Connection:
        raise httpx.ConnectError("")

    with ahead.opening(server, refused) as reach:
        reach()
        for _ in range(3):
            await asyncio.sleep(0)
        assert await ahead.take(server) is None


async def test_a_write_that_waits_for_one_is_told_why_it_was_not_opened() -> None:
    with nobody_accepts() as url:
        async with EngineTransport() as engine:
            with reaching(engine, url, 0.01), pytest.raises(httpx.ConnectTimeout):
                await write(engine, url)


async def test_a_write_that_is_left_while_it_waits_for_one_leaves_nothing_open() -> None:
    with nobody_accepts() as url:
        before = open_sockets()
        async with EngineTransport() as engine:
            with reaching(engine, url):
                writing = asyncio.create_task(write(engine, url))
                while not writing._fut_waiter:  # type: ignore[attr-defined]  # noqa: ASYNC110
                    await asyncio.sleep(0)
                writing.cancel()
                await asyncio.wait([writing])
            await back_to(before)


async def test_what_is_being_opened_when_the_engine_is_closed_is_given_up() -> None:
    with nobody_accepts() as url:
        before = open_sockets()
        engine = EngineTransport()
        with reaching(engine, url):
            while open_sockets() == before:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0)
            await engine.aclose()
            await back_to(before)


async def test_one_that_opens_just_as_its_write_is_left_is_closed() -> None:
    dropped: list[Connection] = []
    ahead = Ahead(dropped.append)
    server = server_of(httpx.URL("http://127.0.0.1/"))
    reached = asyncio.Event()
    made = Connection(server, Socket())

    async def connect() -> Connection:
        await reached.wait()
        return made

    with ahead.opening(server, connect) as reach:
        reach()
        await asyncio.sleep(0)
        (opening,) = ahead._waiting[server]
        opening.add_done_callback(lambda _: taking.cancel())
        taking = asyncio.create_task(ahead.take(server))
        await asyncio.sleep(0)
        reached.set()
        await asyncio.wait([taking])
        await asyncio.sleep(0)
    assert (taking.cancelled(), dropped) == (True, [made])
