"""Answers go out as uvicorn itself would send them, in however few writes; one timer waits on a resting connection."""

import asyncio
import gc
import weakref
from typing import Any

import pytest
import uvicorn
from hypothesis import example, given, settings
from hypothesis import strategies as st
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from gateway.server.connections import http_protocol
from gateway.server.exchanges import AT_ONCE, LEAVING
from gateway.settings import ConnectionSettings
from tests.patience import PATIENCE

REQUEST = b"%b %b HTTP/%b\r\nHost: a\r\nX-One: 1\r\nContent-Length: 2\r\n\r\n{}"

NAMES = (b"content-type", b"X-Other", b"content-length", b"transfer-encoding", b"connection", b"bad name", b"vary")
VALUES = (b"a", b"3", b"0", b"chunked", b"close", b"bad\nvalue", b"")
PARTS = st.lists(st.tuples(st.sampled_from((b"", b"abc", b"a" * 100_000)), st.booleans()), min_size=1, max_size=3)


class Transport(asyncio.Transport):
    """What was written, and whether it was closed."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        self.written: list[bytes] = []
        self.closed = False

    def write(self, data: Any) -> None:
        self.written.append(bytes(data))

    def writelines(self, list_of_data: Any) -> None:
        self.written.append(b"".join(list_of_data))

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def resume_reading(self) -> None:
        pass

    def pause_reading(self) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return 0


class App:
    """Sends these messages, and keeps the scope that it was given."""

    def __init__(self, *messages: dict[str, Any]) -> None:
        self.messages = messages
        self.scope: Any = None

    async def __call__(self, scope: Any, _: Any, send: Any) -> None:
        self.scope = scope
        for message in self.messages:
            await send(message)


class Quick(App):
    """Sends its messages, a head and a body of known length, at once where that can be."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        head, body = self.messages
        *headers, (_, length) = head["headers"]
        assert int(length) == len(body["body"])
        at_once = scope.get(AT_ONCE)
        self.scope = scope
        if at_once is None or not at_once(head["status"], tuple(headers), body["body"]):
            await super().__call__(scope, receive, send)


def connected(protocol: type[HttpToolsProtocol], app: App, idle_seconds: int = 75) -> tuple[Any, Transport]:
    """A protocol of an own configuration, on a transport."""
    config = uvicorn.Config(
        app, http=protocol, interface="asgi3", log_config=None, access_log=False, timeout_keep_alive=idle_seconds
    )
    config.load()
    state = ServerState()
    state.default_headers = [(b"date", b"today")]
    connection, transport = protocol(config, state, {}, asyncio.get_running_loop()), Transport()
    connection.connection_made(transport)
    return connection, transport


async def answered(protocol: type[HttpToolsProtocol], app: App, request: bytes) -> tuple[bytes, bool, Any]:
    """What is sent, whether the connection is closed then, and what the application saw of the request."""
    connection, transport = connected(protocol, app)
    connection.data_received(request)
    await asyncio.gather(*connection.tasks)
    seen = {key: value for key, value in app.scope.items() if key not in (AT_ONCE, LEAVING)}
    closed = transport.closed
    connection.connection_lost(None)
    return b"".join(transport.written), closed, seen


def framed(name: bytes, text: bytes) -> example:
    """An answer with this field before its length."""
    usual: dict[str, Any] = {"method": b"POST", "target": b"/", "version": b"1.1", "status": 200, "length": True}
    return example(headers=[(name, text)], parts=[(b"abc", False)], **usual)


@settings(deadline=None)
@framed(b"connection", b"close")
@framed(b"Connection", b"close")
@framed(b"content-length", b"3")
@framed(b"transfer-encoding", b"chunked")
@framed(b"bad name", b"a")
@framed(b"vary", b"bad\nvalue")
@given(
    method=st.sampled_from((b"POST", b"HEAD")),
    target=st.sampled_from((b"/graphql", b"/a%20b?c=%20d", b"/", b"*", b"http://a/b?c")),
    version=st.sampled_from((b"1.1", b"1.0")),
    status=st.sampled_from((200, 204, 304, 400, 503)),
    headers=st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(VALUES)), max_size=4),
    length=st.booleans(),
    parts=PARTS,
)
def test_an_answer_is_what_uvicorn_sends(
    method: bytes,
    target: bytes,
    version: bytes,
    status: int,
    headers: list[tuple[bytes, bytes]],
    length: bool,
    parts: list[tuple[bytes, bool]],
) -> None:
    if length:
        headers = [*headers, (b"content-length", b"%d" % sum(len(body) for body, _ in parts))]
    messages = [
        {"type": "http.response.start", "status": status, "headers": headers},
        *({"type": "http.response.body", "body": body, "more_body": more} for body, more in parts),
    ]
    request = REQUEST % (method, target, version)

    async def both() -> tuple[Any, Any]:
        ours = await answered(http_protocol(ConnectionSettings()), App(*messages), request)
        return ours, await answered(HttpToolsProtocol, App(*messages), request)

    ours, uvicorns = asyncio.run(both())
    assert ours == uvicorns


@settings(deadline=None)
@example(method=b"POST", version=b"1.1", status=200, headers=[(b"vary", b"a")], body=b"abc")
@example(method=b"POST", version=b"1.1", status=200, headers=[(b"connection", b"close")], body=b"abc")
@example(method=b"POST", version=b"1.1", status=200, headers=[(b"transfer-encoding", b"chunked")], body=b"abc")
@example(method=b"POST", version=b"1.1", status=200, headers=[(b"vary", b"bad\nvalue")], body=b"abc")
@given(
    method=st.sampled_from((b"POST", b"HEAD")),
    version=st.sampled_from((b"1.1", b"1.0")),
    status=st.sampled_from((200, 204, 304, 400, 503)),
    headers=st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(VALUES)), max_size=4),
    body=st.sampled_from((b"", b"abc", b"a" * 100_000)),
)
def test_an_answer_sent_at_once_is_what_uvicorn_sends(
    method: bytes, version: bytes, status: int, headers: list[tuple[bytes, bytes]], body: bytes
) -> None:
    messages: tuple[dict[str, Any], ...] = (
        {
            "type": "http.response.start",
            "status": status,
            "headers": [*headers, (b"content-length", b"%d" % len(body))],
        },
        {"type": "http.response.body", "body": body},
    )
    request = REQUEST % (method, b"/", version)

    async def both() -> tuple[Any, Any]:
        ours = await answered(http_protocol(ConnectionSettings()), Quick(*messages), request)
        return ours, await answered(HttpToolsProtocol, App(*messages), request)

    ours, uvicorns = asyncio.run(both())
    assert ours == uvicorns


def whole(body: bytes = b"{}") -> App:
    return App(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]},
        {"type": "http.response.body", "body": body},
    )


async def test_an_answer_of_one_piece_is_one_write() -> None:
    connection, transport = connected(http_protocol(ConnectionSettings()), whole())
    connection.data_received(REQUEST % (b"POST", b"/", b"1.1"))
    await asyncio.gather(*connection.tasks)
    assert transport.written == [b"HTTP/1.1 200 OK\r\ndate: today\r\ncontent-length: 2\r\n\r\n{}"]
    connection.connection_lost(None)


async def test_an_answer_is_sent_at_once_only_once() -> None:
    sent: list[bool] = []

    async def twice(scope: Any, _receive: Any, _send: Any) -> None:
        sent.extend(scope[AT_ONCE](200, (), body) for body in (b"{}", b"again"))

    connection, transport = connected(http_protocol(ConnectionSettings()), whole())
    connection.app = twice
    connection.data_received(REQUEST % (b"POST", b"/", b"1.1"))
    await asyncio.gather(*connection.tasks)
    assert (sent, len(transport.written)) == ([True, False], 1)
    connection.connection_lost(None)


async def test_a_request_is_gone_with_its_answer_without_the_garbage_collector() -> None:
    connection, _ = connected(http_protocol(ConnectionSettings()), App())
    left: list[weakref.ref[Any]] = []

    async def quick(scope: Any, _receive: Any, _send: Any) -> None:
        left.append(weakref.ref(connection.cycle))
        assert scope[AT_ONCE](200, (), b"{}")

    connection.app = quick
    gc.collect()
    gc.disable()
    try:
        for _ in range(2):
            connection.data_received(REQUEST % (b"POST", b"/", b"1.1"))
            await asyncio.gather(*connection.tasks)
        assert [request() is None for request in left] == [True, False]
    finally:
        gc.enable()
    connection.connection_lost(None)


async def test_a_connection_that_is_to_close_is_closed_whatever_was_begun() -> None:
    app = whole()

    async def stopping(_scope: Any, _receive: Any, send: Any) -> None:
        head, body = app.messages
        await send(head)
        connection.shutdown()
        await send(body)

    connection, transport = connected(http_protocol(ConnectionSettings()), app)
    connection.app = stopping
    connection.data_received(REQUEST % (b"POST", b"/", b"1.1"))
    await asyncio.gather(*connection.tasks)
    assert (b"".join(transport.written)[-2:], transport.closed) == (b"{}", True)
    connection.connection_lost(None)


async def test_what_is_answered_is_under_way_no_more() -> None:
    connection, _ = connected(http_protocol(ConnectionSettings()), whole())
    connection.data_received(REQUEST % (b"POST", b"/", b"1.1"))
    (task,) = connection.tasks
    await task
    assert connection.tasks == set()
    connection.connection_lost(None)


async def test_the_servers_own_fields_are_those_of_now() -> None:
    connection, transport = connected(http_protocol(ConnectionSettings()), whole())
    for day in (b"today", b"tomorrow"):
        connection.server_state.default_headers = [(b"date", day)]
        connection.data_received(REQUEST % (b"POST", b"/", b"1.1"))
        await asyncio.gather(*connection.tasks)
    assert [b"date: today" in transport.written[0], b"date: tomorrow" in transport.written[1]] == [True, True]
    connection.connection_lost(None)


async def test_however_many_requests_come_one_timer_waits_for_the_next() -> None:
    connection, _ = connected(http_protocol(ConnectionSettings()), whole())
    timers = set()
    for _ in range(3):
        connection.data_received(REQUEST % (b"POST", b"/", b"1.1"))
        await asyncio.gather(*connection.tasks)
        timers.add(connection.timeout_keep_alive_task)
    assert len(timers) == 1
    connection.connection_lost(None)
    assert timers.pop().cancelled()


async def test_a_timer_that_is_over_while_a_request_is_answered_closes_nothing() -> None:
    connection, transport = connected(http_protocol(ConnectionSettings()), whole())
    connection.data_received(REQUEST % (b"POST", b"/", b"1.1"))
    await asyncio.gather(*connection.tasks)
    connection.data_received(b"POST / HTTP/1.1\r\n")
    connection.timeout_keep_alive_handler()
    assert (transport.closed, connection.timeout_keep_alive_task) == (False, None)
    connection.connection_lost(None)


async def test_a_timer_waits_from_the_last_answer_on() -> None:
    connection, transport = connected(http_protocol(ConnectionSettings()), whole(), idle_seconds=75)
    connection.data_received(REQUEST % (b"POST", b"/", b"1.1"))
    await asyncio.gather(*connection.tasks)
    connection._resting_since -= 74
    connection.timeout_keep_alive_handler()
    assert (transport.closed, connection.timeout_keep_alive_task is not None) == (False, True)
    connection._resting_since -= 1
    connection.timeout_keep_alive_handler()
    assert transport.closed
    connection.connection_lost(None)


@pytest.mark.parametrize("when", ["before", "after"])
async def test_who_works_for_a_client_is_told_once_that_it_left(when: str) -> None:
    app, told = whole(), asyncio.Event()
    connection, transport = connected(http_protocol(ConnectionSettings()), app)
    connection.data_received(REQUEST % (b"POST", b"/", b"1.1"))
    await asyncio.gather(*connection.tasks)
    if when == "before":
        transport.close()
    app.scope[LEAVING](lambda _: told.set())
    if when == "after":
        assert not told.is_set()
        connection.connection_lost(None)
    async with asyncio.timeout(PATIENCE):
        await told.wait()


async def test_who_works_no_more_is_not_told() -> None:
    told: list[None] = []
    app = whole()
    connection, _ = connected(http_protocol(ConnectionSettings()), app)
    connection.data_received(REQUEST % (b"POST", b"/", b"1.1"))
    await asyncio.gather(*connection.tasks)
    app.scope[LEAVING](lambda _: told.append(None))
    app.scope[LEAVING](None)
    connection.connection_lost(None)
    assert told == []
