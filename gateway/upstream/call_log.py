"""Tells each call of an adapter once, whatever was tried for it: a line in the log, the metrics, a span of the trace.

What is told holds no URL: a call is known by its backend, its operation and its route, which has no ids.
"""

import logging
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any

import httpx
import structlog

from adapters.errors import AdapterError, RateLimited, Rejected, TimedOut, Unavailable
from gateway.metrics import Metrics
from gateway.upstream.calls import FAILURES, Call, CallOutcome, TurnedAway, call_of
from gateway.upstream.needs import current_need

if TYPE_CHECKING:
    from gateway.tracing import Tracing

__all__ = ["CallLogTransport"]

LOGGER = "postroom.upstream"
log = structlog.get_logger(LOGGER)

SLOW_SECONDS = 2.0
"""The vendors answer in 80 to 800 ms: what takes more than twice the longest waited, was repeated, or met trouble."""

_FIRST_ERROR = 400
_FIRST_SERVER_ERROR = 500
_BY_STATUS: Mapping[int, CallOutcome] = {404: CallOutcome.NOT_FOUND, 429: CallOutcome.LIMITED}

_BY_FAILURE: Mapping[type[BaseException], CallOutcome] = {
    httpx.PoolTimeout: CallOutcome.NO_TURN,
    httpx.ConnectTimeout: CallOutcome.UNREACHABLE,
    httpx.ConnectError: CallOutcome.UNREACHABLE,
    httpx.UnsupportedProtocol: CallOutcome.UNREACHABLE,
    httpx.TimeoutException: CallOutcome.TIMEOUT,
    httpx.RequestError: CallOutcome.BROKEN_OFF,
    httpx.DecodingError: CallOutcome.MALFORMED,
    RateLimited: CallOutcome.LIMITED,
    TimedOut: CallOutcome.TIMEOUT,
    Unavailable: CallOutcome.BROKEN_OFF,
    Rejected: CallOutcome.SIGN_IN,
    TurnedAway: CallOutcome.TURNED_AWAY,
    AdapterError: CallOutcome.MALFORMED,
    BaseException: CallOutcome.LEFT,
}
"""By the nearest class. An adapter's error comes from a sign-in, or from reading the answer whole."""


class CallLogTransport(httpx.AsyncBaseTransport):
    """Tells every call that goes through it.

    A line is of level INFO where the call failed or was slow: with an outage comes one WARNING for each incident, which
    says what it meant to whoever asked. All others are DEBUG, and not even made unless somebody listens.
    """

    def __init__(
        self,
        inner: httpx.AsyncBaseTransport,
        metrics: Metrics,
        tracing: "Tracing | None" = None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._inner = inner
        self._metrics = metrics
        self._tracing = tracing
        self._monotonic = monotonic
        self._logger = logging.getLogger(LOGGER)

    def handle_async_request(self, request: httpx.Request) -> Coroutine[Any, Any, httpx.Response]:
        """Passes the request on."""
        call = call_of(request)
        assert call is not None  # noqa: S101 - begun by the deadline, which is outside
        call.need = current_need()
        return self._told(request, call) if self._tracing is None else self._traced(request, call, self._tracing)

    async def aclose(self) -> None:
        """Closes the inner transport."""
        await self._inner.aclose()

    async def _traced(self, request: httpx.Request, call: Call, tracing: "Tracing") -> httpx.Response:
        with tracing.call(call, request):
            return await self._told(request, call)

    async def _told(self, request: httpx.Request, call: Call) -> httpx.Response:
        begun = self._monotonic()
        try:
            response = await self._inner.handle_async_request(request)
        except BaseException as error:
            self.failed(call, self._monotonic() - begun, error)
            raise
        self.answered(call, self._monotonic() - begun, response.status_code)
        return response

    def answered(self, call: Call, seconds: float, status: int) -> None:
        """Tells a call that was answered, after so many seconds."""
        call.status, call.outcome = status, _of_status(status)
        self._tell(call, seconds, None)

    def failed(self, call: Call, seconds: float, failure: BaseException) -> None:
        """Tells one that was not."""
        call.status = getattr(failure, "status", None) or call.status
        call.outcome = _of_failure(failure)
        self._tell(call, seconds, failure)

    def _tell(self, call: Call, seconds: float, failure: BaseException | None) -> None:
        self._metrics.call_ended(call, seconds)
        loud = seconds >= SLOW_SECONDS or (call.outcome is not CallOutcome.ANSWERED and call.outcome in FAILURES)
        level = logging.INFO if loud else logging.DEBUG
        if not self._logger.isEnabledFor(level):
            return
        members = {
            "backend": call.info.backend,
            "operation": call.info.operation,
            "route": call.info.route,
            "outcome": call.outcome,
            "status": call.status,
            "seconds": round(seconds, 4),
            "queued": round(call.queued, 4),
            "attempts": call.attempts,
            "cache": call.cache,
            "shared": call.shared,
            "error": None if failure is None else type(failure).__name__,
            "vendor_request": getattr(failure, "request_id", None),
        }
        log.log(level, "vendor call", **members)


def _of_status(status: int) -> CallOutcome:
    if status < _FIRST_ERROR:
        return CallOutcome.ANSWERED
    usual = CallOutcome.SERVER_ERROR if status >= _FIRST_SERVER_ERROR else CallOutcome.REFUSED
    return _BY_STATUS.get(status, usual)


def _of_failure(error: BaseException) -> CallOutcome:
    outcome = next(_BY_FAILURE[kind] for kind in type(error).__mro__ if kind in _BY_FAILURE)
    if outcome is not CallOutcome.BROKEN_OFF or not isinstance(error, Unavailable):
        return outcome
    if error.status is not None:  # of a sign-in, whatever it proves of the call
        return CallOutcome.SERVER_ERROR
    return CallOutcome.UNREACHABLE if error.never_sent else outcome
