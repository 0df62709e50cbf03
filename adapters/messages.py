"""httpx's URLs, requests and responses, made of parts that are known to be right already.

What httpx's own constructors find out (how to quote, which headers a body needs, how to decode) costs more than the
rest of a call. What is made here is what they would have made: tests hold the two against each other.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import httpx

__all__ = [
    "BoundedBody",
    "TooLargeError",
    "body_of",
    "changed_request",
    "fields_without",
    "finished_response",
    "has_field",
    "let_go",
    "new_request",
    "new_response",
    "same_server_url",
]

Fields = Sequence[tuple[bytes, bytes]]

_HAS_A_BODY = frozenset(("POST", "PUT", "PATCH"))
_NO_BODY = httpx.ByteStream(b"")
_UNREAD: Mapping[str, Any] = vars(httpx.Response(200, stream=_NO_BODY))


class TooLargeError(Exception):
    """A body has more bytes than it may."""


class BoundedBody(httpx.AsyncByteStream):
    """An answer's body that can be read in one go, up to a bound."""

    async def read(self, most: int) -> bytes:
        """All of it. Raises `TooLargeError` past ``most`` bytes, and what iterating raises."""
        raise NotImplementedError


def same_server_url(base: httpx.URL, path: str, query: str | None) -> httpx.URL:
    """The URL of this path and query at the server of ``base``. Both are ASCII, and quoted in the normal form."""
    made = httpx.URL.__new__(httpx.URL)
    made._uri_reference = base._uri_reference._replace(path=path, query=query)  # noqa: SLF001 - see above
    return made


def new_request(
    method: str, url: httpx.URL, fields: Fields, body: bytes | None, extensions: dict[str, Any]
) -> httpx.Request:
    """A request with its body. The fields begin with ``Host``, and are none of those that tell how long a body is."""
    length: Fields = ()
    if body or method in _HAS_A_BODY:
        length = ((b"Content-Length", b"%d" % len(body or b"")),)
    made = httpx.Request.__new__(httpx.Request)
    made.method, made.url, made.extensions = method, url, extensions
    made.headers = _headers((*fields, *length))
    made.stream = httpx.ByteStream(body) if body else _NO_BODY
    return made


def changed_request(
    request: httpx.Request,
    *,
    url: httpx.URL | None = None,
    more: Fields = (),
    extensions: dict[str, Any] | None = None,
) -> httpx.Request:
    """The same request to another URL, with ``more`` fields, or with other extensions. Its headers are its own.

    The extensions are the same dictionary where no other is given.
    """
    made = httpx.Request.__new__(httpx.Request)
    made.method, made.stream = request.method, request.stream
    made.url = request.url if url is None else url
    made.headers = httpx.Headers(request.headers)
    if more:
        made.headers._list += [(name, name.lower(), value) for name, value in more]  # noqa: SLF001 - see above
    made.extensions = request.extensions if extensions is None else extensions
    return made


def body_of(request: httpx.Request) -> bytes:
    """A request's body. All that adapters ask is held in memory."""
    assert isinstance(request.stream, httpx.ByteStream)  # noqa: S101 - as adapters make it
    return b"".join(request.stream)


def new_response(
    status: int, fields: Iterable[tuple[bytes, bytes]], stream: httpx.AsyncByteStream, extensions: dict[str, Any]
) -> httpx.Response:
    """An answer whose body is still to be read."""
    made = httpx.Response.__new__(httpx.Response)
    made.__dict__ = {
        **_UNREAD,
        "status_code": status,
        "headers": _headers(fields),
        "stream": stream,
        "extensions": extensions,
        "history": [],
    }
    return made


def finished_response(
    status: int, fields: Iterable[tuple[bytes, bytes]], body: bytes, extensions: dict[str, Any]
) -> httpx.Response:
    """An answer that has been read whole, whose fields say nothing of a coding any more."""
    made = new_response(status, fields, httpx.ByteStream(body), extensions)
    made._content = body  # noqa: SLF001 - see above
    made.is_stream_consumed = made.is_closed = True
    return made


def has_field(response: httpx.Response, name: bytes) -> bool:
    """Whether an answer has a field of this name, in lower case."""
    return any(lowered == name for _, lowered, _ in response.headers._list)  # noqa: SLF001 - see above


def fields_without(headers: httpx.Headers, names: Collection[bytes]) -> tuple[tuple[bytes, bytes], ...]:
    """All fields, as they are written, but those of these names, in lower case."""
    return tuple([(name, value) for name, lowered, value in headers._list if lowered not in names])  # noqa: SLF001 - see above


async def let_go(response: httpx.Response) -> None:
    """Closes an answer that nobody looks at any more."""
    if not response.is_closed:
        assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101 - an asynchronous transport's answer
        response.is_closed = True
        await response.stream.aclose()


def _headers(fields: Iterable[tuple[bytes, bytes]]) -> httpx.Headers:
    made = httpx.Headers.__new__(httpx.Headers)
    made._list = [(name, name.lower(), value) for name, value in fields]  # noqa: SLF001 - see above
    made._encoding = None  # noqa: SLF001 - see above
    return made
