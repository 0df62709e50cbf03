"""httpx's URLs, requests and responses, made of parts that are known to be right already.

What httpx's own constructors find out (how to quote, which headers a body needs, how to decode) costs more than the
rest of a call. What is made here is what they would have made: tests hold the two against each other.
"""

import functools
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import httpx

__all__ = [
    "BoundedBody",
    "Row",
    "TooLargeError",
    "body_of",
    "changed_request",
    "content_of",
    "finished_response",
    "has_any_field",
    "has_field",
    "headers_of",
    "headers_without",
    "let_go",
    "new_request",
    "new_response",
    "parts_of",
    "path_of",
    "rows_of",
    "same_server_url",
    "server_of",
]

Row = tuple[bytes, bytes, bytes]
"""A header field as httpx keeps it: its name as it is written, the same in lower case, and its value."""

Fields = Sequence[tuple[bytes, bytes]]
FieldsOrHeaders = Iterable[tuple[bytes, bytes]] | httpx.Headers

_HAS_A_BODY = frozenset(("POST", "PUT", "PATCH"))
_NO_BODY = httpx.ByteStream(b"")
_UNREAD: Mapping[str, Any] = vars(httpx.Response(200, stream=_NO_BODY))
_READ: Mapping[str, Any] = {**_UNREAD, "is_stream_consumed": True, "is_closed": True}


class TooLargeError(Exception):
    """A body has more bytes than it may."""


class BoundedBody(httpx.AsyncByteStream):
    """An answer's body that can be read in one go, up to a bound."""

    async def read(self, most: int) -> bytes:
        """All of it. Raises `TooLargeError` past ``most`` bytes, and what iterating raises."""
        raise NotImplementedError


def same_server_url(base: httpx.URL, path: str, query: str | None) -> httpx.URL:
    """The URL of this path and query at the server of ``base``. Both are ASCII, and quoted in the normal form."""
    at = base._uri_reference  # noqa: SLF001 - see above
    made = httpx.URL.__new__(httpx.URL)
    made._uri_reference = tuple.__new__(type(at), (*at[:4], path, query, None))  # noqa: SLF001 - see above
    return made


def path_of(url: httpx.URL) -> str:
    """A URL's path as it is sent: quoted, and without the query."""
    return url._uri_reference.path or "/"  # noqa: SLF001 - see above


def parts_of(url: httpx.URL) -> Any:
    """All that a URL is made of, as a named tuple: scheme, userinfo, host, port, path, query, fragment.

    Two are the same where these are, and `str` makes the text of them.
    """
    return url._uri_reference  # noqa: SLF001 - see above


def new_request(
    method: str, url: httpx.URL, fields: Fields, body: bytes | None, extensions: dict[str, Any]
) -> httpx.Request:
    """A request with its body. The fields begin with ``Host``, and are none of those that tell how long a body is."""
    if body or method in _HAS_A_BODY:
        fields = (*fields, (b"Content-Length", b"%d" % len(body or b"")))
    made = httpx.Request.__new__(httpx.Request)
    made.method, made.url, made.extensions = method, url, extensions
    made.headers = headers_of([*_rows(tuple(fields))])
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
    rows = request.headers._list  # noqa: SLF001 - see above
    made.headers = headers_of([*rows, *[(name, name.lower(), value) for name, value in more]])
    made.extensions = request.extensions if extensions is None else extensions
    return made


def body_of(request: httpx.Request) -> bytes:
    """A request's body. All that adapters ask is held in memory."""
    stream: Any = request.stream
    body: bytes = stream._stream  # noqa: SLF001 - see above
    return body


def headers_of(rows: list[Row]) -> httpx.Headers:
    """Fields out of rows. The list is theirs then."""
    made = httpx.Headers.__new__(httpx.Headers)
    made._list = rows  # noqa: SLF001 - see above
    made._encoding = None  # noqa: SLF001 - see above
    return made


def rows_of(headers: httpx.Headers) -> list[Row]:
    """The rows of `headers_of`; they stay the headers'."""
    return headers._list  # noqa: SLF001 - see above


def server_of(url: httpx.URL) -> tuple[str, str, str, int | None]:
    """What a connection is to, as a key: the scheme, who asks, the host and the port if it is not the usual one."""
    return url._uri_reference[:4]  # noqa: SLF001 - see above


def new_response(
    status: int, fields: FieldsOrHeaders, stream: httpx.AsyncByteStream, extensions: dict[str, Any]
) -> httpx.Response:
    """An answer whose body is still to be read. Headers that are given are its own then."""
    made = httpx.Response.__new__(httpx.Response)
    made.__dict__ = {
        **_UNREAD,
        "status_code": status,
        "headers": fields if isinstance(fields, httpx.Headers) else _headers(fields),
        "stream": stream,
        "extensions": extensions,
        "history": [],
    }
    return made


def finished_response(status: int, fields: FieldsOrHeaders, body: bytes, extensions: dict[str, Any]) -> httpx.Response:
    """An answer that has been read whole, and whose body has no coding."""
    made = httpx.Response.__new__(httpx.Response)
    made.__dict__ = {
        **_READ,
        "status_code": status,
        "headers": fields if isinstance(fields, httpx.Headers) else _headers(fields),
        "stream": httpx.ByteStream(body),
        "_content": body,
        "extensions": extensions,
        "history": [],
    }
    return made


def content_of(response: httpx.Response) -> bytes:
    """The body of an answer that has been read."""
    return response._content  # noqa: SLF001 - see above


def has_field(response: httpx.Response, name: bytes) -> bool:
    """Whether an answer has a field of this name, in lower case."""
    return any(lowered == name for _, lowered, _ in response.headers._list)  # noqa: SLF001 - see above


def has_any_field(response: httpx.Response, names: Collection[bytes]) -> bool:
    """Whether an answer has a field of one of these names, in lower case."""
    for row in response.headers._list:  # noqa: SIM110, SLF001 - see above; quicker
        if row[1] in names:
            return True
    return False


def headers_without(headers: httpx.Headers, names: Collection[bytes]) -> httpx.Headers:
    """The same headers but those of these names, in lower case."""
    return headers_of([row for row in headers._list if row[1] not in names])  # noqa: SLF001 - see above


async def let_go(response: httpx.Response) -> None:
    """Closes an answer that nobody looks at any more."""
    if not response.is_closed:
        assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101 - an asynchronous transport's answer
        response.is_closed = True
        await response.stream.aclose()


def _headers(fields: Iterable[tuple[bytes, bytes]]) -> httpx.Headers:
    return headers_of([(name, name.lower(), value) for name, value in fields])


@functools.lru_cache(maxsize=256)  # most requests to a backend begin with the same
def _rows(fields: tuple[tuple[bytes, bytes], ...]) -> tuple[Row, ...]:
    return tuple([(name, name.lower(), value) for name, value in fields])
