"""Whenever a call is cancelled, its connection is closed: nothing of it stays behind, here or at the vendor."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from gateway.upstream.engine import EngineTransport
from tests.upstream.misbehaving import (
    OK,
    Line,
    answer_of,
    back_to,
    call,
    certified,
    nobody_accepts,
    open_sockets,
    serving,
    trusting,
)

MOMENTS = 60
"""More turns of the event loop than a call takes, its connection and its closing included."""


async def cancelled_after(moments: int, under_way: Coroutine[Any, Any, object] | asyncio.Task[Any]) -> bool:
    """Cancels a call after some turns of the event loop; whether it had not finished by then."""
    task = asyncio.ensure_future(under_way)
    for _ in range(moments):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    return task.cancelled()


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("write", [True, False])
async def test_at_whatever_moment_the_connection_is_closed(write: bool, tls: bool) -> None:
    async def answering_bit_by_bit(line: Line) -> None:
        while True:
            await line.request()
            for byte in OK:
                line.say(bytes([byte]))
                await asyncio.sleep(0)

    before = open_sockets()
    cut_short = 0
    async with serving(answering_bit_by_bit, certified() if tls else None) as server:
        url = server.url.replace("127.0.0.1", "localhost") if tls else server.url
        for moments in range(MOMENTS):
            async with EngineTransport(verify=trusting()) as engine:
                cut_short += await cancelled_after(moments, answer_of(engine, call(url, write=write)))
                left = [connection for connection in engine._open if write or not connection.is_idle()]
                assert left == []
    await back_to(before)
    assert (cut_short > MOMENTS / 4, server.connections == server.closed) == (True, True)


async def test_while_nobody_accepts_it_the_socket_is_closed() -> None:
    with nobody_accepts() as url:
        before = open_sockets()
        async with EngineTransport() as engine:
            assert await cancelled_after(10, answer_of(engine, call(url, write=True)))
        await back_to(before)


@pytest.mark.parametrize("write", [True, False])
async def test_while_the_handshake_waits_the_socket_is_closed(write: bool) -> None:
    begun = asyncio.Event()

    async def silent(line: Line) -> None:
        begun.set()
        await line.gone()

    before = open_sockets()
    async with serving(silent) as server, EngineTransport() as engine:
        url = server.url.replace("http:", "https:")
        under_way = asyncio.create_task(answer_of(engine, call(url, write=write)))
        await begun.wait()
        assert await cancelled_after(10, under_way)
    await back_to(before)


@pytest.mark.parametrize("write", [True, False])
async def test_while_the_vendor_reads_nothing_the_socket_is_closed(write: bool) -> None:
    begun, over = asyncio.Event(), asyncio.Event()

    async def deaf(_: Line) -> None:
        begun.set()
        await over.wait()

    async with serving(deaf) as server, EngineTransport() as engine:
        under_way = asyncio.create_task(answer_of(engine, call(server.url, write=write, body=bytes(32_000_000))))
        await begun.wait()
        both_sides = open_sockets()
        assert await cancelled_after(10, under_way)
        assert engine._open == set()
        await back_to(both_sides - 1)
        over.set()
