"""The GraphQL endpoint over HTTP (https://graphql.github.io/graphql-over-http/draft/), and its WebSocket beside it."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.context import RequestContext
from gateway.principals import Principal
from gateway.server import event_stream, multipart
from gateway.server.authenticating import Authenticator, LocalAuthenticator
from gateway.server.compression import LEAST_BYTES, compressed
from gateway.server.cross_site import refuse_cross_site_read
from gateway.server.exchanges import AT_ONCE, Answering
from gateway.server.executing import ALLOWED, Begun, Kind, Operations
from gateway.server.explaining import asks_cost, costed, explained, may_ask_why
from gateway.server.explorer import explorer_page, prefers_page
from gateway.server.fields import Fields, FieldsRequest
from gateway.server.heads import Header
from gateway.server.json_writing import to_json
from gateway.server.known_bodies import KnownBodies
from gateway.server.leaving import until_left
from gateway.server.negotiation import Accepted, Media, accepted_by
from gateway.server.requests_reading import OperationRequest, RequestRefusedError, body_of, read_url
from gateway.server.sockets import GraphQLSockets
from gateway.server.stopping import Stopping
from gateway.server.watching import OperationWatch
from gateway.settings_connections import ConnectionSettings
from gateway.upstream.calls import Operation

__all__ = ["GraphQLView"]

_EVERY_ANSWER: Mapping[str, str] = {
    "Vary": "Accept, Accept-Encoding",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}

_STATUS: Mapping[Kind, int] = {Kind.REFUSED: 400, Kind.BROKEN: 500}


class GraphQLView:
    """The endpoint: an operation for whoever asks for its result, the explorer for whoever asks for a page."""

    def __init__(
        self,
        operations: Operations,
        new_context: Callable[[Principal], RequestContext],
        watch: OperationWatch | None = None,
        authenticator: Authenticator | None = None,
        stopping: Stopping | None = None,
        connections: ConnectionSettings | None = None,
    ) -> None:
        self._operations = operations
        self._new_context = new_context
        self._watch = watch or OperationWatch()
        self._authenticator = authenticator or LocalAuthenticator()
        self._stopping = stopping
        self._bodies = KnownBodies()
        self._sockets = GraphQLSockets(
            operations, new_context, self._watch, self._authenticator, connections or ConnectionSettings(), stopping
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request, or talks over one socket."""
        if scope["type"] == "websocket":
            await self._sockets(scope, receive, send)
            return
        request = FieldsRequest(scope, receive)
        if scope["method"] != "POST" and prefers_page(request):
            await explorer_page(request)(scope, receive, send)
            return
        accepted = accepted_by(request.fields.together(b"accept"))
        try:
            principal = await self._authenticator.principal_of(request)
            await self._authenticator.admit(principal)
            _require_asking(scope["method"], accepted)
            if scope["method"] == "POST":
                operation = self._bodies.read(await body_of(request.fields, receive))
            else:
                operation = _of_url(request)
            context = self._new_context(principal)
            await until_left(scope, receive, self._answer(request, operation, context, accepted, send))
        except RequestRefusedError as refusal:
            await _refusal(refusal, accepted)(scope, receive, send)
        except ClientDisconnect:
            return

    async def _answer(
        self,
        request: FieldsRequest,
        operation: OperationRequest,
        context: RequestContext,
        accepted: Accepted,
        send: Send,
    ) -> None:
        fields, method = request.fields, request.scope["method"]
        context.explained = may_ask_why(fields, context.principal)
        with self._watch.operation(context, fields) as watched:
            try:
                if accepted.whole is Media.EVENTS:

                    async def beginning() -> Begun:
                        begun = await self._operations.begin(operation, context, method, accepted)
                        return self._as_asked(begun, fields, context, watched)

                    await _send_stream(send, event_stream.HEADERS, event_stream.event_stream(beginning))
                    return
                begun = await self._operations.begin(operation, context, method, accepted)
                sending = _sending(self._as_asked(begun, fields, context, watched), accepted, request, send)
                if sending is not None:
                    await sending
            finally:
                context.end()

    def _as_asked(self, begun: Begun, fields: Fields, context: RequestContext, watched: Operation) -> Begun:
        """The results with what is asked for beside them, and no longer than this process goes on."""
        if begun.kind is Kind.SUBSCRIPTION and self._stopping is not None:
            begun = Begun(begun.kind, several=self._stopping.followed(begun.frames))
        if asks_cost(fields):
            begun = Begun(begun.kind, several=costed(begun.frames, context))
        if context.explained:
            begun = Begun(begun.kind, several=explained(begun.frames, watched))
        return begun


def _require_asking(method: str, accepted: Accepted) -> None:
    """Raises `RequestRefusedError` for what asks for nothing, or takes none of the answers that there are."""
    if method not in ALLOWED:
        raise RequestRefusedError(405, f"{method} asks for nothing here.", {"Allow": ", ".join(ALLOWED)})
    if not accepted.ranked:
        raise RequestRefusedError(406, f"Answers are {', '.join(Media)}.")


def _of_url(request: FieldsRequest) -> OperationRequest:
    refuse_cross_site_read(request)
    return read_url(request.scope["query_string"])


def _sending(begun: Begun, accepted: Accepted, request: FieldsRequest, send: Send) -> Awaitable[None] | None:
    """Sends the results as the best that is accepted and can carry them: at once, or when that is awaited."""
    media = accepted.whole
    if begun.only is not None and media in _HEADERS:
        body, status = to_json(begun.only), _status(begun.kind, media)
        at_once: Answering | None = request.scope.get(AT_ONCE)
        if at_once is not None and len(body) < LEAST_BYTES and at_once(status, _HEADERS[media], body):
            return None
        return _send_whole(body, media, status, request.fields, send)
    if begun.kind is Kind.SUBSCRIPTION:
        media = Media.EVENTS
    elif begun.kind is Kind.INCREMENTAL and accepted.incremental is not None:
        media = accepted.incremental
    return _send_several(begun, media, request.fields, send)


async def _send_several(begun: Begun, media: Media, fields: Fields, send: Send) -> None:
    async with aclosing(begun.frames) as frames:
        await _send_frames(frames, begun.kind, media, fields, send)


async def _send_frames(
    frames: AsyncGenerator[Mapping[str, Any], None], kind: Kind, media: Media, fields: Fields, send: Send
) -> None:
    if media is Media.EVENTS:

        async def already() -> Begun:
            return Begun(kind, several=frames)

        await _send_stream(send, event_stream.HEADERS, event_stream.event_stream(already))
    elif media is Media.MULTIPART:
        await _send_stream(send, multipart.HEADERS, multipart.multipart(frames))
    else:
        await _send_whole(to_json(await anext(frames)), media, _status(kind, media), fields, send)


async def _send_whole(body: bytes, media: Media, status: int, fields: Fields, send: Send) -> None:
    headers: Sequence[Header] = _HEADERS[media]
    if len(body) >= LEAST_BYTES:
        packed = await compressed(body, fields)
        if packed is not None:
            body, headers = packed, [*headers, (b"content-encoding", b"gzip")]
    length = (b"content-length", b"%d" % len(body))
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})


def _status(kind: Kind, media: Media) -> int:
    """`application/json` is as it always was: 200 for whatever was a request, however wrong."""
    if kind is Kind.WHOLE or (media is Media.JSON and kind is Kind.REFUSED):
        return 200
    return _STATUS.get(kind, 200)


def _json(content: Mapping[str, Any], media: Media, status: int) -> Response:
    return Response(to_json(content), status, headers=_headers_of(media))


def _refusal(refusal: RequestRefusedError, accepted: Accepted) -> Response:
    content = {"errors": [{"message": refusal.reason, "extensions": {"code": refusal.code}}]}
    response = _json(content, accepted.refusal, refusal.status)
    response.headers.update(refusal.headers)
    return response


async def _send_stream(send: Send, headers: Mapping[str, str], chunks: AsyncGenerator[bytes, None]) -> None:
    """Sends chunks as they come. What is refused before the first one has come can still have a status of its own."""
    async with aclosing(chunks):
        started = False
        async for chunk in chunks:
            if not started:
                await send(
                    {"type": "http.response.start", "status": 200, "headers": _raw({**_EVERY_ANSWER, **headers})}
                )
                started = True
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def _raw(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode("ascii"), text.encode("latin-1")) for name, text in headers.items()]


def _headers_of(media: Media) -> Mapping[str, str]:
    return {**_EVERY_ANSWER, "Content-Type": f"{media}; charset=utf-8"}


_HEADERS: Mapping[Media, tuple[Header, ...]] = {
    media: (*_raw(_headers_of(media)),) for media in (Media.JSON, Media.RESPONSE)
}
"""Of answers of one piece, as they are sent."""
