"""How much a backend is asked at once and over time: the rest queue until their deadline."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable
from contextvars import Context
from datetime import UTC, datetime, timedelta

import httpx

from adapters.wire import EXTENSION, CallInfo
from gateway.upstream.calls import Call, call_of
from gateway.upstream.limits_turns import Bounds, Turns

__all__ = ["Limiter", "LimitsTransport", "Permit", "QueueFull"]

QUEUED_PER_PERMIT = 400
"""How many may wait for each permit. No vendor answers in less than 80 ms: who has more than 375 before him cannot have
his turn within the usual 30 seconds, and is better told at once than kept in memory until then."""


LATE_SECONDS = 0.05
"""By which a call may give up late: its own deadline ends it anyway, and to set a timer anew for less costs more."""


class QueueFull(Exception):
    """More wait already than can have their turn in time."""


class Permit:
    """A call's place in the queue, and its turn once it is ``held``.

    ``until`` is its deadline, if it has one, and ``late`` when it gives up, by the event loop's clock. ``told`` is
    called in the place of who awaits its `turn`.
    """

    __slots__ = ("_granted", "held", "late", "name", "told", "until", "write")

    def __init__(self, *, write: bool, until: float | None) -> None:
        self.name = ""
        self.write = write
        self.until = until
        self.late: float | None = None
        self.held = False
        self.told: Callable[[], None] | None = None
        self._granted: asyncio.Future[None] | None = None

    def grant(self) -> None:
        """It is this call's turn."""
        self.held = True
        if self.told is not None or self._granted is not None:
            self._tell()

    async def turn(self) -> None:
        """Waits for it; raises TimeoutError when it gives up."""
        if self.held:
            return
        self._granted = asyncio.get_running_loop().create_future()
        await self._granted
        if not self.held:
            raise TimeoutError

    def give_up(self) -> None:
        """It is too late for its turn."""
        self._tell()

    def _tell(self) -> None:
        if self.told is not None:
            self.told()
        elif self._granted is not None and not self._granted.done():
            self._granted.set_result(None)


class Limiter:
    """One backend's permits, for this process alone. What `Backend.budget` shows is read off it."""

    def __init__(
        self,
        bounds: Bounds,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.bounds = bounds
        self._turns: Turns[Permit] = Turns(bounds, monotonic)
        self._monotonic = monotonic
        self._clock = clock
        self._timer: asyncio.TimerHandle | None = None
        self._impatience: asyncio.TimerHandle | None = None
        self._looks_at = math.inf
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def remaining(self) -> int:
        """How many calls may begin now, before one has to wait."""
        return self._turns.remaining

    @property
    def held(self) -> int:
        """How many calls are under way."""
        return self._turns.held

    @property
    def queued(self) -> int:
        """How many calls wait for their turn in this process."""
        return self._turns.waiting

    @property
    def resets_at(self) -> datetime | None:
        """When the whole rate is there again, if nothing more is asked; None when it is there, or has no limit."""
        seconds = self._empties_in()
        return None if seconds is None else self._clock() + timedelta(seconds=seconds)

    def _empties_in(self) -> float | None:
        return self._turns.empties_in()

    async def acquire(self, *, write: bool, seconds: float | None) -> Permit:
        """Waits for a turn, ``seconds`` at most.

        Raises `QueueFull`, or TimeoutError when it does not come in time.
        """
        permit = self.queue(write=write, seconds=seconds)
        if not permit.held:
            await self.turn(permit, seconds)
        return permit

    def queue(self, *, write: bool, seconds: float | None) -> Permit:
        """A place in the queue, whose turn it may be at once. Raises `QueueFull`."""
        turns = self._turns
        if turns.waiting >= QUEUED_PER_PERMIT * self.bounds.concurrency:
            raise QueueFull
        until = None if seconds is None else self._monotonic() + seconds
        permit = Permit(write=write, until=until)
        if self._enters(write=write):
            self._grant(permit)
        else:
            turns.join(permit, write=write)
            self.serve()
        return permit

    def wait(self, permit: Permit, seconds: float | None, told: Callable[[], None]) -> None:
        """Calls ``told`` when the turn of a place in the queue comes, or does not in so many seconds.

        Whoever is told, or does not wait any more, gives the permit to `leave` or, in his turn, to `release`.
        """
        permit.told = told
        self._gives_up_in(permit, seconds)

    async def turn(self, permit: Permit, seconds: float | None) -> None:
        """Waits for the turn of a place in the queue. Raises TimeoutError when it does not come in so many seconds."""
        self._gives_up_in(permit, seconds)
        try:
            await permit.turn()
        except BaseException:
            self.leave(permit)
            raise

    def leave(self, permit: Permit) -> None:
        """Stops waiting, or gives back a turn that was not used."""
        if permit.held:
            self.release(permit, used=False)
        else:
            self._leave(permit)

    def release(self, permit: Permit, *, used: bool = True) -> None:
        """Ends a turn; ``used`` says whether anything was asked of the backend. A second time does nothing."""
        if permit.held:
            permit.held = False
            self._turns.end(write=permit.write, used=used)
            self._ended(permit, used=used)
            self.serve()

    def serve(self) -> None:
        """Lets go whoever may, and looks again when the window opens."""
        turns = self._turns
        if not turns.waiting:
            return
        while (permit := turns.next()) is not None:
            self._grant(permit)
        if turns.waiting and turns.bounds.calls is not None and self._timer is None:
            opens = turns.opens_in()
            if opens is not None:
                self._timer = asyncio.get_running_loop().call_later(opens, self._opened, context=Context())

    def _gives_up_in(self, permit: Permit, seconds: float | None) -> None:
        if seconds is not None:
            if self._loop is None:
                self._loop = asyncio.get_running_loop()
            permit.late = late = self._loop.time() + seconds
            if late + LATE_SECONDS < self._looks_at:
                self._look_again(late)

    def _look_again(self, at: float) -> None:
        """Looks for who waits too long, not later than at a time: one timer for all, who mostly wait a little."""
        if self._impatience is not None:
            self._impatience.cancel()
        self._looks_at = at
        self._impatience = asyncio.get_running_loop().call_at(at, self._too_long, context=Context())

    def _too_long(self) -> None:
        self._impatience, self._looks_at = None, math.inf
        now = asyncio.get_running_loop().time()
        patient = []
        for permit in self._turns.all_waiting():
            if permit.late is not None and permit.late > now:
                patient.append(permit.late)
            elif permit.late is not None:
                permit.give_up()
        if patient:
            self._look_again(min(patient))

    def _opened(self) -> None:
        self._timer = None
        self.serve()

    def _enters(self, *, write: bool) -> bool:
        """Whether somebody who comes has his turn at once; then he has it."""
        return self._turns.enter(write=write)

    def _grant(self, permit: Permit) -> None:
        permit.grant()

    def _ended(self, permit: Permit, *, used: bool) -> None:
        """Nobody else needs to know."""

    def _leave(self, permit: Permit) -> None:
        self._turns.leave(permit, write=permit.write)

    def close(self) -> None:
        """Looks at nothing more by itself."""
        for timer in filter(None, (self._timer, self._impatience)):
            timer.cancel()


class _HeldStream(httpx.AsyncByteStream):
    """An answer's body that ends the call's turn when it is closed."""

    def __init__(self, inner: httpx.AsyncByteStream, limiter: Limiter, permit: Permit) -> None:
        self._inner = inner
        self._limiter = limiter
        self._permit = permit

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._inner:
            yield chunk

    async def aclose(self) -> None:
        try:
            await self._inner.aclose()
        finally:
            self._limiter.release(self._permit)


class LimitsTransport(httpx.AsyncBaseTransport):
    """Lets a call through in its turn, which lasts until its answer has been read, or its stream is closed."""

    def __init__(self, inner: httpx.AsyncBaseTransport, limiter: Limiter) -> None:
        self._inner = inner
        self._limiter = limiter

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Passes the request on. Raises `httpx.PoolTimeout` (never sent) when its turn does not come in its time."""
        call = call_of(request)
        seconds = request.extensions.get("timeout", {}).get("pool") if call is None else call.remaining()
        permit = self._queued(request, seconds)
        if not permit.held:
            await self._turn(permit, request, seconds, call)
        try:
            if call is not None and call.info.write:
                call.begin_anew()
            response = await self._inner.handle_async_request(request)
        except BaseException:
            self._limiter.release(permit)
            raise
        if response.is_closed:
            self._limiter.release(permit)
        else:
            assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101 - an asynchronous transport's answer
            response.stream = _HeldStream(response.stream, self._limiter, permit)
        return response

    def _queued(self, request: httpx.Request, seconds: float | None) -> Permit:
        info: CallInfo | None = request.extensions.get(EXTENSION)
        try:
            return self._limiter.queue(write=info is not None and info.write, seconds=seconds)
        except QueueFull:
            raise httpx.PoolTimeout("too many calls to this backend wait already", request=request) from None

    async def _turn(self, permit: Permit, request: httpx.Request, seconds: float | None, call: Call | None) -> None:
        came = time.monotonic()
        try:
            await self._limiter.turn(permit, seconds)
        except TimeoutError:
            raise httpx.PoolTimeout("this call's turn did not come in its time", request=request) from None
        finally:
            if call is not None:
                call.queued += time.monotonic() - came

    async def aclose(self) -> None:
        """Closes the inner transport."""
        self._limiter.close()
        await self._inner.aclose()
