"""What is over a limit is refused wherever it is asked, with the figure, and no vendor is called for it."""

import json
from typing import Any

import httpx
import pytest

from gateway.app import Gateway
from gateway.server.executing import ASK_FOR_LESS
from gateway.settings_limits import LimitSettings
from tests.gateway.asking import gateway_over, gid
from tests.gateway.fakes import Fake, fake
from tests.gateway.records import correspondence, customer
from tests.gateway.server.endpoint import EVENTS, RESPONSE, endpoint, events_of, posted
from tests.gateway.test_dispatch_progress import socket_to

DEEP = "{customers{nodes{documents{nodes{customer{documents{nodes{customer{name}}}}}}}}}"
"""Eighty characters with which a schema without limits asked vendors hundreds of times."""

WRITES = (
    "mutation {"
    + " ".join(
        f'a{number}: deleteCorrespondence(input: {{id: "{gid("Correspondence", "a", "1")}"}}) {{ problems {{ code }} }}'
        for number in range(100)
    )
    + "}"
)
"""A hundred writes in one request."""


def full() -> Fake:
    """A backend with customers, and documents of each."""
    customers = [customer("a", str(number)) for number in range(50)]
    documents = [correspondence("a", f"{one.native_id}-{place}", one.native_id) for one in customers for place in "ab"]
    return fake("a", customers=customers, correspondence=documents, writes=True)


def told(answer: httpx.Response) -> list[dict[str, Any]]:
    """The errors' extensions."""
    return [error["extensions"] for error in answer.json()["errors"]]


async def test_eighty_characters_cause_no_hundreds_of_calls() -> None:
    backend = full()
    async with endpoint(gateway_over(backend)) as client:
        answer = await posted(client, DEEP, RESPONSE)
    assert len(DEEP) == 80
    assert (answer.status_code, told(answer)) == (
        400,
        [{"code": "COST_LIMIT", "limit": "cost", "maximum": 2000, "actual": 1 + 50 * (2 + 25 * (1 + 2 + 25))}],
    )
    assert backend.behaviour.calls == []


async def test_a_hundred_aliased_mutations_write_nothing() -> None:
    backend = full()
    async with endpoint(gateway_over(backend)) as client:
        answer = await posted(client, WRITES, RESPONSE)
    assert [(one["limit"], one["actual"], one["maximum"]) for one in told(answer)] == [
        ("root_fields", 100, 20),
        ("aliases", 100, 50),
    ]
    assert (backend.behaviour.calls, backend.behaviour.prepared, backend.behaviour.performed) == ([], [], [])


async def test_the_variables_of_the_request_decide() -> None:
    query = "query ($n: Int!) { customers(first: $n) { nodes { documents(first: 25) { nodes { raw } } } } }"
    async with endpoint(gateway_over(full())) as client:
        few, many = [(await posted(client, query, n=n)).json() for n in (1, 100)]
    assert few["data"]["customers"]["nodes"][0]["documents"]["nodes"] == [{"raw": {}}] * 2
    assert [error["message"] for error in many["errors"]] == [
        "The operation may cost 2701 reads; at most 2000 are allowed (limits.cost)." + ASK_FOR_LESS
    ]


async def test_it_is_refused_in_an_event_stream_too() -> None:
    async with endpoint(gateway_over(full())) as client:
        answered = await posted(client, DEEP, EVENTS)
    (name, content), _ = events_of(answered.text)
    assert (name, content["errors"][0]["extensions"]["code"]) == ("next", "COST_LIMIT")


async def test_it_is_refused_over_a_socket_too() -> None:
    backend = full()
    async with socket_to(gateway_over(backend)) as socket:
        await socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": {"query": DEEP}}))
        answered = json.loads(await socket.recv())
    assert (answered["type"], answered["payload"][0]["extensions"]["code"]) == ("error", "COST_LIMIT")
    assert backend.behaviour.calls == []


@pytest.mark.parametrize("query", ["{ customers(first: 2) { nodes { emails } } }", DEEP])
async def test_the_cost_is_told_to_who_asks_for_it(query: str) -> None:
    gateway: Gateway = gateway_over(full())
    async with endpoint(gateway) as client:
        plain = (await posted(client, query)).json()
        asked = (await client.post("/graphql", json={"query": query}, headers={"X-Postroom-Cost": "1"})).json()
    assert asked.pop("extensions") == {"cost": {"requested": 35051 + 50 if query == DEEP else 3, "maximum": 2000}}
    assert asked == plain


FILTERED = "query ($f: CustomerFilter) { customers(filter: $f) { totalCount } }"
VALUES: dict[str, Any] = {"f": {"and": [{"name": {"in": ["x"] * 95}}]}}
"""A hundred values: a variable, a member, an item, a member, a member and ninety-five items."""
TOO_MANY: dict[str, Any] = {"code": "DOCUMENT_LIMIT", "limit": "variables", "maximum": 100, "actual": 101}


def of_a_hundred() -> Gateway:
    """A gateway that takes a hundred values."""
    return gateway_over(full(), changed={"limits": LimitSettings(variables=100)})


async def test_as_many_values_as_are_allowed_are_taken() -> None:
    async with endpoint(of_a_hundred()) as client:
        answer = await posted(client, FILTERED, RESPONSE, **VALUES)
    assert answer.json() == {"data": {"customers": {"totalCount": None}}}


DEFERRED = "query ($f: CustomerFilter) { customers(filter: $f) { ... @defer { totalCount } } }"
WAYS = [("POST", FILTERED, RESPONSE), ("GET", FILTERED, RESPONSE), ("POST", DEFERRED, "multipart/mixed")]


@pytest.mark.parametrize(("method", "query", "accept"), WAYS)
async def test_one_value_more_is_refused_before_any_is_looked_at(
    method: str, query: str, accept: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.engine.executor.Variables", None)
    values = {**VALUES, "unknown": None}
    of_a_url: Any = {"params": {"query": query, "variables": json.dumps(values)}}
    of_a_body: Any = {"json": {"query": query, "variables": values}}
    async with endpoint(of_a_hundred()) as client:
        request = client.build_request(
            method, "/graphql", headers={"Accept": accept}, **(of_a_url if method == "GET" else of_a_body)
        )
        answer = await client.send(request)
    (error,) = json.loads(answer.text[answer.text.index("{") : answer.text.rindex("}") + 1])["errors"]
    assert error == {
        "message": "The variables have 101 values; at most 100 are allowed (limits.variables).",
        "extensions": TOO_MANY,
    }


async def test_one_value_more_is_refused_in_an_event_stream_too() -> None:
    async with endpoint(of_a_hundred()) as client:
        answered = await posted(client, FILTERED, EVENTS, **VALUES, unknown=None)
    (name, content), _ = events_of(answered.text)
    assert (name, [error["extensions"] for error in content["errors"]]) == ("next", [TOO_MANY])


async def test_one_value_more_is_refused_over_a_socket_too() -> None:
    async with socket_to(of_a_hundred()) as socket:
        payload = {"query": FILTERED, "variables": {**VALUES, "unknown": None}}
        await socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": payload}))
        answered = json.loads(await socket.recv())
    assert (answered["type"], [error["extensions"] for error in answered["payload"]]) == ("error", [TOO_MANY])
