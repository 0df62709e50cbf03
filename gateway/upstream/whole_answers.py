"""Reads answers whole, so that the policies above see finished ones, and a broken body is a call that failed."""

from collections.abc import Iterable

import httpx

from adapters.content_coding import undone
from adapters.messages import finished_response, headers_of, headers_without, let_go
from adapters.wire import EXTENSION, CallInfo, bounded, bounded_whole, read_bounded
from gateway.upstream.answers import Answer

__all__ = ["WholeAnswersTransport", "whole", "whole_answer"]

_CODING = b"content-encoding"
_OF_THE_CODED_BODY = frozenset((b"content-encoding", b"content-length", b"transfer-encoding"))


class WholeAnswersTransport(httpx.AsyncBaseTransport):
    """Reads each answer that is not a stream, up to the bound of `adapters.wire`, and lets its connection go."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Passes the request on."""
        response = await self._inner.handle_async_request(request)
        info: CallInfo = request.extensions[EXTENSION]
        return response if info.stream else await whole(response, info)

    async def aclose(self) -> None:
        """Closes the inner transport."""
        await self._inner.aclose()


async def whole(response: httpx.Response, info: CallInfo) -> httpx.Response:
    """The same answer with its body read and decoded, and closed."""
    if response.is_stream_consumed:  # it came in one piece
        bounded(response, info)
        response.headers = headers_without(response.headers, _OF_THE_CODED_BODY)
        return response
    try:
        body = await read_bounded(response, info)
    finally:
        await let_go(response)
    headers = headers_without(response.headers, _OF_THE_CODED_BODY)
    return finished_response(response.status_code, headers, body, response.extensions)


def whole_answer(answer: Answer, info: CallInfo) -> httpx.Response:
    """The same of an answer that has been read by itself, whole or up to the bound."""
    pieces: Iterable[bytes] = answer.pieces
    if answer.is_coded:
        said = [value.decode("latin-1") for _, lowered, value in answer.headers if lowered == _CODING]
        pieces = undone(answer.body(), ", ".join(said))
    return finished_response(
        answer.status,
        headers_of([row for row in answer.headers if row[1] not in _OF_THE_CODED_BODY]),
        bounded_whole(pieces, info),
        {"http_version": answer.version, "reason_phrase": answer.reason},
    )
