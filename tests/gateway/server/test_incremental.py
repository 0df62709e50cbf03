"""@defer and @stream: what is slow comes later, in parts, and every part's errors are public ones."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest

from adapters.errors import Unavailable
from tests.gateway.asking import gateway_over
from tests.gateway.fakes import Fake, fake
from tests.gateway.records import customer, letter
from tests.gateway.server.endpoint import EVENTS, endpoint, events_of, parts_of, posted
from tests.patience import PATIENCE

MULTIPART = "multipart/mixed"
DEFERRED = """{
  fast: customers(backends: ["fast"]) { nodes { name } }
  ... @defer(label: "slow") { slow: customers(backends: ["slow"]) { nodes { name } } }
}"""
LETTERS = "{ customers { nodes { code ... @defer { letters { nodes { title pdf { url } customer { name } } } } } } }"


def two() -> tuple[Fake, Fake]:
    return fake("fast", customers=[customer("fast", "1")]), fake("slow", customers=[customer("slow", "2")])


FIRST = {
    "data": {"fast": {"nodes": [{"name": "Company 1"}]}},
    "pending": [{"id": "0", "path": [], "label": "slow"}],
    "hasNext": True,
}
LAST = {
    "hasNext": False,
    "incremental": [{"data": {"slow": {"nodes": [{"name": "Company 2"}]}}, "id": "0"}],
    "completed": [{"id": "0"}],
}


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (MULTIPART, 'multipart/mixed; boundary="-"'),
        ("application/json, multipart/mixed", 'multipart/mixed; boundary="-"'),
        ("multipart/mixed;incrementalSpec=v0.2, application/json", 'multipart/mixed; boundary="-"'),
        ("*/*", 'multipart/mixed; boundary="-"'),
        ("application/json, text/event-stream, multipart/mixed", "text/event-stream; charset=utf-8"),
    ],
)
async def test_parts_are_carried_by_what_accept_has_first(accept: str, content_type: str) -> None:
    async with endpoint(gateway_over(*two())) as client:
        answered = await posted(client, DEFERRED, accept)
    assert (answered.status_code, answered.headers["content-type"]) == (200, content_type)


async def test_a_slow_backends_part_comes_later() -> None:
    fast, slow = two()
    gate = slow.behaviour.hold("customers.page")
    received = b""
    async with asyncio.timeout(PATIENCE), endpoint(gateway_over(fast, slow)) as client:
        headers = {"Accept": MULTIPART}
        async with client.stream("POST", "/graphql", json={"query": DEFERRED}, headers=headers) as streamed:
            pieces = streamed.aiter_bytes()
            while not received.endswith(b"\r\n---"):
                received += await anext(pieces)
            early = parts_of(received + b"--\r\n")
            await gate.begun.wait()
            gate.release.set()
            async for piece in pieces:
                received += piece
    assert early == [FIRST]
    assert parts_of(received) == [FIRST, LAST]


async def test_parts_are_events_as_well() -> None:
    async with endpoint(gateway_over(*two())) as client:
        answered = await posted(client, DEFERRED, EVENTS)
    assert events_of(answered.text) == [("next", FIRST), ("next", LAST), ("complete", None)]


async def test_a_list_is_streamed() -> None:
    fakes = [fake(key, customers=[]) for key in "abc"]
    async with endpoint(gateway_over(*fakes)) as client:
        answered = await posted(client, "{ backends @stream(initialCount: 1) { key } }", MULTIPART)
    first, *later = parts_of(answered.content)
    items = [item for part in later for one in part.get("incremental", ()) for item in one["items"]]
    assert (first["data"], items) == ({"backends": [{"key": "a"}]}, [{"key": "b"}, {"key": "c"}])


async def test_what_needs_no_parts_is_one_answer() -> None:
    query = "{ __typename ... @defer(if: false) { backends { key } } }"
    async with endpoint() as client:
        answered = await posted(client, query, "multipart/mixed, application/json")
    assert answered.headers["content-type"] == "application/json; charset=utf-8"
    assert answered.json() == {"data": {"__typename": "Query", "backends": [{"key": "a"}]}}


@pytest.mark.parametrize("accept", ["application/json", "multipart/mixed;deferSpec=20220824, application/json"])
async def test_parts_that_nobody_could_read_are_refused_before_anything_is_done(accept: str) -> None:
    a = fake("a", messages=[], writes=True)
    create = (
        'mutation { createMessage(input: {backend: "a", code: "X", text: "Y"}) { ... @defer { problems { code } } } }'
    )
    async with endpoint(gateway_over(a)) as client:
        answered = await posted(client, create, accept)
    assert answered.status_code == 406
    assert (a.behaviour.prepared, a.behaviour.calls) == ([], [])


def errors_of(part: Mapping[str, Any]) -> list[Any]:
    """All errors of one part, wherever they stand."""
    places = [part, *part.get("incremental", ()), *part.get("completed", ())]
    return [error for place in places for error in place.get("errors", ())]


@pytest.mark.parametrize("accept", [MULTIPART, EVENTS])
@pytest.mark.parametrize(
    ("failure", "code"),
    [(RuntimeError("token=hunter2"), "INTERNAL"), (Unavailable("Down.", backend="a"), "UNAVAILABLE")],
)
async def test_a_later_parts_errors_are_public_ones(failure: Exception, code: str, accept: str) -> None:
    a = fake("a", customers=[customer("a", "1")], letters=[letter("a", "l1", "1")])
    a.behaviour.lasting["letters.of_customers"] = failure
    async with endpoint(gateway_over(a)) as client:
        answered = await posted(client, LETTERS, accept)
    frames = (
        parts_of(answered.content)
        if accept == MULTIPART
        else [content for name, content in events_of(answered.text) if name == "next"]
    )
    assert frames[0]["data"] == {"customers": {"nodes": [{"code": "C-1"}]}}
    shown = [error for frame in frames[1:] for error in errors_of(frame)]
    problems = json.dumps(frames)
    assert "hunter2" not in problems
    assert {error["extensions"]["code"] for error in shown} == {code}
    assert all(error["extensions"]["incident"] for error in shown)


async def test_a_client_that_leaves_ends_the_parts_that_were_to_come() -> None:
    fast, slow = two()
    gate = slow.behaviour.hold("customers.page")
    left = asyncio.Event()
    called = slow.behaviour.called

    async def noticing(call: Any) -> None:
        try:
            await called(call)
        except asyncio.CancelledError:
            left.set()
            raise

    slow.behaviour.called = noticing  # type: ignore[method-assign]
    async with asyncio.timeout(PATIENCE), endpoint(gateway_over(fast, slow)) as client:
        headers = {"Accept": MULTIPART}
        async with client.stream("POST", "/graphql", json={"query": DEFERRED}, headers=headers) as streamed:
            await anext(streamed.aiter_bytes())
            await gate.begun.wait()
        await left.wait()
    assert not gate.release.is_set()
