"""How an adapter speaks HTTP: requests as data, URLs that cannot leave the backend's base, failures as our errors.

Every call goes through the transport the gateway built for the backend, which adds the credential and the outbound
policies. They read what the call is from ``request.extensions["postroom"]``, a `CallInfo`, never from the HTTP method.
"""

from collections.abc import AsyncIterator, Callable, Iterable
from functools import partial
from typing import Any, TypeVar

import httpx
import msgspec
from msgspec import Struct

from adapters.asked import Asked, asking
from adapters.content_coding import decoded
from adapters.errors import AdapterError, MalformedAnswer, OutcomeUnknown, TimedOut, Unavailable
from adapters.freshness import is_reading_fresh
from adapters.messages import BoundedBody, TooLargeError, content_of, has_field, new_request
from adapters.redaction import secrets_of
from adapters.sendings import Apart, Begun, Sending, Taking
from adapters.urls import MAX_SEGMENT_LENGTH, lies_under, url_under

__all__ = [
    "MAX_SEGMENT_LENGTH",
    "Answer",
    "CallInfo",
    "FileStream",
    "Wire",
    "WireRequest",
    "bounded",
    "bounded_whole",
    "connect_seconds",
    "lies_under",
    "read_bounded",
    "share_call",
    "url_under",
]

EXTENSION = "postroom"
"""The key of `CallInfo` in a request's extensions."""

MAX_ANSWER_BYTES = 64 * 1024 * 1024
"""An answer that is read whole is refused past this; 100,000 records of 600 bytes fit."""

TELLING_BYTES = 16
"""A stream's first bytes, however they are cut up on the way, are at least this many unless the file is shorter."""

CONNECT_SECONDS = 5.0
"""Two lost SYNs are survived, which are sent again after one second and three. It is never more than half of a call's
time, so that a vendor that cannot be reached is told from one that does not answer."""

_ACCEPTED = (b"accept-encoding", b"gzip, deflate")
_SHARED = "postroom.asked"
_NO_CACHE = ((b"cache-control", b"no-cache"),)
T = TypeVar("T")


class CallInfo(Struct, frozen=True, kw_only=True, cache_hash=True):
    """What a call is, for the outbound policies: its operation, and whether repeating it can do harm (``write``).

    ``method``, ``path``, ``ids`` and ``trailing_slash`` are the request's; what is told of them is ``route``.
    A ``fresh`` one is read so (`adapters.freshness`): no cache, of ours or on the way, may answer it, nor a call that
    was made for others. A ``stream``'s answer is a file, taken as it comes; any other is read whole.
    """

    backend: str
    operation: str
    method: str = "GET"
    path: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    trailing_slash: bool = False
    write: bool = False
    stream: bool = False
    idempotency_key: str | None = None
    wanted: frozenset[str] = frozenset()
    fresh: bool = False

    @property
    def route(self) -> str:
        """The method and the path below the base, less what is customers' data and what differs from call to call.

        ``GET /customers/{id}/notes``; a query is left out, and of numbers only their place is told.
        """
        segments = ["{id}" if one in self.ids else "{n}" if one.isdecimal() else one for one in self.path]
        return f"{self.method} /{'/'.join(segments)}" + ("/" if self.trailing_slash else "")

    def __repr__(self) -> str:
        return f"CallInfo({self.backend}, {self.operation}, {self.route})"


class WireRequest(Struct, frozen=True, kw_only=True):
    """One HTTP request below the backend's base URL, without its credential.

    ``path`` holds decoded segments; each is encoded as exactly one. ``ids`` are those that name a record: whose, is the
    customers' own business, and is logged nowhere. ``query`` keeps its order. ``write`` is true when the call changes
    something or sends something at the vendor, whatever its HTTP method. ``secrets`` are the strings in a sign-in that
    no error may repeat.
    """

    operation: str
    method: str
    path: tuple[str, ...]
    ids: tuple[str, ...] = ()
    trailing_slash: bool = False
    query: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    write: bool = False
    idempotency_key: str | None = None
    wanted: frozenset[str] = frozenset()
    secrets: tuple[str, ...] = ()


class Answer(Struct, frozen=True, kw_only=True):
    """A vendor's answer, read whole. What an error made of it must not repeat are ``secrets``; it is by ``asked``."""

    status: int
    headers: httpx.Headers
    body: bytes
    request: WireRequest
    secrets: tuple[str, ...] = ()
    asked: Asked = msgspec.field(default_factory=Asked)


class FileStream:
    """A file on its way: its content type, and its bytes as they come. Closed by whoever reads it."""

    def __init__(self, response: httpx.Response, info: CallInfo, first: bytes, rest: AsyncIterator[bytes]) -> None:
        self._response = response
        self._info = info
        self._first = first
        self._rest = rest
        self.status = response.status_code
        self.headers = response.headers
        self.secrets = secrets_of(response)
        self.content_type = response.headers.get("content-type", "application/octet-stream")

    @property
    def first_chunk(self) -> bytes:
        """The first bytes, for telling a file from an error that pretends to be one; ``chunks`` gives them again."""
        return self._first

    async def chunks(self) -> AsyncIterator[bytes]:
        """The file's bytes. Raises `Unavailable` or `TimedOut` when the vendor breaks off."""
        yield self._first
        try:
            async for chunk in self._rest:
                yield chunk
        except httpx.RequestError as error:
            raise _transport_error(error, self._info) from None

    async def read(self, limit: int = MAX_ANSWER_BYTES) -> bytes:
        """All of it, for an error body."""
        parts: list[bytes] = []
        size = 0
        async for chunk in self.chunks():
            size += len(chunk)
            if size > limit:
                raise _too_large(self._info, limit)
            parts.append(chunk)
        return b"".join(parts)

    async def aclose(self) -> None:
        """Lets the connection go."""
        await self._response.aclose()


def connect_seconds(timeout: float) -> float:
    """How long connecting may take, in a call that may take ``timeout``."""
    return min(CONNECT_SECONDS, timeout / 2)


class Wire:
    """One backend's way out."""

    def __init__(
        self, *, backend: str, base_url: str, transport: httpx.AsyncBaseTransport, timeout: float = 30.0
    ) -> None:
        self.backend = backend
        self.base_url = httpx.URL(base_url.rstrip("/") + "/")
        self._host = (b"Host", self.base_url.netloc)
        self._transport = transport
        self._begin: Callable[[httpx.Request], Begun | None] | None = getattr(transport, "begin", None)
        self._timeout = {"connect": connect_seconds(timeout), "read": timeout, "write": timeout, "pool": timeout}

    def url(self, request: WireRequest) -> httpx.URL:
        """Where a request goes. Raises `InvalidInput` for a path that would not lie under the base."""
        return url_under(self.base_url, request.path, request.query, trailing_slash=request.trailing_slash)

    async def send(self, request: WireRequest) -> Answer:
        """The vendor's answer, whatever its status.

        Raises `Unavailable`, `TimedOut`, `MalformedAnswer` (too large), or for a write that may have arrived
        `OutcomeUnknown`.
        """
        info = self._info(request)
        return await self._sent(request, info, self._outgoing(request, info))

    def begin(self, request: WireRequest) -> Sending:
        """Sends a request whose answer is taken later, with the errors of `send`. Whoever begins it takes or leaves it.

        Raises at once what is known at once, such as `InvalidInput`.
        """
        info = self._info(request)
        outgoing = self._outgoing(request, info)
        try:
            begun = None if self._begin is None else self._begin(outgoing)
        except httpx.RequestError as error:
            asking(Asked())
            raise _transport_error(error, info) from None
        if begun is None:
            return Apart(self._sent(request, info, outgoing))
        return Taking(begun, partial(self._taken, request, info))

    def _taken(self, request: WireRequest, info: CallInfo, begun: Begun) -> Answer:
        asked = Asked()
        asking(asked)
        try:
            response = begun.take()
        except httpx.RequestError as error:
            _asking_together(error, asked)
            raise _transport_error(error, info) from None
        return _answer(request, response, bounded(response, info), _asking_together(response, asked))

    async def _sent(self, request: WireRequest, info: CallInfo, outgoing: httpx.Request) -> Answer:
        response, asked = await self._start(info, outgoing)
        try:
            body = bounded(response, info) if response.is_stream_consumed else await read_bounded(response, info)
        except httpx.RequestError as error:
            raise _transport_error(error, info) from None
        finally:
            if not response.is_closed:
                await response.aclose()
        return _answer(request, response, body, asked)

    async def stream(self, request: WireRequest) -> FileStream:
        """The answer as a stream, its first bytes read. The caller closes it."""
        info = self._info(request, stream=True)
        response, _ = await self._start(info, self._outgoing(request, info))
        rest = decoded(response)
        first = b""
        try:
            while len(first) < TELLING_BYTES and (chunk := await anext(rest, b"")):
                first += chunk
        except BaseException as error:
            await response.aclose()
            if isinstance(error, httpx.RequestError):
                raise _transport_error(error, info) from None
            raise
        return FileStream(response, info, first, rest)

    def _info(self, request: WireRequest, *, stream: bool = False) -> CallInfo:
        return CallInfo(
            backend=self.backend,
            operation=request.operation,
            method=request.method,
            path=request.path,
            ids=request.ids,
            trailing_slash=request.trailing_slash,
            write=request.write,
            stream=stream,
            idempotency_key=request.idempotency_key,
            wanted=request.wanted,
            fresh=is_reading_fresh() and not request.write,
        )

    def _outgoing(self, request: WireRequest, info: CallInfo) -> httpx.Request:
        fields: tuple[tuple[bytes, bytes], ...] = (self._host, _ACCEPTED)
        if info.fresh:
            fields += _NO_CACHE
        if request.headers:
            fields += tuple([(name.encode("ascii"), value.encode("ascii")) for name, value in request.headers])
        return new_request(
            request.method,
            self.url(request),
            fields,
            request.body,
            {"timeout": self._timeout, EXTENSION: info},
        )

    async def _start(self, info: CallInfo, outgoing: httpx.Request) -> tuple[httpx.Response, Asked]:
        """An answer as it begins, and by which call it is."""
        asked = Asked()
        asking(asked)
        try:
            response = await self._transport.handle_async_request(outgoing)
        except httpx.RequestError as error:
            _asking_together(error, asked)
            raise _transport_error(error, info) from None
        response.request = outgoing
        return response, _asking_together(response, asked)


def _answer(request: WireRequest, response: httpx.Response, body: bytes, asked: Asked) -> Answer:
    return Answer(
        status=response.status_code,
        headers=response.headers,
        body=body,
        request=request,
        secrets=(*request.secrets, *secrets_of(response)),
        asked=asked,
    )


def share_call(outcome: httpx.Response | Exception, asked: Asked) -> None:
    """Notes at an answer or a failure the call by which it came, which others share."""
    if isinstance(outcome, httpx.Response):
        outcome.extensions[_SHARED] = asked
    else:
        outcome.asked = asked  # type: ignore[attr-defined]


def _asking_together(outcome: httpx.Response | Exception, alone: Asked) -> Asked:
    """What is made of this answer or failure is by the call that `share_call` noted, if it did."""
    if isinstance(outcome, httpx.Response):
        asked: Asked | None = outcome.extensions.get(_SHARED)
    else:
        asked = getattr(outcome, "asked", None)
    if asked is None:
        return alone
    asking(asked)
    return asked


def bounded(response: httpx.Response, info: CallInfo) -> bytes:
    """The body of an answer that has been read whole, with the errors of `read_bounded`."""
    body = content_of(response)
    if len(body) > MAX_ANSWER_BYTES:
        raise _too_large(info, MAX_ANSWER_BYTES)
    return body


async def read_bounded(response: httpx.Response, info: CallInfo) -> bytes:
    """A body whole and decoded.

    Raises `MalformedAnswer` (for a write `OutcomeUnknown`) past `MAX_ANSWER_BYTES`, and what httpx raises.
    """
    if response.is_stream_consumed:
        return bounded(response, info)
    if isinstance(response.stream, BoundedBody) and not has_field(response, b"content-encoding"):
        try:
            return await response.stream.read(MAX_ANSWER_BYTES)
        except TooLargeError:
            raise _too_large(info, MAX_ANSWER_BYTES) from None
    parts: list[bytes] = []
    size = 0
    async for chunk in decoded(response):
        size += len(chunk)
        if size > MAX_ANSWER_BYTES:
            raise _too_large(info, MAX_ANSWER_BYTES)
        parts.append(chunk)
    return b"".join(parts)


def bounded_whole(pieces: Iterable[bytes], info: CallInfo) -> bytes:
    """A body out of pieces that are at hand, with the errors of `read_bounded`."""
    if isinstance(pieces, list) and len(pieces) == 1 and len(pieces[0]) <= MAX_ANSWER_BYTES:
        return pieces[0]  # type: ignore[no-any-return] # of what it is a list is forgotten
    parts: list[bytes] = []
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > MAX_ANSWER_BYTES:
            raise _too_large(info, MAX_ANSWER_BYTES)
        parts.append(piece)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _too_large(info: CallInfo, limit: int) -> AdapterError:
    kind = OutcomeUnknown if info.write else MalformedAnswer
    message = f"The vendor's answer is larger than {limit // 1_048_576} MiB."
    return kind(message, backend=info.backend, operation=info.operation)


_NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.LocalProtocolError,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
)


def _transport_error(error: httpx.RequestError, info: CallInfo) -> AdapterError:
    """Our error for a failure below HTTP. The original is not chained: it carries the URL, which may carry a token."""
    never_sent = isinstance(error, _NEVER_SENT)
    members: dict[str, Any] = {"backend": info.backend, "operation": info.operation, "never_sent": never_sent}
    if info.write and not never_sent:
        return OutcomeUnknown("The connection failed after the request was sent; it may have been done.", **members)
    if isinstance(error, httpx.DecodingError):
        return MalformedAnswer("The vendor's answer is not encoded as it says.", **members)
    if isinstance(error, httpx.TimeoutException):
        return TimedOut("The vendor did not answer in time.", **members)
    if isinstance(error, httpx.LocalProtocolError):
        return Unavailable("The request could not be sent as it was made.", **members)
    if never_sent:
        return Unavailable("The vendor could not be reached.", **members)
    return Unavailable("The vendor broke the connection off.", **members)
