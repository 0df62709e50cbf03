"""A read that is carried on without the policies comes to what it comes to with them, and leaves what it leaves."""

import asyncio
import gc
import gzip
import ssl
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.wire import CallInfo
from gateway.upstream.calls import Call
from gateway.upstream.exchanges import Exchange, Outgoing
from gateway.upstream.health import HealthState
from gateway.upstream.limits_turns import Bounds
from gateway.upstream.plain_reads import PlainRead
from tests.patience import PATIENCE
from tests.upstream.misbehaving import Behaviour, Line, Server, certified, closed_port, serving, trusting
from tests.upstream.ways_out import WayOut

Scripts = Sequence[Sequence[str]]
"""Of each read, what the vendor does at each attempt."""


def said(status: str, body: bytes = b"ok", fields: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n{fields}\r\n".encode() + body


ZIPPED = gzip.compress(b"some text " * 50)
CODED = "content-encoding: gzip\r\n"
ANSWERS: Mapping[str, bytes] = {
    "ok": said("200 OK", fields="x-request-id: 7\r\n"),
    "empty": said("204 No Content", b""),
    "coded": said("200 OK", ZIPPED, CODED),
    "coded wrongly": said("200 OK", b"no gzip", CODED),
    "coded, cut off": said("200 OK", ZIPPED[:-4], CODED),
    "coded twice": said("200 OK", ZIPPED, "content-encoding: gzip, gzip\r\n"),
    "in chunks": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "last": said("200 OK", fields="connection: close\r\n"),
    "old": b"HTTP/1.0 200 OK\r\n\r\nok",
    "after an interim one": b"HTTP/1.1 103 Early Hints\r\n\r\n" + said("200 OK"),
    "too large": said("200 OK", b"x" * 600),
    "not found": said("404 Not Found"),
    "refused": said("401 Unauthorized"),
    "limited": said("429 Too Many Requests"),
    "limited for a while": said("429 Too Many Requests", fields="retry-after: 2\r\n"),
    "limited for long": said("429 Too Many Requests", fields="retry-after: 3600\r\n"),
    "broken": said("500 Internal Server Error"),
    "away": said("503 Service Unavailable"),
    "outage under 200": said("200 OK", b"outage"),
    "no http": b"SSH-2.0-OpenSSH_9.2\r\n",
    "another version": b"HTTP/2.0 200 OK\r\n\r\n",
    "something behind it": said("200 OK") + b"more",
}
"""By name, all of an answer."""

ENDS = frozenset(("last", "old", "no http", "another version"))
"""After which the vendor closes."""

FAULTS = ("reset", "closed", "reset after the head", "closed in the body", "silent", "silent after the head")
BEHAVIOURS = (*ANSWERS, *FAULTS)


class Vendor:
    """Does to each read what its path says: at ``/3/ok/reset`` first the one, then the other, then the last again.

    It waits in silence until whoever asked, by ``way``, has taken what was said; then his patience ends.
    """

    def __init__(self, way: WayOut) -> None:
        self.way = way
        self.tried: Counter[str] = Counter()

    async def __call__(self, line: Line) -> None:
        while True:
            await line.request()
            path = line.last.split(b" ", 2)[1].decode()
            script = path.replace("_", " ").split("/")[2:]
            what = script[min(self.tried[path], len(script) - 1)]
            self.tried[path] += 1
            if not await self._done(line, what):
                return

    async def _done(self, line: Line, what: str) -> bool:
        """Whether the connection goes on."""
        if what in ANSWERS:
            line.say(ANSWERS[what])
            return what not in ENDS
        if what.endswith("after the head") or what == "closed in the body":
            line.say(said("200 OK")[:-2] + (b"o" if what == "closed in the body" else b""))
        if what.startswith("reset"):
            line.reset()
        elif what.startswith("silent"):
            await self._silence(head=what.endswith("head"))
            await line.gone()
        return False

    async def _silence(self, *, head: bool) -> None:
        while True:
            for connection in self.way.busy():
                if connection.answer is not None and connection.answer.head is head:
                    connection._socket._give_up()
                    return
            await asyncio.sleep(0)


def url(server: Server, number: int, *script: str) -> str:
    return f"{server.url.replace('127.0.0.1', 'localhost')}{number}/" + "/".join(script).replace(" ", "_")


async def all_of(way: WayOut, scripts: Scripts, *, together: bool = False, tls: ssl.SSLContext | None = None) -> Any:
    """What reads come to, one after the other or all at once, and what they leave, here and at the vendor."""
    async with serving(Vendor(way), tls) as server:
        reads = [way.read(url(server, number, *script)) for number, script in enumerate(scripts)]
        came = await asyncio.gather(*reads) if together else [await one for one in reads]
        noted = way.noted()
        await way.aclose()
        await server.all_closed()
        port = server.url.rpartition(":")[2].rstrip("/").encode()
        texts = [text.replace(port, b"port") for text in server.texts]
        return came, noted, way.noted()["connections"], texts, server.connections


async def both(scripts: Scripts) -> tuple[Any, Any]:
    layered, plain = [await all_of(WayOut(plain=plain), scripts) for plain in (False, True)]
    return layered, plain


@pytest.fixture(autouse=True, scope="module")
def bound() -> Iterator[None]:
    """Of a body, so that a large one is one of a few bytes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("adapters.wire.MAX_ANSWER_BYTES", 512)
        patch.setattr("gateway.upstream.exchanges.MAX_ANSWER_BYTES", 512)
        yield


# ── Both ways come to the same ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("then", ["ok", "away"])
@pytest.mark.parametrize("what", BEHAVIOURS)
async def test_whatever_a_vendor_does_both_ways_come_to_the_same(what: str, then: str) -> None:
    layered, plain = await both([("ok",), (what, then), ("ok",)])
    assert layered == plain


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.sampled_from(BEHAVIOURS), min_size=1, max_size=3), min_size=1, max_size=8))
def test_whatever_it_does_one_after_the_other_both_ways_come_to_the_same(scripts: Scripts) -> None:
    layered, plain = asyncio.run(both(scripts))
    assert layered == plain


async def test_a_vendor_that_keeps_failing_is_left_alone_both_ways() -> None:
    layered, plain = await both([("broken",)] * 25)
    assert layered == plain
    assert plain[1]["breaker"][0]


async def test_asked_at_once_by_more_than_may_both_ways_come_to_the_same() -> None:
    scripts = [("ok",), ("away", "ok"), ("coded",), ("reset", "ok"), ("not found",), ("last",), ("in chunks",)] * 2
    layered, plain = [await all_of(WayOut(plain=plain), scripts, together=True) for plain in (False, True)]
    assert (layered[0], sorted(layered[3])) == (plain[0], sorted(plain[3]))
    assert (layered[1]["limits"], layered[1]["under way"]) == (plain[1]["limits"], plain[1]["under way"])


async def test_inside_tls_both_ways_come_to_the_same() -> None:
    scripts = [("ok",), ("coded",), ("away", "ok"), ("closed in the body", "in chunks"), ("reset", "ok"), ("last",)]
    layered, plain = [
        await all_of(WayOut(plain=plain, verify=trusting()), scripts, tls=certified()) for plain in (False, True)
    ]
    assert layered == plain
    assert plain[0][0][0][:2] == (200, b"ok")


async def test_a_vendor_that_cannot_be_reached_both_ways_cannot() -> None:
    came = []
    for plain in (False, True):
        way = WayOut(plain=plain)
        with closed_port() as url:
            came.append((await way.read(url), way.noted()))
        await way.aclose()
    (layered, noted), (plainly, noted_too) = came
    assert (layered[0][0], layered[1], noted) == (plainly[0][0], plainly[1], noted_too)


# ── Leaving ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def silently(over: asyncio.Event) -> Behaviour:
    """Reads a request, and answers it when it is told to."""

    async def behaviour(line: Line) -> None:
        while True:
            await line.request()
            await over.wait()
            line.say(ANSWERS["ok"])

    return behaviour


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0)


PLACES: Mapping[str, Callable[[WayOut, Server], bool]] = {
    "while it connects": lambda way, _: way.limiter.held == 1,
    "while it is sent": lambda way, _: bool(way.busy()),
    "when it has arrived": lambda _, server: bool(server.requests),
}


@pytest.mark.parametrize("place", PLACES)
async def test_who_leaves_leaves_nothing_behind(place: str) -> None:
    left = []
    for plain in (False, True):
        way, over = WayOut(plain=plain), asyncio.Event()
        async with serving(silently(over)) as server:
            read = asyncio.ensure_future(way.read(server.url))
            await until(lambda way=way, server=server: PLACES[place](way, server))  # type: ignore[misc]
            read.cancel()
            await asyncio.wait([read])
            await until(lambda way=way: not way.coalescing._under_way)  # type: ignore[misc]
            left.append((read.cancelled(), way.noted()))
            over.set()
            await way.aclose()
    assert left[0] == left[1]


async def test_who_leaves_the_queue_leaves_his_place_to_the_next() -> None:
    way, over = WayOut(plain=True, bounds=Bounds(concurrency=1, writes=1)), asyncio.Event()
    async with serving(silently(over)) as server:
        reads = [asyncio.ensure_future(way.read(f"{server.url}{number}")) for number in range(3)]
        await until(lambda: way.limiter.queued == 2 and bool(server.requests))
        reads[1].cancel()
        await until(lambda: way.limiter.queued == 1)
        over.set()
        came = await asyncio.gather(*reads, return_exceptions=True)
        asked = [text.split(b" ")[1] for text in server.texts]
        await way.aclose()
    assert [type(one) for one in came] == [tuple, asyncio.CancelledError, tuple]
    assert asked == [b"/0", b"/2"]


async def test_who_leaves_as_the_first_of_several_ends_it_for_nobody_else() -> None:
    way, over = WayOut(plain=True), asyncio.Event()
    async with serving(silently(over)) as server:
        reads = [asyncio.ensure_future(way.read(server.url)) for _ in range(3)]
        await until(lambda: bool(server.requests))
        reads[0].cancel()
        await asyncio.wait([reads[0]])
        over.set()
        (answer, _), (another, _) = await asyncio.gather(*reads[1:])
        await way.aclose()
    assert (answer[:2], another[:2], len(server.requests)) == ((200, b"ok"), (200, b"ok"), 1)


async def test_the_gateway_stops_asking_when_it_closes() -> None:
    way, over = WayOut(plain=True), asyncio.Event()
    async with serving(silently(over)) as server:
        reads = [asyncio.ensure_future(way.read(f"{server.url}{number}")) for number in range(3)]
        await until(lambda: len(server.requests) == 2 and way.limiter.queued == 1)
        await way.aclose()
        came = await asyncio.gather(*reads)
        over.set()
    assert [one[0] for one, _ in came] == [httpx.ReadError] * 3
    assert (way.limiter.held, way.limiter.queued) == (0, 0)


# ── Waiting ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("plain", [False, True])
async def test_a_turn_that_does_not_come_in_time_proves_that_nothing_was_sent(plain: bool) -> None:
    way, over = WayOut(plain=plain, bounds=Bounds(concurrency=1, writes=1)), asyncio.Event()
    async with serving(silently(over)) as server:
        reads = [asyncio.ensure_future(way.read(f"{server.url}{number}")) for number in range(2)]
        await until(lambda: way.limiter.queued == 1)
        for permit in way.limiter._turns.all_waiting():
            permit.give_up()
        (error, _), noted = await reads[1]
        over.set()
        await reads[0]
        await way.aclose()
    assert (error, noted[:2]) == (httpx.PoolTimeout, (1, False))
    assert way.noted()["breaker"] == (False, [False], 0)


@pytest.mark.parametrize("plain", [False, True])
async def test_more_than_can_have_their_turn_are_told_at_once(plain: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.upstream.limits.QUEUED_PER_PERMIT", 1)
    way, over = WayOut(plain=plain, bounds=Bounds(concurrency=1, writes=1)), asyncio.Event()
    async with serving(silently(over)) as server:
        reads = [asyncio.ensure_future(way.read(f"{server.url}{number}")) for number in range(2)]
        await until(lambda: way.limiter.queued == 1)
        (error, _), _ = await way.read(f"{server.url}2")
        over.set()
        await asyncio.gather(*reads)
        await way.aclose()
    assert error is httpx.PoolTimeout


@pytest.mark.parametrize("plain", [False, True])
async def test_a_vendor_that_let_the_time_of_a_call_pass_is_down(plain: bool) -> None:
    way, over = WayOut(plain=plain), asyncio.Event()
    async with serving(silently(over)) as server:
        read = asyncio.ensure_future(way.read(server.url))
        await until(lambda: bool(server.requests))
        (watch,) = way.deadline.watches._under_way
        (flight,) = way.coalescing._under_way
        assert flight.call is not None
        for call in (watch.call, flight.call):
            call.begun = call.deadline = time.monotonic()
        way.deadline.watches._look()
        (error, _), _ = await read
        await until(lambda: not way.coalescing._under_way)
        noted = way.noted()
        over.set()
        await way.aclose()
    assert (error, noted["health"][0], noted["breaker"][1]) == (httpx.ReadTimeout, HealthState.DOWN, [True])


async def test_it_has_no_task_of_its_own() -> None:
    way, over = WayOut(plain=True), asyncio.Event()
    async with serving(silently(over)) as server:
        over.set()
        await way.read(f"{server.url}0")
        over.clear()
        known = asyncio.all_tasks()
        read = asyncio.ensure_future(way.read(f"{server.url}1"))
        await until(lambda: len(server.requests) == 2)
        begun = asyncio.all_tasks() - known
        over.set()
        await read
        await way.aclose()
    assert begun == {read}


async def test_it_is_gone_when_it_has_ended_without_the_garbage_collector() -> None:
    way, over = WayOut(plain=True, bounds=Bounds(concurrency=1, writes=1)), asyncio.Event()
    over.set()
    gc.collect()
    gc.disable()
    try:
        async with serving(silently(over)) as server:
            await asyncio.gather(*(way.read(f"{server.url}{number}") for number in range(3)))
            await way.aclose()
        left = [one for one in gc.get_objects() if isinstance(one, PlainRead | Exchange)]
    finally:
        gc.enable()
    assert left == []


class Connecting:
    """An engine that has no connection, and makes one at once."""

    def __init__(self) -> None:
        self.made = object()
        self.dropped: list[object] = []

    def kept(self, _: Any) -> None:
        return None

    async def connect(self, *_: Any) -> object:
        return self.made

    def drop(self, connection: object) -> None:
        self.dropped.append(connection)


async def test_a_connection_that_is_made_while_its_read_is_left_is_closed() -> None:
    engine: Any = Connecting()
    ended: list[Any] = []
    call = Call(info=CallInfo(backend="a", operation="x"), begun=0.0, deadline=0.0)
    request = Outgoing(b"", ("http", "", "there", None), httpx.URL("http://there/"), {})
    exchange = Exchange(engine, request, call, lambda *came: ended.append(came))
    await asyncio.sleep(0)  # the connection is there, and the exchange has not been told
    exchange.leave()
    await until(lambda: bool(engine.dropped))
    assert (engine.dropped, ended, call.sent) == ([engine.made], [], False)
