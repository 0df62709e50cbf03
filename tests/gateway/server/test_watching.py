"""An operation as it is watched: until when its reads may take, and that its lines can be told from others'."""

import asyncio
import json
import math
from typing import Any

import pytest
import structlog
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from adapters.errors import Unavailable
from gateway.app import Gateway
from gateway.server.watching import DEFAULT_SECONDS
from gateway.upstream.calls import Operation, current_operation, name_operation
from tests.gateway.asking import data, gateway_over
from tests.gateway.behaviour import Call
from tests.gateway.fakes import Fake
from tests.gateway.sending import EMAIL, LETTER, sender
from tests.gateway.server.endpoint import endpoint, posted
from tests.gateway.serving import routes_of, serving
from tests.patience import PATIENCE

CUSTOMERS = "{ customers { nodes { name letters { nodes { title } } } } }"


class Seen:
    """The operation that each call of a backend belongs to."""

    def __init__(self, of: Fake) -> None:
        self.operations: list[Operation | None] = []
        called = of.behaviour.called

        async def noticing(call: Call) -> None:
            self.operations.append(current_operation())
            await called(call)

        of.behaviour.called = noticing  # type: ignore[method-assign]

    def deadlines(self, now: float) -> list[float]:
        """In how many seconds each ends, rounded."""
        return [round(one.deadline - now, -1) for one in self.operations if one is not None]


async def over_a_socket(gateway: Gateway, query: str, variables: Any = None) -> list[Any]:
    """The messages that answer one operation."""
    messages: list[Any] = []
    async with serving(routes_of(gateway)) as address, asyncio.timeout(PATIENCE):
        protocols = [Subprotocol("graphql-transport-ws")]
        async with connect(f"ws://{address}/graphql", subprotocols=protocols, proxy=None) as socket:
            await socket.send(json.dumps({"type": "connection_init"}))
            await socket.recv()
            payload = {"query": query, "variables": variables}
            await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
            while not messages or messages[-1]["type"] not in ("complete", "error"):
                messages.append(json.loads(await socket.recv()))
    return messages


async def test_whatever_reads_for_an_operation_belongs_to_it_and_ends_with_it() -> None:
    a = sender()
    seen = Seen(a)
    async with endpoint(gateway_over(a)) as client:
        now = asyncio.get_running_loop().time()
        await posted(client, CUSTOMERS)
    assert len(seen.operations) == 2
    assert seen.operations[0] is seen.operations[1]
    assert seen.deadlines(now) == [DEFAULT_SECONDS] * 2


async def test_two_operations_are_two() -> None:
    a = sender()
    seen = Seen(a)
    async with endpoint(gateway_over(a)) as client:
        await asyncio.gather(posted(client, CUSTOMERS), posted(client, CUSTOMERS))
    assert len({id(one) for one in seen.operations}) == 2


async def test_over_a_socket_a_query_ends_too() -> None:
    a = sender()
    seen = Seen(a)
    now = asyncio.get_running_loop().time()
    await over_a_socket(gateway_over(a), CUSTOMERS)
    assert seen.deadlines(now) == [DEFAULT_SECONDS] * 2


PROGRESS = (
    "subscription ($id: ID!) { dispatchProgress(id: $id) { items { nodes { target { ... on Letter { title } } } } } }"
)


@pytest.mark.parametrize("carrier", ["events", "socket"])
async def test_a_subscription_is_followed_for_as_long_as_somebody_does(carrier: str) -> None:
    a = sender()
    gateway = gateway_over(a)
    dispatch = (await data(gateway, EMAIL, input={"document": LETTER}))["sent"]["dispatch"]["id"]
    seen = Seen(a)
    if carrier == "socket":
        await over_a_socket(gateway, PROGRESS, {"id": dispatch})
    else:
        async with endpoint(gateway) as client:
            await posted(client, PROGRESS, "text/event-stream", id=dispatch)
    assert [one.deadline for one in seen.operations if one is not None] == [math.inf]


async def test_what_an_operation_logs_has_its_id() -> None:
    a = sender()
    a.behaviour.failures["customers.page"] = [Unavailable("Away.", backend="a"), Unavailable("Away.", backend="a")]
    with structlog.testing.capture_logs(processors=[name_operation]) as lines:
        async with endpoint(gateway_over(a)) as client:
            for _ in range(2):
                await posted(client, CUSTOMERS)
    ids = [line["operation_id"] for line in lines if line["event"] == "backend failed"]
    assert [len(one) for one in ids] == [12, 12]
    assert len(set(ids)) == 2
