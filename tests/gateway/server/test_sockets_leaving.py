"""Whoever leaves a socket, or an operation on one, takes its reads along; what was claimed is sent, once."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from gateway.app import Gateway
from tests.gateway.asking import answer, data, gateway_over, gid
from tests.gateway.fakes import fake
from tests.gateway.records import customer
from tests.gateway.sending import sender
from tests.gateway.server.endpoint import EVENTS
from tests.gateway.server.socket_talk import Talk, talking_to
from tests.gateway.server.test_leaving import CREATE, EMAIL, Held, settled, shelf
from tests.gateway.server.wire import HEAD, Listening, listening

PROGRESS = "subscription($id: ID!) { dispatchProgress(id: $id) { state } }"
SEND = "mutation($ids: [ID!]) { emailStatements(input: {customers: $ids}) { dispatch { id } } }"

Leave = Callable[[Talk], Awaitable[None]]


async def complete(talk: Talk) -> None:
    """Ends the operation."""
    await talk.say("complete", id="1")


async def close(talk: Talk) -> None:
    """Ends the socket, as one should."""
    await talk.socket.close()


async def cut(talk: Talk) -> None:
    """Is gone from one moment to the next."""
    talk.socket.transport.abort()


async def misbehave(talk: Talk) -> None:
    """Has the gateway end the socket."""
    await talk.socket.send("nonsense")


WAYS = pytest.mark.parametrize("leave", [complete, close, cut, misbehave])


@contextlib.asynccontextmanager
async def asked(gateway: Gateway, query: str, held: Held) -> AsyncIterator[Talk]:
    """A socket on which an operation has come to a backend."""
    async with listening(gateway) as served, talking_to(served) as talk:
        await talk.init()
        await talk.subscribe(query)
        await held.gate.begun.wait()
        yield talk


@WAYS
async def test_the_reads_of_an_operation_end_with_it(leave: Leave) -> None:
    a = shelf()
    held = Held(a, "letters.of_customers")
    async with asked(gateway_over(a), "{ customers { nodes { letters { nodes { title } } } } }", held) as talk:
        await leave(talk)
        await held.cancelled.wait()
    assert not held.gate.release.is_set()


@WAYS
async def test_a_send_goes_on(leave: Leave) -> None:
    a = sender()
    gateway, held = gateway_over(a), Held(a, "perform")
    async with asked(gateway, EMAIL, held) as talk:
        await leave(talk)
    held.gate.release.set()
    assert await settled(gateway) == [{"state": "SUCCEEDED", "items": {"nodes": [{"state": "ACCEPTED", "attempt": 1}]}}]
    assert (a.behaviour.performed, held.cancelled.is_set()) == ([("l1",)], False)


@WAYS
async def test_a_write_of_a_record_goes_on(leave: Leave) -> None:
    a = shelf()
    gateway, held = gateway_over(a), Held(a, "perform")
    async with asked(gateway, CREATE, held) as talk:
        await leave(talk)
    held.gate.release.set()
    await gateway.sending.drain()
    assert (a.behaviour.performed, held.cancelled.is_set()) == ([("new",)], False)


class Followed:
    """What a subscription reads from: whether that was closed."""

    def __init__(self, gateway: Gateway) -> None:
        self.closed = asyncio.Event()
        executor = gateway.operations._executor
        subscribe = executor.subscribe

        async def noticing(*arguments: Any) -> AsyncGenerator[Any, None]:
            return self._noticed(await subscribe(*arguments))

        executor.subscribe = noticing  # type: ignore[method-assign, assignment]

    async def _noticed(self, source: AsyncGenerator[Any, None]) -> AsyncGenerator[Any, None]:
        try:
            async for result in source:
                yield result
        finally:
            await source.aclose()
            self.closed.set()


@contextlib.asynccontextmanager
async def progressing() -> AsyncIterator[tuple[Listening, Followed, str]]:
    """A gateway that is served, with a run under way; what follows it; the run's id."""
    a = fake("a", customers=[customer("a", n) for n in "01"], writes=True, batch=1)
    gateway = gateway_over(a)
    gate = a.behaviour.hold("perform")
    sending = asyncio.create_task(answer(gateway, SEND, ids=[gid("Customer", "a", n) for n in "01"]))
    await gate.begun.wait()
    (run,) = (await data(gateway, "{ dispatches { nodes { id } } }"))["dispatches"]["nodes"]
    async with listening(gateway) as served:
        yield served, Followed(gateway), run["id"]
    gate.release.set()
    await sending


@WAYS
async def test_what_is_followed_over_a_socket_is_closed(leave: Leave) -> None:
    async with progressing() as (gateway, followed, run), talking_to(gateway) as talk:
        await talk.init()
        await talk.subscribe(PROGRESS, variables={"id": run})
        assert (await talk.hear())["payload"] == {"data": {"dispatchProgress": {"state": "RUNNING"}}}
        await leave(talk)
        await followed.closed.wait()


async def test_what_is_followed_as_events_is_closed() -> None:
    async with progressing() as (gateway, followed, run):
        wire = await gateway.connect()
        body = f'{{"query": "{PROGRESS}", "variables": {{"id": "{run}"}}}}'
        await wire.send(HEAD + f"Accept: {EVENTS}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
        await wire.reader.readuntil(b"event: next")
        wire.writer.close()
        await followed.closed.wait()
