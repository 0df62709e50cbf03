"""Reads are tried again where that may help: what broke off, what the vendor asks patience for, what passes by itself.

A loop of our own: stamina repeats on exceptions, while most of this is about answers, which are handed up when trying
again is no use; and it cannot ask before it waits whether the wait ends before the deadline.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import httpx

from adapters.errors import RateLimited, Unavailable
from adapters.messages import content_of
from adapters.patience import no_hidden_outage, retry_after
from gateway.upstream.calls import Call, TurnedAway, call_of

__all__ = ["RetryBudget", "RetryTransport"]

ATTEMPTS = 3
"""Where one call in ten is reset, one read in a thousand still fails after three; a fourth would be load."""

FIRST_WAIT = 0.2
"""Seconds: the longest wait before the second attempt; twice that before the third. Resets pass at once, a restarted
worker is there within some tenths of a second, and somebody is waiting for the answer."""

SHARE = 0.2
"""Of a backend's calls, at most so many are attempts more than the first: what breaks under load must not get more."""

FIRST_TOKENS = 3.0
MOST_TOKENS = 10.0
"""What may be tried again before any call has earned it, and what quiet times save up for a bad moment."""

_STATUSES = frozenset((429, 502, 503, 504))
_BROKEN_OFF = (httpx.NetworkError, httpx.ConnectTimeout, httpx.RemoteProtocolError)


class RetryBudget:
    """A backend's tokens: each call earns a part of one, each repetition costs one."""

    def __init__(self) -> None:
        self._tokens = FIRST_TOKENS

    def earn(self) -> None:
        """Notes a call."""
        self._tokens = min(MOST_TOKENS, self._tokens + SHARE)

    def spend(self) -> bool:
        """Whether something may be tried again; then it counts."""
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class RetryTransport(httpx.AsyncBaseTransport):
    """Tries reads up to `ATTEMPTS` times, with full jitter, or when the vendor says so. Never a write.

    An answer or a failure is passed up at once where the next attempt would begin after the deadline. Of a stream only
    the head is tried again.
    """

    def __init__(
        self,
        inner: httpx.AsyncBaseTransport,
        *,
        is_outage: Callable[[int, bytes], bool] = no_hidden_outage,
        patience: Callable[[httpx.Headers], float | None] = retry_after,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._inner = inner
        self._is_outage = is_outage
        self._patience = patience
        self._sleep = sleep
        self._jitter = jitter
        self._budget = RetryBudget()

    def handle_async_request(self, request: httpx.Request) -> Coroutine[Any, Any, httpx.Response]:
        """Passes the request on, until it has an answer that is one."""
        call = call_of(request)
        assert call is not None  # noqa: S101 - the deadline, outside, has made it
        if call.info.write:
            call.attempts = 1
            return self._inner.handle_async_request(request)
        self._budget.earn()
        return self._tried(request, call)

    def begin(self, call: Call) -> None:
        """Notes a read's first attempt, which is made by somebody else; then `after` and `go_on` are his to call."""
        self._budget.earn()
        call.attempts = 1

    def after(self, call: Call, came: httpx.Response | BaseException) -> float | None:
        """Seconds until what an attempt came to is to be tried again; None where it is not."""
        if isinstance(came, httpx.Response):
            body = b"" if call.info.stream else content_of(came)
            if came.status_code not in _STATUSES and not self._is_outage(came.status_code, body):
                return None
            return self._wait(call, self._patience(came.headers))
        if isinstance(came, _BROKEN_OFF):
            return self._wait(call, None)
        if isinstance(came, Unavailable | RateLimited) and not isinstance(came, TurnedAway):  # of a sign-in
            return self._wait(call, came.retry_after)
        return None

    async def go_on(self, request: httpx.Request, wait: float) -> httpx.Response:
        """Tries a read again after so many seconds, which `after` has said."""
        call = call_of(request)
        assert call is not None  # noqa: S101 - as above
        await self._sleep(wait)
        return await self._tried(request, call)

    async def _tried(self, request: httpx.Request, call: Call) -> httpx.Response:
        while True:
            call.attempts += 1
            try:
                response = await self._inner.handle_async_request(request)
            except Exception as error:
                wait = self.after(call, error)
                if wait is None:
                    raise
            else:
                wait = self.after(call, response)
                if wait is None:
                    return response
                await response.aclose()
            await self._sleep(wait)

    async def aclose(self) -> None:
        """Closes the inner transport."""
        await self._inner.aclose()

    def _wait(self, call: Call, asked: float | None) -> float | None:
        """Seconds until the next attempt, not before the vendor says, nor all callers at that moment; None: no more."""
        seconds = (asked or 0.0) + FIRST_WAIT * 2 ** (call.attempts - 1) * self._jitter()
        goes_on = call.attempts < ATTEMPTS and seconds < call.remaining() and self._budget.spend()
        return seconds if goes_on else None
