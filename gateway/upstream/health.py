"""What is known of a backend without asking it now: whether its last calls were answered."""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum

import httpx

from adapters.errors import AdapterError, TimedOut, Unavailable
from gateway.problems import Problem, ProblemCode
from gateway.upstream.calls import Call, call_of

__all__ = ["Health", "HealthState", "HealthTransport"]

SERVER_ERROR = 500


class HealthState(StrEnum):
    """UP: the last call was answered. DEGRADED: it was answered with a server error.

    DOWN: it was not answered, or the backend is left alone because too many calls failed.
    """

    UP = "UP"
    DEGRADED = "DEGRADED"
    DOWN = "DOWN"
    UNKNOWN = "UNKNOWN"


_UP, _DEGRADED = HealthState.UP, HealthState.DEGRADED
_PROBLEMS = {
    HealthState.DEGRADED: Problem(
        code=ProblemCode.UNAVAILABLE, message="The last call was answered with a server error.", retryable=True
    ),
    HealthState.DOWN: Problem(code=ProblemCode.UNAVAILABLE, message="The last call was not answered.", retryable=True),
}


class Health:
    """A backend's state, and since when."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._seen = HealthState.UNKNOWN
        self._left_alone: frozenset[str] = frozenset()
        self.state = HealthState.UNKNOWN
        self.since: datetime | None = None
        self.problem: Problem | None = None

    def saw(self, state: HealthState) -> None:
        """Notes what the latest call showed."""
        if state is not self._seen:
            self._seen = state
            self._tell()

    def answered(self, status: int) -> None:
        """Notes that a call has been answered so."""
        state = _UP if status < SERVER_ERROR else _DEGRADED
        if state is not self._seen:
            self.saw(state)

    def failed(self, error: BaseException, call: Call | None, had: float) -> None:
        """Notes what became of a call that was not answered, for which the vendor ``had`` so many seconds.

        The error may be a sign-in's. A caller who leaves shows nothing, unless the call's time was over.
        """
        if isinstance(error, httpx.TransportError | Unavailable | TimedOut):
            self.saw(HealthState.DOWN if getattr(error, "status", None) is None else HealthState.DEGRADED)
        elif isinstance(error, AdapterError):
            self.saw(HealthState.UP)
        elif isinstance(error, asyncio.CancelledError) and call is not None and call.ran_out(had):
            self.saw(HealthState.DOWN)

    def leaves_alone(self, what: str, left: bool) -> None:  # noqa: FBT001 - a fact about ``what``
        """Notes that ``reading`` from the backend or ``sending`` to it rests, or goes on."""
        self._left_alone = self._left_alone | {what} if left else self._left_alone - {what}
        self._tell()

    def rests(self, what: str) -> bool:
        """Whether ``reading`` or ``sending`` rests."""
        return what in self._left_alone

    def _tell(self) -> None:
        state, problem = self._seen, _PROBLEMS.get(self._seen)
        if self._left_alone:
            state, problem = HealthState.DOWN, _left_alone(self._left_alone)
        if state is not self.state:
            self.state = state
            self.since = self._clock()
        self.problem = problem


def _left_alone(what: frozenset[str]) -> Problem:
    message = f"Too many calls failed: {' and '.join(sorted(what))} rests for now, and is tried again by itself."
    return Problem(code=ProblemCode.UNAVAILABLE, message=message, retryable=True)


class HealthTransport(httpx.AsyncBaseTransport):
    """Notes of every call whether it was answered, and of every sign-in that the credential inside does for it."""

    def __init__(self, inner: httpx.AsyncBaseTransport, health: Health) -> None:
        self._inner = inner
        self._health = health

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Passes the request on."""
        since, call = time.monotonic(), call_of(request)
        try:
            response = await self._inner.handle_async_request(request)
        except BaseException as error:
            self._health.failed(error, call, time.monotonic() - since)
            raise
        self._health.answered(response.status_code)
        return response

    async def aclose(self) -> None:
        """Closes the inner transport."""
        await self._inner.aclose()
