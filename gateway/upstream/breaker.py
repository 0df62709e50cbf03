"""A backend that fails too often is left alone for a while, reading and sending each by itself.

While a breaker is open, calls fail at once and say when the backend is tried again. Then one call is the probe: when
it is answered the breaker closes, otherwise it stays open for longer.
"""

import contextvars
import math
import time
from collections import deque
from collections.abc import Callable
from enum import Enum

import httpx
import structlog
from msgspec import Struct

from adapters.errors import AdapterError, RateLimited, TimedOut, Unavailable
from adapters.messages import content_of
from adapters.patience import no_hidden_outage
from adapters.wire import CallInfo
from gateway.upstream.calls import Call, TurnedAway, call_of
from gateway.upstream.health import SERVER_ERROR, Health

__all__ = ["READING", "SENDING", "Breaker", "BreakerTransport", "Knobs", "Passage", "Result"]

_TOO_MANY_REQUESTS = 429
_LAST_STATUS = 599

log = structlog.get_logger("postroom.upstream")


class Knobs(Struct, frozen=True, kw_only=True):
    """When a breaker opens, and for how long. Times in seconds.

    It opens when of the last ``remembered`` calls, those older than ``window`` aside, at least ``least`` are known and
    ``rate`` of them failed. 429 is no failure, but for those from the ``streak``-th in a row: that is no peak any more.
    """

    remembered: int
    window: float
    least: int
    rate: float
    streak: int
    first_pause: float
    longest_pause: float


READING = Knobs(remembered=50, window=60.0, least=20, rate=0.5, streak=5, first_pause=1.0, longest_pause=30.0)
"""With one call in ten reset, half of 20 fail together once in 140,000 times; a dead vendor has failed 20 within
seconds of a page's loading. Somebody waits, and a probe does no harm: it is tried again soon."""

SENDING = Knobs(remembered=10, window=300.0, least=5, rate=0.5, streak=5, first_pause=2.0, longest_pause=300.0)
"""Each failed send may leave its whole batch in doubt: five are enough, and a probe of a vendor that stays broken costs
another. Sends are slow, so they are remembered for longer."""


class Result(Enum):
    """What a call showed of its backend. UNDECIDED: nothing, as when its caller left."""

    ANSWERED = "ANSWERED"
    LIMITED = "LIMITED"
    FAILED = "FAILED"
    UNDECIDED = "UNDECIDED"


class Breaker:
    """Open or closed. Whoever may pass (`pause` is 0) calls `begin`, and `end` with what that gave and the result."""

    def __init__(self, knobs: Knobs, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._knobs = knobs
        self._monotonic = monotonic
        self._outcomes: deque[tuple[float, bool]] = deque(maxlen=knobs.remembered)
        self._limited = 0
        self._era = 0
        self._probing = False
        self._until = 0.0
        self._next_pause = knobs.first_pause
        self.is_open = False

    def pause(self) -> float:
        """Seconds until the next call may pass: 0 for one that may now. During a probe nobody knows; soon, then."""
        if self._probing:
            return self._knobs.first_pause
        return max(0.0, self._until - self._monotonic()) if self.is_open else 0.0

    def begin(self) -> int:
        """Notes that a call passes. Results of calls begun before the latest opening or closing are not counted."""
        if self.is_open:
            self._probing = True
            self._era += 1
        return self._era

    def end(self, begun: int, result: Result) -> None:
        """Notes what a call came to."""
        if begun != self._era:
            return
        if self._probing:
            self._end_probe(result)
        elif result is not Result.UNDECIDED:
            self._count(result)

    def _end_probe(self, result: Result) -> None:
        self._probing = False
        if result is Result.ANSWERED:
            self.is_open = False
            self._era += 1
            self._next_pause = self._knobs.first_pause
        elif result is not Result.UNDECIDED:
            self._open()

    def _count(self, result: Result) -> None:
        self._limited = self._limited + 1 if result is Result.LIMITED else 0
        if 0 < self._limited < self._knobs.streak:
            return
        now = self._monotonic()
        self._outcomes.append((now, result is not Result.ANSWERED))
        if result is Result.ANSWERED:
            return
        while self._outcomes[0][0] <= now - self._knobs.window:
            self._outcomes.popleft()
        failures = sum(failed for _, failed in self._outcomes)
        if len(self._outcomes) >= self._knobs.least and failures >= self._knobs.rate * len(self._outcomes):
            self._open()

    def _open(self) -> None:
        self.is_open = True
        self._era += 1
        self._until = self._monotonic() + self._next_pause
        self._next_pause = min(self._knobs.longest_pause, self._next_pause * 2)
        self._outcomes.clear()
        self._limited = 0


class BreakerTransport(httpx.AsyncBaseTransport):
    """Two breakers before one backend. Which are open shows in its health."""

    def __init__(
        self,
        inner: httpx.AsyncBaseTransport,
        health: Health,
        *,
        is_outage: Callable[[int, bytes], bool] = no_hidden_outage,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._inner = inner
        self._health = health
        self._is_outage = is_outage
        self.monotonic = monotonic
        self._reading = Breaker(READING, monotonic)
        self._sending = Breaker(SENDING, monotonic)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Passes the request on, or raises `TurnedAway`, which proves that nothing was sent."""
        call = call_of(request)
        assert call is not None  # noqa: S101 - the deadline, outside, has made it
        breaker = self._sending if call.info.write else self._reading
        if pause := breaker.pause():
            raise _turned_away(call.info, pause)
        passage = Passage(self, breaker, call)
        try:
            response = await self._inner.handle_async_request(request)
            passage.answered(response)
        except BaseException as error:
            passage.failed(error)
            raise
        return response

    def plain_passage(self, call: Call) -> "Passage | None":
        """Lets a read pass where nothing is amiss with reading."""
        return None if self._reading.is_open else Passage(self, self._reading, call)

    async def aclose(self) -> None:
        """Closes the inner transport."""
        await self._inner.aclose()

    def end(self, breaker: Breaker, begun: int, result: Result, info: CallInfo) -> None:
        """Notes what a call came to, and tells when a breaker opens or closes with it."""
        was_open = breaker.is_open
        breaker.end(begun, result)
        if breaker.is_open is not was_open:
            contextvars.Context().run(self._tell, breaker, info)  # of no operation: many have had their part in it

    def _tell(self, breaker: Breaker, info: CallInfo) -> None:
        what = "sending" if info.write else "reading"
        self._health.leaves_alone(what, breaker.is_open)
        said = "a backend is left alone" if breaker.is_open else "a backend is used again"
        log.warning(said, backend=info.backend, what=what, seconds=round(breaker.pause(), 1))

    def of_answer(self, info: CallInfo, response: httpx.Response) -> Result:
        """What an answer shows."""
        body, status = b"" if info.stream else content_of(response), response.status_code
        if status == _TOO_MANY_REQUESTS:
            return Result.LIMITED
        failed = SERVER_ERROR <= status <= _LAST_STATUS or self._is_outage(status, body)
        return Result.FAILED if failed else Result.ANSWERED


class Passage:
    """A call that a breaker let pass. Either `answered` or `failed` says what became of it."""

    __slots__ = ("_before", "_begun", "_breaker", "_breakers", "_call", "_queued")

    def __init__(self, breakers: BreakerTransport, breaker: Breaker, call: Call) -> None:
        self._breakers = breakers
        self._breaker = breaker
        self._call = call
        self._begun = breaker.begin()
        self._before, self._queued = breakers.monotonic(), call.queued

    def answered(self, response: httpx.Response) -> None:
        """The vendor has answered so."""
        info = self._call.info
        self._breakers.end(self._breaker, self._begun, self._breakers.of_answer(info, response), info)

    def failed(self, error: BaseException) -> None:
        """It has not; or nobody waits any more."""
        had = self._breakers.monotonic() - self._before - (self._call.queued - self._queued)
        self._breakers.end(self._breaker, self._begun, _of_failure(error, self._call, had), self._call.info)


def _of_failure(error: BaseException, call: Call, had: float) -> Result:
    """What a failure shows, when the vendor ``had`` so many seconds; our own queue's or our caller's show nothing."""
    if isinstance(error, httpx.PoolTimeout | httpx.UnsupportedProtocol):
        return Result.UNDECIDED
    if isinstance(error, RateLimited):
        return Result.LIMITED
    if isinstance(error, httpx.TransportError | Unavailable | TimedOut):
        return Result.FAILED
    if isinstance(error, AdapterError | httpx.DecodingError):
        return Result.ANSWERED
    return Result.FAILED if call.sent and call.ran_out(had) else Result.UNDECIDED


def _turned_away(info: CallInfo, pause: float) -> TurnedAway:
    seconds = math.ceil(pause)
    doing = "Sending to" if info.write else "Reading from"
    return TurnedAway(
        f"{doing} this backend failed too often just now; it is tried again in {seconds} s.",
        backend=info.backend,
        operation=info.operation,
        retry_after=seconds,
        never_sent=True,
    )
