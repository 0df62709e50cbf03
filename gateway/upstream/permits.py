"""How many calls a backend is asked at once: the rest wait their turn."""

import asyncio
from collections.abc import AsyncIterator

import httpx

from adapters.wire import EXTENSION, CallInfo

__all__ = ["Permits", "PermitsTransport"]


class Permits:
    """``concurrency`` calls at once; ``remaining`` may begin now, ``queued`` are waiting for their turn."""

    resets_at = None
    """There is no limit over time."""

    def __init__(self, concurrency: int) -> None:
        self._semaphore = asyncio.Semaphore(concurrency)
        self.remaining = concurrency
        self.queued = 0

    async def acquire(self) -> None:
        """Waits for a turn."""
        self.queued += 1
        try:
            await self._semaphore.acquire()
            self.remaining -= 1
        finally:
            self.queued -= 1

    def release(self) -> None:
        """Ends a turn."""
        self.remaining += 1
        self._semaphore.release()


class _HeldStream(httpx.AsyncByteStream):
    """A stream's body that ends the call's turn when it is closed."""

    def __init__(self, inner: httpx.AsyncByteStream, permits: Permits) -> None:
        self._inner = inner
        self._permits: Permits | None = permits

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._inner:
            yield chunk

    async def aclose(self) -> None:
        try:
            await self._inner.aclose()
        finally:
            if self._permits is not None:
                self._permits.release()
                self._permits = None


class PermitsTransport(httpx.AsyncBaseTransport):
    """Lets as many calls through at once as the backend bears; a stream's turn lasts until it is closed."""

    def __init__(self, inner: httpx.AsyncBaseTransport, permits: Permits) -> None:
        self._inner = inner
        self._permits = permits

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Passes the request on in its turn; `httpx.PoolTimeout` when that does not come in the request's time."""
        try:
            async with asyncio.timeout(request.extensions.get("timeout", {}).get("pool")):
                await self._permits.acquire()
        except TimeoutError:
            raise httpx.PoolTimeout("too many calls to this backend are under way", request=request) from None
        try:
            response = await self._inner.handle_async_request(request)
        except BaseException:
            self._permits.release()
            raise
        info: CallInfo = request.extensions[EXTENSION]
        if not info.stream:
            self._permits.release()
            return response
        assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101 - an asynchronous transport's answer
        response.stream = _HeldStream(response.stream, self._permits)
        return response

    async def aclose(self) -> None:
        """Closes the inner transport."""
        await self._inner.aclose()
