"""Every call ends: waiting for a turn, signing in, trying again and reading the answer all count against one deadline.

httpx has time-outs for each step alone; a vendor that sends a byte a second never comes to one.
"""

import asyncio
import time
from collections.abc import AsyncIterator

import httpx

from adapters.wire import EXTENSION
from gateway.upstream.calls import Call, begin_call, call_of
from gateway.upstream.whole_answers import whole

__all__ = ["DeadlineTransport", "SignInDeadlineTransport"]

STREAM_SECONDS = 600.0
"""For the body of a file, whose reader may be slow too: 60 MB at 100 kB a second."""


class DeadlineTransport(httpx.AsyncBaseTransport):
    """The outermost policy: gives each request its `Call`, and ends it by its deadline.

    What was not sent by then fails with `httpx.PoolTimeout`, which proves that nothing was done; what was, with
    `httpx.ReadTimeout`. A write's time begins anew with its turn. A stream has its head by the deadline, and its body
    in ``stream_seconds`` from then. A caller who leaves is not held up.
    """

    def __init__(
        self, inner: httpx.AsyncBaseTransport, seconds: float, *, stream_seconds: float = STREAM_SECONDS
    ) -> None:
        self._inner = inner
        self._seconds = seconds
        self._stream_seconds = stream_seconds

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Passes the request on."""
        call = begin_call(request, self._seconds)
        try:
            response = await self._in_time(request, call)
        finally:
            call.ended, call.prolonged = time.monotonic(), None
        if call.info.stream:
            assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101 - an asynchronous transport's answer
            response.stream = _TimedStream(response.stream, self._stream_seconds)
        return response

    async def aclose(self) -> None:
        """Closes the inner transport."""
        await self._inner.aclose()

    async def _in_time(self, request: httpx.Request, call: Call) -> httpx.Response:
        seconds = call.remaining()
        if not seconds:
            raise httpx.PoolTimeout("the operation's time was over before this call", request=request)
        scope = asyncio.timeout(seconds)
        try:
            async with scope:
                call.prolonged = lambda: scope.reschedule(asyncio.get_running_loop().time() + call.remaining())
                return await self._inner.handle_async_request(request)
        except TimeoutError:
            if not scope.expired():
                raise
            kind = httpx.ReadTimeout if call.sent else httpx.PoolTimeout
            raise kind("the deadline is over", request=request) from None


class _TimedStream(httpx.AsyncByteStream):
    """An answer's body that ends in `httpx.ReadTimeout` when it has not come in so many seconds from now."""

    def __init__(self, inner: httpx.AsyncByteStream, seconds: float) -> None:
        self._inner = inner
        self._until = asyncio.get_running_loop().time() + seconds

    async def __aiter__(self) -> AsyncIterator[bytes]:
        pieces = aiter(self._inner)
        while (piece := await self._next(pieces)) is not None:
            yield piece

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def _next(self, pieces: AsyncIterator[bytes]) -> bytes | None:
        scope = asyncio.timeout_at(self._until)
        try:
            async with scope:
                return await anext(pieces, None)
        except TimeoutError:
            if not scope.expired():
                raise
            raise httpx.ReadTimeout("the body has not come in time") from None


class SignInDeadlineTransport(httpx.AsyncBaseTransport):
    """Ends what a credential asks by itself in so many seconds, its answer read.

    It belongs to no call: whoever waits for it has a deadline, but it would go on, and the next would wait for it too.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport, seconds: float) -> None:
        self._inner = inner
        self._seconds = seconds

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Passes the request on."""
        if call_of(request) is not None:
            return await self._inner.handle_async_request(request)
        scope = asyncio.timeout(self._seconds)
        try:
            async with scope:
                response = await self._inner.handle_async_request(request)
                return await whole(response, request.extensions[EXTENSION])
        except TimeoutError:
            if not scope.expired():
                raise
            raise httpx.ReadTimeout("the deadline is over", request=request) from None

    async def aclose(self) -> None:
        """Closes the inner transport."""
        await self._inner.aclose()
