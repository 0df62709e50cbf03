"""Every call ends: waiting for a turn, signing in, trying again and reading the answer all count against one deadline.

httpx has time-outs for each step alone; a vendor that sends a byte a second never comes to one.
"""

import asyncio
import contextvars
import math
import time
from collections.abc import AsyncIterator, Coroutine
from typing import Any, Protocol

import httpx

from adapters.wire import EXTENSION
from gateway.upstream.calls import Call, begin_call, call_of
from gateway.upstream.whole_answers import whole

__all__ = ["DeadlineTransport", "SignInDeadlineTransport", "begin_in_time", "over"]

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
        self.seconds = seconds
        self._stream_seconds = stream_seconds
        self.watches = Watches()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Passes the request on."""
        call = begin_in_time(request, self.seconds)
        watch = _Watch(call)
        self.watches.begin(watch)
        try:
            response = await self._inner.handle_async_request(request)
        except asyncio.CancelledError:
            if not watch.is_the_cause():
                raise
            raise over(call, request) from None
        finally:
            self.watches.end(watch)
            watch.end()
            call.ended = time.monotonic()
        if call.info.stream:
            assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101 - an asynchronous transport's answer
            response.stream = _TimedStream(response.stream, self._stream_seconds)
        return response

    async def aclose(self) -> None:
        """Closes the inner transport."""
        self.watches.close()
        await self._inner.aclose()


def begin_in_time(request: httpx.Request, seconds: float) -> Call:
    """Gives a request its `Call`. Raises `httpx.PoolTimeout` where the operation's time is over already."""
    call = begin_call(request, seconds)
    if call.deadline <= call.begun:
        call.ended = call.begun
        raise httpx.PoolTimeout("the operation's time was over before this call", request=request)
    return call


def over(call: Call, request: httpx.Request) -> httpx.TimeoutException:
    """What a call ends with that has come to its deadline."""
    kind = httpx.ReadTimeout if call.sent else httpx.PoolTimeout
    return kind("the deadline is over", request=request)


class Watched(Protocol):
    """What is told when its call's time is over."""

    call: Call

    def over(self) -> None:
        """It is."""


class _Watch:
    """Cancels the task that begins it when the call's time is over: `asyncio.timeout` for one use, and cheaper."""

    __slots__ = ("_cancelled", "_cancelling", "_task", "call")

    def __init__(self, call: Call) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - what awaits a call runs in one
        self._task = task
        self.call = call
        self._cancelled = False
        self._cancelling = task.cancelling()

    def is_the_cause(self) -> bool:
        """Whether the task is cancelled for this alone; then it no longer is."""
        if not self._cancelled:
            return False
        self._cancelled = False
        return self._task.uncancel() <= self._cancelling

    def end(self) -> None:
        """The call has ended, in whatever way."""
        if self._cancelled:
            self._task.uncancel()

    def over(self) -> None:
        """The call's time is over."""
        self._cancelled = True
        self._task.cancel()


class Watches:
    """The watches of the calls under way, with one timer for all: nearly all end long before their time.

    It rings for the earliest deadline there was, and then looks at what is left. A deadline only ever moves away.
    """

    def __init__(self) -> None:
        self._under_way: set[Watched] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._rings = math.inf

    def begin(self, watch: Watched) -> None:
        """Tells it when its call's time is over."""
        self._under_way.add(watch)
        if watch.call.deadline < self._rings:
            self._ring_at(watch.call.deadline)

    def end(self, watch: Watched) -> None:
        """Does not tell it any more."""
        self._under_way.discard(watch)

    def close(self) -> None:
        """Looks at nothing more."""
        if self._timer is not None:
            self._timer.cancel()

    def _ring_at(self, deadline: float) -> None:
        self.close()
        self._rings = deadline
        self._timer = asyncio.get_running_loop().call_later(
            max(0.0, deadline - time.monotonic()), self._look, context=contextvars.Context()
        )

    def _look(self) -> None:
        self._timer, self._rings = None, math.inf
        now = time.monotonic()
        late = [watch for watch in self._under_way if watch.call.deadline <= now]
        self._under_way.difference_update(late)
        if self._under_way:
            self._ring_at(min(watch.call.deadline for watch in self._under_way))
        loop = asyncio.get_running_loop()
        for watch in late:
            try:
                watch.over()
            except Exception as error:  # noqa: BLE001 - the others are told too
                loop.call_exception_handler(
                    {"message": "A call whose time was over could not end.", "exception": error}
                )


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

    def handle_async_request(self, request: httpx.Request) -> Coroutine[Any, Any, httpx.Response]:
        """Passes the request on."""
        return self._in_time(request) if call_of(request) is None else self._inner.handle_async_request(request)

    async def _in_time(self, request: httpx.Request) -> httpx.Response:
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
