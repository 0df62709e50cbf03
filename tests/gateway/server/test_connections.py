"""Who is slow, silent or deaf is told so and cut off; who is merely quiet at the right time is not."""

import asyncio

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.server import connections
from gateway.server.connections import MAX_HEAD_BYTES
from gateway.settings import ConnectionSettings
from tests.gateway.asking import gateway_over
from tests.gateway.fakes import fake
from tests.gateway.records import customer
from tests.gateway.server.wire import HEAD, QUERY, WHOLE, listening
from tests.gateway.serving import SERVER, serving
from tests.hurrying import pass_time
from tests.patience import PATIENCE

SOON = 0.05
"""Seconds, where the time that is waited for is to be over."""

IN_TIME = 1.0
"""Seconds, where something else is to be done in that time before it is over."""

TOO_SLOW = (408, b"The request did not come in time.\n")
ANSWER = (200, b'{"data":{"__typename":"Query"}}')


@pytest.mark.parametrize("begun", [b"P", b"POST /graphql HTTP/1.1\r\n", HEAD, HEAD + b"X-A: "])
async def test_a_head_that_does_not_come_whole_is_told_so(begun: bytes) -> None:
    async with listening(head_seconds=IN_TIME) as gateway:
        wire = await gateway.connect()
        assert await wire.ask(begun) == TOO_SLOW
        assert await wire.ended()


@pytest.mark.parametrize("sent", [b"", b"\r\n\r\n"])
async def test_a_connection_on_which_nothing_is_asked_is_closed_without_a_word(sent: bytes) -> None:
    async with listening(head_seconds=SOON) as gateway:
        wire = await gateway.connect()
        await wire.send(sent)
        assert await wire.ended()


async def test_the_head_of_a_second_request_has_its_time_too() -> None:
    async with listening(head_seconds=IN_TIME) as gateway:
        wire = await gateway.connect()
        assert await wire.ask() == ANSWER
        assert await wire.ask(HEAD) == TOO_SLOW
        assert await wire.ended()


@pytest.mark.parametrize("sent", [b"", b"\r\n"])
async def test_an_idle_connection_is_closed_whatever_line_ends_it_sends(sent: bytes) -> None:
    async with listening(head_seconds=60, idle_seconds=SOON) as gateway:
        wire = await gateway.connect()
        assert await wire.ask() == ANSWER
        await wire.send(sent)
        assert await wire.ended()


async def test_an_idle_connection_outlasts_the_time_of_a_head() -> None:
    async with listening(head_seconds=IN_TIME) as gateway:
        wire, other = await gateway.connect(), await gateway.connect()
        assert await wire.ask() == ANSWER
        assert await other.ask(HEAD) == TOO_SLOW  # that time is over
        assert await wire.ask() == ANSWER


async def test_a_body_that_does_not_come_whole_is_told_so() -> None:
    async with listening(body_seconds=SOON) as gateway:
        wire = await gateway.connect()
        assert await wire.ask(HEAD + b"Content-Length: 1000\r\n\r\n" + QUERY) == TOO_SLOW
        assert await wire.ended()


async def test_a_chunked_body_that_does_not_end_is_told_so() -> None:
    async with listening(body_seconds=SOON) as gateway:
        wire = await gateway.connect()
        assert await wire.ask(HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n") == TOO_SLOW


async def test_a_body_that_gets_no_further_is_cut_long_before_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "LOOK_SECONDS", SOON)
    async with listening(body_seconds=600) as gateway:
        wire = await gateway.connect()
        assert await wire.ask(HEAD + b"Content-Length: 1000\r\n\r\n" + QUERY) == TOO_SLOW


async def test_a_body_that_gets_on_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    looks, came = asyncio.Semaphore(0), 0
    look, take = connections._PatientHttp._look_at_body, connections._PatientHttp.data_received

    def looked(self: connections._PatientHttp) -> None:
        looks.release()
        look(self)

    def taken(self: connections._PatientHttp, data: bytes) -> None:
        nonlocal came
        take(self, data)
        came += len(data)

    monkeypatch.setattr(connections._PatientHttp, "_look_at_body", looked)
    monkeypatch.setattr(connections._PatientHttp, "data_received", taken)
    piece = b" " * 3_000
    async with listening(body_seconds=600) as gateway:
        wire = await gateway.connect()
        head = HEAD + b"Content-Length: %d\r\n\r\n" % (len(QUERY) + 4 * len(piece))
        await wire.send(head)
        for number in range(1, 5):
            await wire.send(piece)
            while came < len(head) + number * len(piece):  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0)
            pass_time(connections.LOOK_SECONDS)
            await looks.acquire()
        assert await wire.ask(QUERY) == ANSWER


async def test_the_rest_of_a_body_that_is_refused_already_is_waited_for_no_longer() -> None:
    async with listening(body_seconds=IN_TIME) as gateway:
        wire = await gateway.connect()
        status, _ = await wire.ask(b"POST /nothing HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n123")
        assert (status, await wire.ended()) == (404, True)


async def test_a_head_that_grows_and_grows_is_refused() -> None:
    async with listening() as gateway:
        wire = await gateway.connect()
        status, reason = await wire.ask(HEAD + b"X-A: " + b"a" * (3 * MAX_HEAD_BYTES))
        assert (status, reason) == (431, b"The request's line and headers are larger than 131072 bytes.\n")


async def test_a_websockets_handshake_has_the_time_of_a_head() -> None:
    async with listening(head_seconds=IN_TIME) as gateway:
        wire = await gateway.connect()
        handshake = b"GET /graphql HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        assert await wire.ask(handshake) == TOO_SLOW


async def test_beyond_the_limit_of_connections_a_new_one_is_refused() -> None:
    async with listening(limit=2) as gateway:
        held = [await gateway.connect() for _ in range(2)]
        for one in held:
            await one.send(HEAD)
        refused = await gateway.connect()
        assert await refused.answer() == (503, b"The gateway has as many connections as it takes.\n")
        assert await refused.ended()
        assert await held[0].ask(WHOLE.removeprefix(HEAD)) == ANSWER


async def test_an_idle_connection_makes_room_for_a_new_one() -> None:
    async with listening(limit=2) as gateway:
        busy, idle = await gateway.connect(), await gateway.connect()
        await busy.send(HEAD)
        assert await idle.ask() == ANSWER
        new = await gateway.connect()
        assert await new.ask() == ANSWER
        assert await idle.ended()
        assert await busy.ask(WHOLE.removeprefix(HEAD)) == ANSWER


LARGE = b"a" * 40_000_000


async def large(_: Request) -> Response:
    return Response(LARGE)


async def test_an_answer_that_nobody_takes_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    given_up = asyncio.Event()
    lost = connections._PatientHttp.connection_lost

    def noticing(self: connections._PatientHttp, exc: Exception | None) -> None:
        lost(self, exc)
        given_up.set()

    monkeypatch.setattr(connections._PatientHttp, "connection_lost", noticing)
    settings = ConnectionSettings(unread_seconds=SOON)
    async with asyncio.timeout(PATIENCE), serving([Route("/large", large)], SERVER, settings) as address:
        host, port = address.split(":")
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")  # and reads no more than its buffer takes
        await given_up.wait()
        writer.close()


async def test_an_answer_that_is_taken_slowly_arrives_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "LOOK_SECONDS", SOON)
    looks = asyncio.Semaphore(0)
    look = connections._Unread._look_at_flush

    def looked(self: connections._PatientHttp) -> None:
        look(self)
        looks.release()

    monkeypatch.setattr(connections._Unread, "_look_at_flush", looked)
    settings = ConnectionSettings(unread_seconds=2 * SOON)
    async with asyncio.timeout(PATIENCE), serving([Route("/large", large)], SERVER, settings) as address:
        host, port = address.split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        taken = 0
        for _ in range(6):
            taken += len(await reader.readexactly(4_000_000))
            await looks.acquire()
        rest = await reader.read()
        writer.close()
    assert taken + len(rest) > len(LARGE)


async def test_a_large_head_behind_a_request_that_is_being_answered_ends_the_connection() -> None:
    a = fake("a", customers=[customer("a", "1")])
    gate = a.behaviour.hold("customers.page")
    body = b'{"query": "{ customers { nodes { name } } }"}'
    async with listening(gateway_over(a)) as gateway:
        wire = await gateway.connect()
        await wire.send(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        await gate.begun.wait()
        await wire.send(HEAD + b"X-A: " + b"a" * (4 * MAX_HEAD_BYTES))
        assert await wire.ended()


async def test_a_slow_head_behind_a_request_that_is_being_answered_lets_that_answer_come() -> None:
    a = fake("a", customers=[customer("a", "1")])
    gate = a.behaviour.hold("customers.page")
    body = b'{"query": "{ customers { nodes { code } } }"}'
    async with listening(gateway_over(a), head_seconds=IN_TIME) as gateway:
        wire = await gateway.connect()
        await wire.send(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        await gate.begun.wait()
        await wire.send(HEAD)
        for _ in range(2):  # that time is over
            assert await (await gateway.connect()).ask(HEAD) == TOO_SLOW
        gate.release.set()
        assert (await wire.answer())[0] == 200
        assert await wire.ended()
