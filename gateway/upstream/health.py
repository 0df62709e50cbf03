"""What is known of a backend without asking it now: whether its last calls were answered."""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum

import httpx

from adapters.errors import AdapterError, TimedOut, Unavailable
from gateway.problems import Problem, ProblemCode
from gateway.upstream.calls import call_of

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
        except asyncio.CancelledError:
            if call is not None and call.ran_out(time.monotonic() - since):
                self._health.saw(HealthState.DOWN)
            raise
        except (httpx.TransportError, Unavailable, TimedOut) as error:
            answered = getattr(error, "status", None) is not None
            self._health.saw(HealthState.DEGRADED if answered else HealthState.DOWN)
            raise
        except AdapterError:
            self._health.saw(HealthState.UP)
            raise
        answered_well = response.status_code < SERVER_ERROR
        self._health.saw(HealthState.UP if answered_well else HealthState.DEGRADED)
        return response

    async def aclose(self) -> None:
        """Closes the inner transport."""
        await self._inner.aclose()
