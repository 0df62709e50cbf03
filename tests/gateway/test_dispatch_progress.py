"""A dispatch's progress over a real socket: as it stands, at each change, until all is settled."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from adapters.contract import Outcome, OutcomeState
from gateway.app import Gateway
from gateway.principals import LOCAL, Principal, Scope
from gateway.schema import subscription
from tests.gateway.asking import answer, data, gateway_over, gid
from tests.gateway.fakes import Fake, fake
from tests.gateway.knowing import Known
from tests.gateway.records import customer
from tests.gateway.serving import routes_of, serving
from tests.patience import PATIENCE

PROGRESS = "subscription($id: ID!) { dispatchProgress(id: $id) { state counts { sending accepted failed } } }"
SEND = "mutation($ids: [ID!]) { emailStatements(input: {customers: $ids}) { dispatch { id } } }"


@pytest.fixture(autouse=True)
def _quick_polls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscription, "POLL_SECONDS", 0.001)


@contextlib.asynccontextmanager
async def socket_to(gateway: Gateway) -> AsyncIterator[ClientConnection]:
    async with asyncio.timeout(PATIENCE), serving(routes_of(gateway)) as address:
        protocols = [Subprotocol("graphql-transport-ws")]
        async with connect(f"ws://{address}/graphql", subprotocols=protocols, proxy=None) as socket:
            await socket.send(json.dumps({"type": "connection_init"}))
            assert json.loads(await socket.recv()) == {"type": "connection_ack"}
            yield socket


async def subscribe(socket: ClientConnection, query: str, name: str = "1", **variables: Any) -> None:
    payload = {"query": query, "variables": variables}
    await socket.send(json.dumps({"id": name, "type": "subscribe", "payload": payload}))


async def next_message(socket: ClientConnection) -> Any:
    return json.loads(await socket.recv())


def sender() -> Fake:
    return fake("a", customers=[customer("a", n) for n in "012"], writes=True, batch=1)


IDS = [gid("Customer", "a", n) for n in "012"]


async def test_progress_shows_each_change_and_ends_when_all_is_settled() -> None:
    a = sender()
    gateway = gateway_over(a)
    gate = a.behaviour.hold("perform")
    asked = asyncio.create_task(answer(gateway, SEND, ids=IDS))
    a.behaviour.outcomes = [
        [Outcome(state=OutcomeState.DONE)],
        [Outcome(state=OutcomeState.UNDONE)],
        [Outcome(state=OutcomeState.DONE)],
    ]
    await gate.begun.wait()
    started = (await data(gateway, "{ dispatches { nodes { id } } }"))["dispatches"]["nodes"][0]["id"]
    async with socket_to(gateway) as socket:
        await subscribe(socket, PROGRESS, id=started)
        first = await next_message(socket)
        gate.release.set()
        messages = [first]
        while messages[-1]["type"] == "next":
            messages.append(await next_message(socket))
        await asked
    seen = [message["payload"]["data"]["dispatchProgress"] for message in messages[:-1]]
    assert seen[0] == {"state": "RUNNING", "counts": {"sending": 3, "accepted": 0, "failed": 0}}
    assert seen[-1] == {"state": "COMPLETED_WITH_FAILURES", "counts": {"sending": 0, "accepted": 2, "failed": 1}}
    assert [one for place, one in enumerate(seen) if place and one == seen[place - 1]] == []
    assert messages[-1] == {"id": "1", "type": "complete"}


async def test_what_is_settled_is_shown_once() -> None:
    gateway = gateway_over(sender())
    settled = (await data(gateway, SEND, ids=IDS))["emailStatements"]["dispatch"]["id"]
    async with socket_to(gateway) as socket:
        await subscribe(socket, PROGRESS, id=settled)
        messages = [await next_message(socket) for _ in range(2)]
    assert [message["type"] for message in messages] == ["next", "complete"]
    assert messages[0]["payload"]["data"]["dispatchProgress"]["state"] == "SUCCEEDED"


def error_of(message: Any) -> Any:
    """The one error of a message, whether it came before the first answer or with one."""
    payload = message["payload"]
    (error,) = payload["errors"] if isinstance(payload, dict) else payload
    return error


@pytest.mark.parametrize("value", ["nonsense", gid("Dispatch", "-", "0" * 32), gid("Customer", "a", "1")])
async def test_what_is_no_dispatch_is_an_error_of_the_callers(value: str) -> None:
    async with socket_to(gateway_over(sender())) as socket:
        await subscribe(socket, PROGRESS, id=value)
        error = error_of(await next_message(socket))
    expected = {"code": "NOT_FOUND", "path": ["id"], "retryable": False}
    assert (error["message"], error["extensions"]) == ("No Dispatch has this id here.", expected)


async def test_an_unknown_exception_in_a_subscription_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    gateway = gateway_over(sender())

    async def broken(dispatch_id: str, visible: Any) -> Any:
        raise RuntimeError("token=hunter2")

    monkeypatch.setattr(gateway.sending.ledger, "get", broken)
    async with socket_to(gateway) as socket:
        await subscribe(socket, PROGRESS, id=gid("Dispatch", "-", "0" * 32))
        message = await next_message(socket)
    assert "hunter2" not in json.dumps(message)
    error = error_of(message)
    assert (error["message"], error["extensions"]["code"]) == ("Something went wrong inside the gateway.", "INTERNAL")


async def test_a_wrong_document_has_a_code_over_a_socket_too() -> None:
    async with socket_to(gateway_over(sender())) as socket:
        await subscribe(socket, "subscription { nothing }")
        message = await next_message(socket)
    codes = [error["extensions"]["code"] for error in message["payload"]]
    assert (message["type"], codes) == ("error", ["GRAPHQL_VALIDATION_FAILED"])


async def test_each_operation_on_a_socket_reads_anew() -> None:
    a = sender()
    query = "query($id: ID!) { customer(by: {id: $id}) { name } }"
    names = []
    async with socket_to(gateway_over(a)) as socket:
        for name in ("Company 0", "Renamed"):
            a.shelves["customers"].records[0] = customer("a", "0", name=name)
            await subscribe(socket, query, name, id=IDS[0])
            names.append((await next_message(socket))["payload"]["data"]["customer"]["name"])
            assert (await next_message(socket))["type"] == "complete"
    assert names == ["Company 0", "Renamed"]


async def test_each_event_reads_again_what_an_earlier_one_read() -> None:
    a = sender()
    gateway = gateway_over(a)
    gate = a.behaviour.hold("perform")
    asked = asyncio.create_task(answer(gateway, SEND, ids=IDS))
    await gate.begun.wait()
    started = (await data(gateway, "{ dispatches { nodes { id } } }"))["dispatches"]["nodes"][0]["id"]
    query = "subscription($id: ID!) { dispatchProgress(id: $id) { items(first: 1) { nodes { target { id } } } } }"
    a.behaviour.calls.clear()
    async with socket_to(gateway) as socket:
        await subscribe(socket, query, id=started)
        messages = [await next_message(socket)]
        gate.release.set()
        while messages[-1]["type"] == "next":
            messages.append(await next_message(socket))
        await asked
    assert len(messages) > 2
    assert len(a.behaviour.of("customers.by_key")) == len(messages) - 1


async def test_whose_key_ends_is_told_no_more() -> None:
    a = sender()
    gateway = gateway_over(a)
    known = Known(LOCAL)
    gateway.authenticator = known
    gate = a.behaviour.hold("perform")
    asked = asyncio.create_task(answer(gateway, SEND, ids=IDS))
    await gate.begun.wait()
    dispatch = (await data(gateway, "{ dispatches { nodes { id } } }"))["dispatches"]["nodes"][0]
    async with socket_to(gateway) as socket:
        await subscribe(socket, PROGRESS, id=dispatch["id"])
        first = await next_message(socket)
        known.principal = None
        gate.release.set()
        last = await next_message(socket)
        while last["type"] == "next" and last["payload"].get("data"):
            last = await next_message(socket)
    await asked
    assert first["payload"]["data"]["dispatchProgress"]["counts"]["sending"] == 3
    told = json.dumps(last)
    assert ("FORBIDDEN" in told, "SUCCEEDED" in told) == (True, False)


async def test_without_the_scope_read_nothing_can_be_followed() -> None:
    a = sender()
    gateway = gateway_over(a)
    gateway.authenticator = Known(Principal(id="ann", scopes=frozenset((Scope.SEND,))))
    sent = await data(gateway, SEND, ids=IDS)
    async with socket_to(gateway) as socket:
        await subscribe(socket, PROGRESS, id=sent["emailStatements"]["dispatch"]["id"])
        assert "FORBIDDEN" in json.dumps(await next_message(socket))
