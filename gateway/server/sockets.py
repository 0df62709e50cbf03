"""Operations over WebSocket, as graphql-transport-ws has them: any number of them, of any kind, over one connection."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator, Mapping
from contextlib import aclosing, contextmanager
from typing import Any, Final

from graphql import GraphQLError
from starlette.requests import HTTPConnection
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from gateway.context import RequestContext
from gateway.principals import Principal
from gateway.public_codes import RequestCode
from gateway.server import socket_messages as messages
from gateway.server.authenticating import Authenticator, UnauthenticatedError
from gateway.server.executing import Begun, Kind, Operations
from gateway.server.explaining import VENDOR_CALLS, asks_for, costed, explained
from gateway.server.formatting import formatted_error
from gateway.server.negotiation import Accepted, Media
from gateway.server.requests_reading import RequestRefusedError, read_payload
from gateway.server.socket_messages import Close, Complete, ConnectionInit, Message, Ping, SocketClosedError, Subscribe
from gateway.server.stopping import Stopping, StoppingError
from gateway.server.watching import OperationWatch
from gateway.settings_connections import ConnectionSettings
from gateway.upstream.calls import Operation

__all__ = ["GraphQLSockets"]

RENEW_SECONDS: Final = 60.0
"""How often it is looked whether a socket's credential is still good, beside each time that something is asked."""

_EVERYTHING = Accepted((Media.EVENTS,))
"""A socket carries whatever an event stream does: events one after another, and results in parts."""


class GraphQLSockets:
    """All sockets of a process."""

    def __init__(
        self,
        operations: Operations,
        new_context: Callable[[Principal], RequestContext],
        watch: OperationWatch,
        authenticator: Authenticator,
        connections: ConnectionSettings,
        stopping: Stopping | None = None,
    ) -> None:
        self.operations = operations
        self.new_context = new_context
        self.watch = watch
        self.authenticator = authenticator
        self.connections = connections
        self.stopping = stopping
        self._open = 0
        self._of_callers: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Talks over one socket until it is closed. Everything that was asked over it ends with it."""
        websocket = WebSocket(scope, receive, send)
        if messages.PROTOCOL not in scope["subprotocols"]:
            await websocket.accept()
            await websocket.close(Close.SUBPROTOCOL, f"The subprotocol here is {messages.PROTOCOL}.")
            return
        await websocket.accept(messages.PROTOCOL)
        try:
            with self._counted():
                await _Socket(self, websocket).serve()
        except SocketClosedError as closed:
            await _close(websocket, closed)
        except WebSocketDisconnect:
            return

    @contextmanager
    def _counted(self) -> Iterator[None]:
        if self._open >= self.connections.sockets:
            raise SocketClosedError(Close.TRY_AGAIN_LATER, "The gateway has as many WebSockets as it takes.")
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1

    @contextmanager
    def counted_for(self, principal: Principal) -> Iterator[None]:
        """Counts a socket of this caller's while it is open. Raises `SocketClosedError` at the limit."""
        if self._of_callers[principal.id] >= self.connections.sockets_per_caller:
            raise SocketClosedError(Close.TRY_AGAIN_LATER, "You have as many WebSockets as a caller may have.")
        self._of_callers[principal.id] += 1
        try:
            yield
        finally:
            self._of_callers[principal.id] -= 1
            if not self._of_callers[principal.id]:
                del self._of_callers[principal.id]


class _Socket:
    """One socket: what was asked over it and has not ended, by its id."""

    def __init__(self, sockets: GraphQLSockets, websocket: WebSocket) -> None:
        self._sockets = sockets
        self._websocket = websocket
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._ending: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        """Answers messages until one of the sides closes."""
        principal = await self._first_word()
        with self._sockets.counted_for(principal):
            await self._websocket.send_text(messages.connection_ack())
            try:
                await self._converse(principal)
            finally:
                await self._end_all()

    async def _converse(self, principal: Principal) -> None:
        now = asyncio.get_running_loop().time
        look_again = now() + RENEW_SECONDS
        while True:
            if now() >= look_again:  # also where one message comes upon the other, so that none is waited for
                look_again = now() + RENEW_SECONDS
                with contextlib.suppress(RequestRefusedError):  # that it cannot be found out now ends nothing
                    principal = await self._renewed(principal)
            try:
                async with asyncio.timeout_at(look_again):
                    message = await self._next()
            except TimeoutError:
                continue
            await self._take(message, principal)

    async def _renewed(self, principal: Principal) -> Principal:
        try:
            return await self._sockets.authenticator.renewed(principal)
        except UnauthenticatedError as ended:
            raise SocketClosedError(Close.FORBIDDEN, ended.reason) from None

    async def _next(self) -> Message:
        event = await self._websocket.receive()
        if event["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(event.get("code", 1005))
        return messages.read_message(event)

    async def _first_word(self) -> Principal:
        """Who it is, by the first message but pings; it has the time that a request's head has."""
        try:
            async with asyncio.timeout(self._sockets.connections.head_seconds):
                message = await self._next()
                while not isinstance(message, ConnectionInit):
                    if isinstance(message, Subscribe):
                        raise SocketClosedError(Close.UNAUTHORIZED, "Say connection_init before you subscribe.")
                    await self._answer_ping(message)
                    message = await self._next()
        except TimeoutError:
            raise SocketClosedError(Close.INIT_TIMEOUT, "connection_init did not come in time.") from None
        credential = _credential(message)
        try:
            connection = HTTPConnection(self._websocket.scope)
            return await self._sockets.authenticator.principal_of(connection, credential)
        except RequestRefusedError as refusal:
            raise SocketClosedError(Close.FORBIDDEN, refusal.reason) from None

    async def _answer_ping(self, message: Message) -> None:
        if isinstance(message, Ping):
            await self._websocket.send_text(messages.pong(message.payload))

    async def _take(self, message: Message, principal: Principal) -> None:
        match message:
            case Subscribe():
                await self._subscribe(message, principal)
            case Complete():
                self._end(message.id)
            case ConnectionInit():
                raise SocketClosedError(Close.TOO_MANY_INITS, "connection_init was said already.")
            case _:
                await self._answer_ping(message)

    async def _subscribe(self, message: Subscribe, principal: Principal) -> None:
        if message.id in self._under_way:
            raise SocketClosedError(Close.DUPLICATE_ID, f"There is an operation {message.id} already.")
        try:
            principal = await self._renewed(principal)
            await self._sockets.authenticator.admit(principal)
        except RequestRefusedError as refusal:
            await self._refuse(message.id, refusal.reason, refusal.code)
            return
        most = self._sockets.connections.operations_per_socket
        if len(self._under_way) + len(self._ending) >= most:
            await self._refuse(message.id, f"A socket has {most} operations at once, at most.")
            return
        task = asyncio.create_task(self._run(message, principal))
        self._under_way[message.id] = task
        task.add_done_callback(lambda done: self._ended(message.id, done))

    def _ended(self, operation: str, task: asyncio.Task[None]) -> None:
        if self._under_way.get(operation) is task:
            del self._under_way[operation]
        self._ending.discard(task)
        if not task.cancelled():
            task.exception()  # the socket broke meanwhile, of which its own task hears as well

    def _end(self, operation: str) -> None:
        """Lets go of an operation: its id is free at once."""
        task = self._under_way.pop(operation, None)
        if task is not None:
            self._ending.add(task)
            task.cancel()

    async def _end_all(self) -> None:
        for operation in list(self._under_way):
            self._end(operation)
        if self._ending:
            await asyncio.wait(self._ending)

    async def _refuse(self, operation: str, reason: str, code: str = RequestCode.BAD_REQUEST.value) -> None:
        error = {"message": reason, "extensions": {"code": code}}
        await self._websocket.send_text(messages.error(operation, [error]))

    async def _run(self, message: Subscribe, principal: Principal) -> None:
        """Executes an operation; whatever is wrong with it is told under its id, and ends nothing else."""
        context = self._sockets.new_context(principal)
        try:
            with self._sockets.watch.operation(context, {}) as watched:
                try:
                    begun = await self._begin(message, context, watched)
                    async with aclosing(begun.frames) as frames:
                        await self._send(message.id, begun.kind, frames)
                finally:
                    context.end()
        except RequestRefusedError as refusal:
            await self._last(message.id, self._refuse(message.id, refusal.reason, refusal.code))
        except (StoppingError, WebSocketDisconnect):
            return  # the socket is about to be closed, with a code that says so, or it is
        except Exception as failure:  # noqa: BLE001 - made public, and logged, as any failure inside a field is
            error = formatted_error(GraphQLError("", original_error=failure))
            await self._last(message.id, self._websocket.send_text(messages.error(message.id, [error])))

    async def _begin(self, message: Subscribe, context: RequestContext, watched: Operation) -> Begun:
        request = read_payload(bytes(message.payload))
        context.explained = asks_for(VENDOR_CALLS, request.extensions)
        begun = await self._sockets.operations.begin(request, context, "POST", _EVERYTHING)
        if begun.kind is Kind.SUBSCRIPTION and self._sockets.stopping is not None:
            begun = Begun(begun.kind, several=self._sockets.stopping.followed(begun.frames))
        if asks_for("cost", request.extensions):
            begun = Begun(begun.kind, several=costed(begun.frames, context))
        if context.explained:
            begun = Begun(begun.kind, several=explained(begun.frames, watched))
        return begun

    async def _send(self, operation: str, kind: Kind, frames: AsyncGenerator[Mapping[str, Any], None]) -> None:
        async for frame in frames:
            if kind is not Kind.INCREMENTAL and "data" not in frame:  # nothing was executed
                errors = self._websocket.send_text(messages.error(operation, frame["errors"]))
                await self._last(operation, errors)
                return
            await self._websocket.send_text(messages.next_result(operation, frame))
        await self._last(operation, self._websocket.send_text(messages.complete(operation)))

    async def _last(self, operation: str, sending: Coroutine[Any, Any, None]) -> None:
        """Sends an operation's last message; its id is free when that arrives."""
        task = asyncio.current_task()
        if task is not None and self._under_way.get(operation) is task:
            del self._under_way[operation]
            self._ending.add(task)
        await sending


def _credential(init: ConnectionInit) -> str | None:
    """What `connection_init` gives as authorization, whatever its capitals."""
    for name, given in (init.payload or {}).items():
        if name.lower() == "authorization" and given is not None:
            if not isinstance(given, str):
                raise SocketClosedError(Close.FORBIDDEN, "The authorization in connection_init is no text.")
            return given
    return None


async def _close(websocket: WebSocket, closed: SocketClosedError) -> None:
    try:
        await websocket.close(closed.code, closed.reason)
    except (RuntimeError, WebSocketDisconnect):
        return  # the other side was quicker
