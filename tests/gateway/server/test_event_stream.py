"""Results as server-sent events: graphql-sse's distinct connections mode."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from adapters.contract import Outcome, OutcomeState
from gateway.app import Gateway
from gateway.schema import subscription
from gateway.server import event_stream
from tests.gateway.asking import answer, data, gateway_over, gid
from tests.gateway.fakes import Fake, fake
from tests.gateway.records import customer
from tests.gateway.server.endpoint import EVENTS, endpoint, events_of, posted
from tests.gateway.server.test_negotiation import URQL
from tests.patience import PATIENCE

PROGRESS = "subscription($id: ID!) { dispatchProgress(id: $id) { state counts { accepted failed } } }"
SEND = "mutation($ids: [ID!]) { emailStatements(input: {customers: $ids}) { dispatch { id } } }"
IDS = [gid("Customer", "a", n) for n in "012"]


@pytest.fixture(autouse=True)
def _quick_polls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscription, "POLL_SECONDS", 0.001)


def sender() -> Fake:
    return fake("a", customers=[customer("a", n) for n in "012"], writes=True, batch=1)


async def test_a_query_is_one_event_and_its_end_with_lines_ended_by_lf() -> None:
    async with endpoint() as client:
        answered = await posted(client, "{ __typename }", EVENTS)
    expected = ': open\n\nevent: next\ndata: {"data":{"__typename":"Query"}}\n\nevent: complete\ndata: \n\n'
    assert (answered.status_code, answered.text) == (200, expected)


@pytest.mark.parametrize("accept", [EVENTS, URQL, f"application/json;q=0.5, {EVENTS}"])
async def test_progress_is_followed_as_events(accept: str) -> None:
    gateway = gateway_over(sender())
    settled = (await data(gateway, SEND, ids=IDS))["emailStatements"]["dispatch"]["id"]
    async with endpoint(gateway) as client:
        answered = await posted(client, PROGRESS, accept, id=settled)
    progress = {"state": "SUCCEEDED", "counts": {"accepted": 3, "failed": 0}}
    assert answered.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert events_of(answered.text) == [("next", {"data": {"dispatchProgress": progress}}), ("complete", None)]


async def test_progress_is_followed_by_get_as_browsers_do() -> None:
    gateway = gateway_over(sender())
    settled = (await data(gateway, SEND, ids=IDS))["emailStatements"]["dispatch"]["id"]
    given = {"query": f'subscription {{ dispatchProgress(id: "{settled}") {{ state }} }}'}
    async with endpoint(gateway) as client:
        answered = await client.get("/graphql", params=given, headers={"Accept": EVENTS})
    assert [name for name, _ in events_of(answered.text)] == ["next", "complete"]


async def test_each_change_is_an_event_as_it_happens() -> None:
    a = sender()
    gateway = gateway_over(a)
    gate = a.behaviour.hold("perform")
    a.behaviour.outcomes = [
        [Outcome(state=state)] for state in (OutcomeState.DONE, OutcomeState.UNDONE, OutcomeState.DONE)
    ]
    asked = asyncio.create_task(answer(gateway, SEND, ids=IDS))
    await gate.begun.wait()
    started = (await data(gateway, "{ dispatches { nodes { id } } }"))["dispatches"]["nodes"][0]["id"]
    async with asyncio.timeout(PATIENCE), endpoint(gateway) as client:
        body = {"query": PROGRESS, "variables": {"id": started}}
        async with client.stream("POST", "/graphql", json=body, headers={"Accept": EVENTS}) as streamed:
            lines = streamed.aiter_lines()
            first = [await anext(lines) for _ in range(5)]
            gate.release.set()
            rest = [line async for line in lines]
        await asked
    assert first[:3] == [": open", "", "event: next"]
    seen = [content["data"]["dispatchProgress"] for _, content in events_of("\n".join([*first, *rest]))[:-1]]
    assert seen[0] == {"state": "RUNNING", "counts": {"accepted": 0, "failed": 0}}
    assert seen[-1] == {"state": "COMPLETED_WITH_FAILURES", "counts": {"accepted": 2, "failed": 1}}


async def test_a_mutation_is_one_event() -> None:
    async with endpoint(gateway_over(sender())) as client:
        answered = await posted(client, SEND, EVENTS, ids=IDS)
    assert [name for name, _ in events_of(answered.text)] == ["next", "complete"]


@pytest.mark.parametrize(
    "query", ["{", "{ nothing }", "subscription { nothing }", "query A {__typename} query B {__typename}"]
)
async def test_a_wrong_document_is_an_event(query: str) -> None:
    async with endpoint() as client:
        answered = await posted(client, query, EVENTS)
    (name, content), end = events_of(answered.text)
    assert (answered.status_code, name, end) == (200, "next", ("complete", None))
    assert [error["extensions"]["code"] for error in content["errors"]] == ["GRAPHQL_VALIDATION_FAILED"]


async def test_what_is_no_request_is_refused_in_json() -> None:
    async with endpoint() as client:
        headers = {"Accept": EVENTS, "Content-Type": "application/json"}
        answered = await client.post("/graphql", content=b"{", headers=headers)
    assert (answered.status_code, answered.headers["content-type"]) == (400, "application/json; charset=utf-8")


async def test_a_subscription_needs_an_event_stream() -> None:
    async with endpoint() as client:
        answered = await posted(client, PROGRESS, "application/json, multipart/mixed", id="x")
    assert answered.status_code == 406


async def test_an_unknown_exception_in_an_event_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    gateway = gateway_over(sender())

    async def broken(dispatch_id: str, visible: Any) -> Any:
        raise RuntimeError("token=hunter2")

    monkeypatch.setattr(gateway.sending.ledger, "get", broken)
    async with endpoint(gateway) as client:
        answered = await posted(client, PROGRESS, EVENTS, id=gid("Dispatch", "-", "0" * 32))
    assert "hunter2" not in answered.text
    (_, content), _ = events_of(answered.text)
    assert [error["extensions"]["code"] for error in content["errors"]] == ["INTERNAL"]


async def opening_of(client: httpx.AsyncClient, query: str, lines: int) -> list[str]:
    """The first lines of a stream; then the client leaves."""
    async with client.stream("POST", "/graphql", json={"query": query}, headers={"Accept": EVENTS}) as streamed:
        read = streamed.aiter_lines()
        return [await anext(read) for _ in range(lines)]


async def test_a_silent_stream_says_that_it_is_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "PING_SECONDS", 0.001)
    a = sender()
    a.behaviour.hold("customers.page")
    async with asyncio.timeout(PATIENCE), endpoint(gateway_over(a)) as client:
        opening = await opening_of(client, "{ customers { nodes { name } } }", 4)
    assert opening == [": ping", "", ": ping", ""]


async def test_a_client_that_leaves_ends_what_it_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = asyncio.Event()
    gateway: Gateway = gateway_over(sender())

    async def silence() -> AsyncIterator[Any]:
        try:
            await asyncio.Event().wait()
            yield None
        finally:
            closed.set()

    root = gateway.schema._schema.subscription_type
    assert root is not None
    monkeypatch.setattr(root.fields["dispatchProgress"], "subscribe", lambda *_, **__: silence())
    async with asyncio.timeout(PATIENCE), endpoint(gateway) as client:
        opening = await opening_of(client, 'subscription { dispatchProgress(id: "x") { id } }', 2)
        await closed.wait()
    assert opening == [": open", ""]
