"""The fault proxy passes on what it is not told to spoil, spoils what it is told to, and counts."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from adapters.sandbox_server import SandboxServer
from adapters.sandboxing import Sandbox, SandboxAccess, SandboxState
from tests.faults.fault_proxy import FaultProxy
from tests.faults.proxied import utc_now
from tests.faults.waiting import until
from tests.faults.wire_faults import answers, drips, late, reset, stalled
from tests.patience import PATIENCE


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    request = Request(scope, receive)
    body = b" ".join((scope["raw_path"], scope["query_string"], await request.body()))
    await Response(body, 201, headers={"x-method": request.method})(scope, receive, send)


@pytest.fixture
def proxy() -> Iterator[FaultProxy]:
    state, access = SandboxState(utc_now), SandboxAccess(base_path="", credentials={})
    echoing = Sandbox(app=echo, state=state, access=access, assumptions=())
    with SandboxServer({"echo": echoing}) as server, FaultProxy(server.url("echo"), seed=1) as proxy:
        yield proxy


@pytest.fixture
async def client(proxy: FaultProxy) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=proxy.url, trust_env=False, timeout=PATIENCE) as client:
        yield client


async def failed(client: httpx.AsyncClient, path: str = "/") -> bool:
    try:
        await client.get(path)
    except httpx.TransportError:
        return True
    return False


async def test_a_request_and_its_answer_pass_unchanged(proxy: FaultProxy, client: httpx.AsyncClient) -> None:
    answer = await client.post("/a%2Fb?c=d%20e", content=b"\0body" * 50_000)
    assert (answer.status_code, answer.headers["x-method"]) == (201, "POST")
    assert answer.content == b"/a%2Fb c=d%20e " + b"\0body" * 50_000


async def test_requests_on_one_connection_are_journaled_in_order(proxy: FaultProxy, client: httpx.AsyncClient) -> None:
    proxy.play(answers(503), path="^/b$")
    for path in ("/a", "/b", "/c"):
        await client.get(path)
    assert [(call.connection, call.method, call.path, call.forwarded, call.fault) for call in proxy.calls] == [
        (1, "GET", "/a", True, None),
        (1, "GET", "/b", False, "answers"),
        (1, "GET", "/c", True, None),
    ]
    assert (len(proxy.connections), proxy.open, proxy.most_at_once) == (1, 1, 1)


async def test_a_fault_skips_befalls_and_ends(proxy: FaultProxy, client: httpx.AsyncClient) -> None:
    proxy.play(answers(503), method="GET", path="/x", skip=1, times=2)
    asked = [("GET", "/x"), ("POST", "/x"), ("GET", "/y"), ("GET", "/x"), ("GET", "/x"), ("GET", "/x")]
    assert [(await client.request(*one)).status_code for one in asked] == [201, 201, 201, 503, 503, 201]


async def test_a_healed_proxy_has_no_faults(proxy: FaultProxy, client: httpx.AsyncClient) -> None:
    proxy.play(reset("before"))
    assert await failed(client)
    proxy.heal()
    assert not await failed(client)


async def test_a_probability_befalls_about_that_many_and_the_same_each_time(
    proxy: FaultProxy, client: httpx.AsyncClient
) -> None:
    proxy.play(reset("before"), probability=0.1)
    assert [await failed(client) for _ in range(200)].count(True) == 23  # of which the seed decides


@pytest.mark.parametrize("what", ["answering", "reading"])
async def test_a_half_open_connection_is_let_go(proxy: FaultProxy, client: httpx.AsyncClient, what: str) -> None:
    proxy.play(stalled("answering" if what == "answering" else "reading"))
    with pytest.raises(httpx.ReadTimeout):
        await client.get("/", timeout=0.2)
    proxy.heal()
    await asyncio.to_thread(until, lambda: proxy.open == 0, "the end of the connection")
    assert (proxy.calls[0].left, proxy.calls[0].sent) == (True, 0)


async def test_who_stops_reading_stops_a_large_request(proxy: FaultProxy, client: httpx.AsyncClient) -> None:
    proxy.play(stalled("reading"))
    with pytest.raises(httpx.WriteTimeout):
        await client.post("/", content=bytes(32 << 20), timeout=0.2)


async def test_a_client_that_leaves_is_seen(proxy: FaultProxy, client: httpx.AsyncClient) -> None:
    proxy.play(late(before=600))
    with pytest.raises(httpx.ReadTimeout):
        await client.get("/", timeout=0.2)
    await asyncio.to_thread(until, lambda: proxy.open == 0, "the end of the connection")
    assert (proxy.calls[0].left, proxy.calls[0].forwarded) == (True, False)


async def test_the_most_requests_at_once_are_counted(proxy: FaultProxy, client: httpx.AsyncClient) -> None:
    proxy.play(stalled("answering"))
    asking = asyncio.gather(*(failed(client) for _ in range(5)))
    await asyncio.to_thread(until, lambda: proxy.most_at_once == 5, "five requests at once")
    proxy.heal()
    assert await asking == [True] * 5


async def test_a_drip_arrives_a_byte_at_a_time(proxy: FaultProxy, client: httpx.AsyncClient) -> None:
    proxy.play(drips(0.01))
    async with client.stream("GET", "/drip") as answer:
        assert [piece async for piece in answer.aiter_raw()] == [bytes([byte]) for byte in b"/drip  "]
