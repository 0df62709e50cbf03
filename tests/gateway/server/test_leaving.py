"""A client that leaves ends what was read for it; what was claimed is sent all the same, once."""

import asyncio
import json
from typing import Any

import pytest

from gateway.app import Gateway
from tests.gateway.asking import answer, gateway_over, gid
from tests.gateway.behaviour import Gate
from tests.gateway.fakes import Fake, fake
from tests.gateway.records import customer, letter
from tests.gateway.sending import LETTER, sender
from tests.gateway.serving import routes_of, serving
from tests.patience import PATIENCE

EMAIL = f'mutation {{ emailDocument(input: {{document: "{LETTER}"}}) {{ dispatch {{ state }} problems {{ code }} }} }}'
CREATE = 'mutation { createMessage(input: {backend: "a", code: "X", text: "Y"}) { problems { code } } }'
ITEMS = "{ dispatches { nodes { state items { nodes { state attempt } } } } }"


class Held:
    """A verb of a backend that is held: whether a call has begun there, and whether one was cancelled."""

    def __init__(self, of: Fake, verb: str) -> None:
        self.gate: Gate = of.behaviour.hold(verb)
        self.cancelled = asyncio.Event()
        called = of.behaviour.called

        async def noticing(call: Any) -> None:
            try:
                await called(call)
            except asyncio.CancelledError:
                self.cancelled.set()
                raise

        of.behaviour.called = noticing  # type: ignore[method-assign]


async def hang_up(address: str, query: str, held: Held) -> None:
    """Posts a query, and closes the connection as soon as the call that it makes has begun."""
    host, port = address.split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    body = json.dumps({"query": query}).encode()
    writer.write(b"POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n")
    writer.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
    await held.gate.begun.wait()
    writer.close()
    await writer.wait_closed()


def shelf() -> Fake:
    return fake("a", customers=[customer("a", "1")], letters=[letter("a", "l1", "1")], messages=[], writes=True)


@pytest.mark.parametrize(
    ("verb", "query"),
    [
        ("customers.page", "{ customers { nodes { name } } }"),
        ("customers.by_key", f'{{ node(id: "{gid("Customer", "a", "1")}") {{ ... on Customer {{ name }} }} }}'),
        ("letters.of_customers", "{ customers { nodes { letters { nodes { title } } } } }"),
        (
            "aggregate",
            '{ aggregate(backend: "a", input: {of: CUSTOMERS, measures: [{function: COUNT, field: "id"}]}) { group } }',
        ),
    ],
)
async def test_a_client_that_leaves_ends_the_reads_at_the_vendors(verb: str, query: str) -> None:
    a = shelf()
    held = Held(a, verb)
    async with asyncio.timeout(PATIENCE), serving(routes_of(gateway_over(a))) as address:
        await hang_up(address, query, held)
        await held.cancelled.wait()
    assert not held.gate.release.is_set()


async def settled(gateway: Gateway) -> Any:
    """The dispatches, when all that was claimed is settled."""
    await gateway.sending.drain()
    return (await answer(gateway, ITEMS)).data["dispatches"]["nodes"]


async def test_a_send_goes_on_when_its_client_has_left() -> None:
    a = sender()
    gateway, held = gateway_over(a), Held(a, "perform")
    async with asyncio.timeout(PATIENCE), serving(routes_of(gateway)) as address:
        await hang_up(address, EMAIL, held)
    held.gate.release.set()
    assert await settled(gateway) == [{"state": "SUCCEEDED", "items": {"nodes": [{"state": "ACCEPTED", "attempt": 1}]}}]
    assert (a.behaviour.performed, held.cancelled.is_set()) == ([("l1",)], False)


async def test_a_write_of_a_record_goes_on_when_its_client_has_left() -> None:
    a = shelf()
    gateway, held = gateway_over(a), Held(a, "perform")
    async with asyncio.timeout(PATIENCE), serving(routes_of(gateway)) as address:
        await hang_up(address, CREATE, held)
    held.gate.release.set()
    await gateway.sending.drain()
    assert (a.behaviour.performed, held.cancelled.is_set()) == ([("new",)], False)


async def test_what_a_mutation_had_not_begun_when_its_client_left_is_never_begun() -> None:
    a = sender()
    gateway, held = gateway_over(a), Held(a, "perform")
    second = EMAIL.removeprefix("mutation {").removesuffix("}").replace(LETTER, gid("Letter", "a", "l2"))
    query = EMAIL.removesuffix("}") + f" second: {second} }}"
    async with asyncio.timeout(PATIENCE), serving(routes_of(gateway)) as address:
        await hang_up(address, query, held)
    held.gate.release.set()
    assert [one["state"] for one in await settled(gateway)] == ["SUCCEEDED"]
    assert a.behaviour.performed == [("l1",)]
