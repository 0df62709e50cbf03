"""Nobody's bytes make the endpoint fail, over HTTP or a socket: it answers them, and goes on."""

import asyncio
import contextlib
import json
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from gateway.server.event_stream import HEADERS
from tests.gateway.server.endpoint import EVENTS, RESPONSE, usual
from tests.gateway.serving import routes_of, serving
from tests.patience import PATIENCE

FUZZ = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
EXPECTED = {200, 400, 405, 406, 413, 415}

documents = st.one_of(
    st.sampled_from(
        [
            "{ __typename }",
            "query Q($n: Int = 1) { customers(first: $n) { nodes { name letters { nodes { id } } } } }",
            '{ customer(by: {code: {backend: "a", code: "1"}}) { name ... @defer { letters { nodes { title } } } } }',
            'subscription { dispatchProgress(id: "x") { state } }',
            'mutation { createMessage(input: {backend: "b", code: "X", text: "Y"}) { problems { code } } }',
        ]
    ),
    st.text(max_size=200),
)
leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
values = st.recursive(
    leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=9), inner), max_leaves=20
)
names = st.none() | st.sampled_from(["Q", "", "nothing"]) | values
requests = st.fixed_dictionaries(
    {"query": documents | values},
    optional={"variables": st.dictionaries(st.text(max_size=5), values) | values, "operationName": names},
)


@st.composite
def mutated(draw: st.DrawFn, texts: st.SearchStrategy[bytes]) -> bytes:
    """Bytes with some cut out, doubled, or put in."""
    text = draw(texts)
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(text)))
        to = draw(st.integers(at, min(len(text), at + 9)))
        text = text[:at] + draw(st.binary(max_size=5) | st.just(text[at:to] * 2)) + text[to:]
    return text


bodies = st.one_of(st.binary(max_size=300), requests.map(lambda one: json.dumps(one).encode()))
accepts = st.one_of(
    st.sampled_from(["application/json", RESPONSE, EVENTS, "multipart/mixed", "*/*", ""]),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40).map(str.strip),
)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A gateway that is served in a thread of its own: these tests wait for it as any client does."""
    ready, done = threading.Event(), asyncio.Event()
    found: list[Any] = []

    async def serve() -> None:
        async with serving(routes_of(usual())) as address:
            found.extend((address, asyncio.get_running_loop()))
            ready.set()
            await done.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    ready.wait()
    yield found[0]
    found[1].call_soon_threadsafe(done.set)
    thread.join()


@pytest.fixture(scope="module")
def client(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://{address}", trust_env=False, timeout=PATIENCE) as client:
        yield client


def check(answer: httpx.Response) -> None:
    """An answer that is none of our failures, whole, and in a format that it names."""
    assert answer.status_code in EXPECTED
    media = answer.headers["content-type"]
    if answer.status_code >= 400:
        assert json.loads(answer.content)["errors"][0]["message"]
    if media == HEADERS["Content-Type"]:
        assert answer.content.endswith(b"event: complete\ndata: \n\n")
    elif media.startswith("multipart/mixed"):
        assert answer.content.endswith(b"\r\n-----\r\n")
    else:
        assert json.loads(answer.content).keys() <= {"data", "errors", "extensions"}
    assert b"INTERNAL" not in answer.content


@FUZZ
@given(body=mutated(bodies), accept=accepts)
def test_no_body_makes_the_endpoint_fail(client: httpx.Client, body: bytes, accept: str) -> None:
    check(client.post("/graphql", content=body, headers={"Content-Type": "application/json", "Accept": accept}))


@FUZZ
@given(pairs=st.lists(st.tuples(st.sampled_from(["query", "variables", "extensions", "x"]), st.text()), max_size=5))
def test_no_url_makes_the_endpoint_fail(client: httpx.Client, pairs: list[tuple[str, str]]) -> None:
    query = urlencode(pairs, errors="replace")
    check(client.get(f"/graphql?{query}"))


@FUZZ
@given(query=mutated(st.binary(max_size=60) | documents.map(lambda one: one.encode("utf-8", "replace"))))
def test_no_bytes_of_a_url_make_the_endpoint_fail(client: httpx.Client, query: bytes) -> None:
    check(client.get("/graphql?query=" + "".join(f"%{byte:02X}" for byte in query)))


messages = st.one_of(
    requests.map(lambda one: {"type": "subscribe", "id": "1", "payload": one}),
    st.fixed_dictionaries({"type": st.sampled_from(["ping", "pong", "complete", "subscribe", "x"]), "id": values}),
    st.fixed_dictionaries({"type": st.just("subscribe"), "id": st.text(max_size=3), "payload": values}),
    values,
)
CODES = {1007, 4400, 4409, 4429}


def open_socket(address: str) -> ClientConnection:
    protocols = [Subprotocol("graphql-transport-ws")]
    socket = connect(f"ws://{address}/graphql", subprotocols=protocols, proxy=None)
    socket.send('{"type": "connection_init"}')
    assert json.loads(socket.recv()) == {"type": "connection_ack"}
    return socket


@FUZZ
@given(said=st.lists(mutated(messages.map(lambda one: json.dumps(one).encode())), max_size=3))
def test_no_message_makes_a_socket_fail(address: str, said: list[bytes]) -> None:
    with open_socket(address) as socket:
        heard: list[Any] = []
        with contextlib.suppress(ConnectionClosed):
            for text in said:
                socket.send(text, text=True)
            socket.send('{"type": "ping", "payload": {"last": true}}')
            while not heard or heard[-1] != {"type": "pong", "payload": {"last": True}}:
                heard.append(json.loads(socket.recv(timeout=PATIENCE)))
        closed = socket.protocol.close_rcvd
    assert closed is None or closed.code in CODES | {1000}
    assert "INTERNAL" not in json.dumps(heard)
