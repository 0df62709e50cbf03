"""Requests and answers over one connection: uvicorn's HTTP/1.1, with less to do for each of them.

A connection carries thousands of requests whose paths and heads of answers are the same few; it rests between any two
of them, and its client hardly ever leaves meanwhile. So what was made for the request before is used again, one timer
looks when the connection was last busy, and whoever works for a client is told by the connection itself that it left.
Whatever is unusual is left to uvicorn's own methods.
"""

import asyncio
import urllib.parse
from collections.abc import Callable
from typing import Any, ClassVar, Final

import httptools
from uvicorn._types import ASGI3Application, ASGISendEvent
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from gateway.server.heads import Header, Heads

__all__ = ["AT_ONCE", "LEAVING", "Answering", "Exchange", "Left", "QuickHttp", "Telling"]

AT_ONCE: Final = "postroom.at_once"
"""The key in a request's scope of what sends a whole answer at once: `Answering`. Whoever changes what `send` sends
changes this, too, or takes it away."""

Answering = Callable[[int, tuple[Header, ...], bytes], bool]
"""Sends an answer of one piece: its status, its fields but for the length, and its body. False where it did
nothing, and the answer goes by `send`."""

LEAVING: Final = "postroom.leaving"
"""The key in a request's scope of what is told whom to call when the client leaves."""

Left = Callable[["asyncio.Task[None]"], object]
"""What is called when a client leaves, with the task that answers it."""

Telling = Callable[[Left | None], None]
"""Takes what is to be called when the client leaves, at most once; None for nothing any more."""

LONGEST_KNOWN_URL: Final = 512
"""Bytes of a URL that is remembered: one with a document in it may take as much as a head does."""

TOGETHER_BYTES: Final = 64 * 1024
"""A body of at most so many bytes is copied behind its head, to be sent with it."""


class Exchange(RequestResponseCycle):
    """One request and its answer. A head is sent with the first of its body, which ASGI allows."""

    heads: ClassVar[Heads]
    task: asyncio.Task[None]
    under_way: set[asyncio.Task[None]]
    _held: bytes | None = None

    async def run_asgi(self, app: ASGI3Application) -> None:
        """Has the application answer; whatever else it does, uvicorn's own method tells.

        The task is no more under way then: a callback that says so took a turn.
        """
        try:
            try:
                await app(self.scope, self.receive, self.send)
            except BaseException as error:  # noqa: BLE001 - as uvicorn does
                await super().run_asgi(_failed_with(error))
            else:
                if not self.response_complete:
                    await super().run_asgi(_done)
            self.on_response = _nothing
        finally:
            self.under_way.discard(self.task)
            self.scope.pop(AT_ONCE, None)  # type: ignore[typeddict-item] # it holds this, as this does the scope

    async def send(self, message: ASGISendEvent) -> None:
        """Sends a part of the answer."""
        held = self._held
        if held is not None:
            self._held = None
            if self._is_all(message):
                self._finish(held, message["body"])  # type: ignore[typeddict-item]
                return
            if not self.disconnected:
                self.transport.write(held)
        elif self._holds(message):
            return
        await super().send(message)

    def at_once(self, status: int, headers: tuple[Header, ...], body: bytes) -> bool:
        """Sends a whole answer, as `send` would send its head and its body; False where those are to be sent by it."""
        if not self._is_usual():
            return False
        head = self.heads.text(status, headers, b"%d" % len(body), self.default_headers)
        if head is None:
            return False
        self.response_started, self.waiting_for_100_continue = True, False
        self.chunked_encoding = False
        self._finish(head, body)
        return True

    def _is_usual(self) -> bool:
        """Whether nothing was sent, and all can be sent that there is."""
        return not (
            self.response_started
            or self.disconnected
            or self.access_log
            or not self.keep_alive
            or self.flow.write_paused
            or self.scope["method"] == "HEAD"
        )

    def _holds(self, message: ASGISendEvent) -> bool:
        """Takes a head that can wait for its body."""
        if message["type"] != "http.response.start" or not self._is_usual():
            return False
        head = self.heads.plain(message["status"], message["headers"], self.default_headers)  # type: ignore[arg-type]
        if head is None:
            return False
        self.response_started, self.waiting_for_100_continue = True, False
        self.chunked_encoding, self.expected_content_length = False, head.length
        self._held = head.text
        return True

    def _is_all(self, message: ASGISendEvent) -> bool:
        """Whether this is the whole body, and nothing has happened since the head."""
        return (
            message["type"] == "http.response.body"
            and not message.get("more_body", False)
            and len(message.get("body", b"")) == self.expected_content_length
            and "body" in message
            and self.keep_alive
            and not self.disconnected
            and not self.flow.write_paused
        )

    def _finish(self, head: bytes, body: bytes) -> None:
        if len(body) <= TOGETHER_BYTES:
            self.transport.write(head + body)
        else:
            self.transport.writelines((head, body))
        self.expected_content_length = 0
        self.response_complete = True
        self.message_event.set()
        self.on_response()


def _failed_with(error: BaseException) -> ASGI3Application:
    """An application that has failed."""

    async def failed(*_: object) -> None:
        raise error

    return failed


async def _done(*_: object) -> None:
    """An application that has done what it does."""


def _nothing() -> None:
    """Follows no answer."""


class QuickHttp(HttpToolsProtocol):
    """One connection. ``exchange`` makes of a request what answers it."""

    exchange: ClassVar[type[Exchange]]

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._resting_since: float | None = None
        self._task: asyncio.Task[None] | None = None
        self._when_left: Left | None = None
        self._telling: Telling = self._tell_of_leaving
        self._known_url = b""
        self._target: tuple[str, bytes, bytes] = ("", b"", b"")

    def connection_lost(self, exc: Exception | None) -> None:
        """Tells whoever works for the client, and waits for no other request."""
        self._forget_rest()
        super().connection_lost(exc)
        left, self._when_left = self._when_left, None
        if left is not None and self._task is not None:
            left(self._task)

    def on_headers_complete(self) -> None:
        """Begins to answer a request, or lets it wait for those before it."""
        version, scope = self.parser.get_http_version(), self.scope
        scope["method"] = self.parser.get_method().decode("ascii")
        if version != "1.1":
            scope["http_version"] = version
        if self.parser.should_upgrade() and self._should_upgrade():
            return
        scope["path"], scope["raw_path"], scope["query_string"] = self._target_of(self.url)
        scope[LEAVING] = self._telling  # type: ignore[typeddict-unknown-key]
        before = self.cycle
        self.cycle = self.exchange(
            scope,
            self.transport,
            self.flow,
            self.logger,
            self.access_logger,
            self.access_log,
            self.server_state.default_headers,
            asyncio.Event(),
            self.expect_100_continue,
            version != "1.0" and self.parser.should_keep_alive(),
            self.on_response_complete,
        )
        scope[AT_ONCE] = self.cycle.at_once  # type: ignore[typeddict-unknown-key]
        if before is None or before.response_complete:
            self._start_asgi_task(self.cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        assert isinstance(cycle, Exchange)  # noqa: S101 - nothing else is made here
        self._task = cycle.task = self.loop.create_task(cycle.run_asgi(app))
        cycle.under_way = self.tasks
        self.tasks.add(cycle.task)

    def on_response_complete(self) -> None:
        """Goes on with the request that waits, or rests."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        if self.flow.read_paused:
            self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        else:
            self.rest()

    def rest(self) -> None:
        """Waits for a next request as long as is waited. One timer runs meanwhile, however many come."""
        self._resting_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._look_again_in(self.timeout_keep_alive)

    @property
    def resting(self) -> bool:
        """Whether nothing has come since the last answer."""
        return self._resting_since is not None

    def timeout_keep_alive_handler(self) -> None:
        """Closes a connection on which nothing came for as long as is waited."""
        self.timeout_keep_alive_task = None
        if self._resting_since is None:
            return
        left = self._resting_since + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._look_again_in(left)
        else:
            self.let_go()

    def let_go(self) -> None:
        """Closes a connection that has rested long enough."""
        super().timeout_keep_alive_handler()

    def handle_websocket_upgrade(self) -> None:
        """From here on the other protocol has the connection."""
        self._forget_rest()
        super().handle_websocket_upgrade()

    def _look_again_in(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)

    def _unset_keepalive_if_required(self) -> None:
        """Something has come. The timer sees that when it is over."""
        self._resting_since = None

    def _forget_rest(self) -> None:
        self._resting_since = None
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
            self.timeout_keep_alive_task = None

    def _tell_of_leaving(self, when_left: Left | None) -> None:
        self._when_left = when_left
        if when_left is not None and self._task is not None and self.transport.is_closing():
            self._when_left = None
            self.loop.call_soon(when_left, self._task)

    def _target_of(self, url: bytes) -> tuple[str, bytes, bytes]:
        """The path, the path as it came, and the query of a request's URL: as a rule those of the request before."""
        if url != self._known_url or not self._known_url:
            parsed = httptools.parse_url(url)
            path = parsed.path.decode("ascii")
            raw = self.root_path.encode("ascii") + parsed.path
            whole = self.root_path + (urllib.parse.unquote(path) if "%" in path else path)
            self._target = whole, raw, parsed.query or b""
            self._known_url = url if len(url) <= LONGEST_KNOWN_URL else b""
        return self._target
