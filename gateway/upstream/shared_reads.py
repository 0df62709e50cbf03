"""A read through deadline, log and coalescing without a task or a coroutine for each, so that many cost little at once.

What those three do one inside the other, each awaiting the next, is done here one after the other, by their own rules:
when the read is begun, and when its answer is there or its time is over. Between the two nobody waits in a task,
unless he wants to. What shares nothing is theirs: a write, a stream, a fresh read.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from functools import partial

import httpx

from adapters.wire import EXTENSION, CallInfo
from gateway.upstream.call_log import CallLogTransport
from gateway.upstream.calls import Call
from gateway.upstream.coalesce import CoalesceTransport, Flight, answer_of
from gateway.upstream.deadline import DeadlineTransport, begin_in_time, over
from gateway.upstream.needs import current_need
from gateway.upstream.questions import question_of

__all__ = ["SharedRead", "SharedReads"]


class SharedReads(httpx.AsyncBaseTransport):
    """The outermost of a way out whose policies are ``deadline``, then ``log``, then ``coalescing``, and no other."""

    def __init__(self, deadline: DeadlineTransport, log: CallLogTransport, coalescing: CoalesceTransport) -> None:
        self.deadline = deadline
        self.log = log
        self.coalescing = coalescing

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer to a request."""
        read = self.begin(request)
        if read is None:
            return await self.deadline.handle_async_request(request)
        try:
            await read.wait()
            return read.take()
        finally:
            read.leave()

    def begin(self, request: httpx.Request) -> "SharedRead | None":
        """Begins a read; None, and nothing is done, for a request that is not to be shared.

        Whoever has begun it takes its answer, or leaves it. Raises `httpx.PoolTimeout` where it comes too late.
        """
        info: CallInfo = request.extensions[EXTENSION]
        question = None if info.fresh else question_of(request)
        if question is None:
            return None
        call = begin_in_time(request, self.deadline.seconds)
        call.need = current_need()
        read = SharedRead(self, request, call)
        read.flight = self.coalescing.join(question, request, read)
        if read.flight.landed:
            read.landed()
        else:
            self.deadline.watches.begin(read)
        return read

    async def aclose(self) -> None:
        """Closes the inner transports."""
        await self.deadline.aclose()


class SharedRead:
    """A read under way, whose answer `is_there` once it can be taken.

    What it came to is told when it is taken, in the context of whoever has begun it.
    """

    __slots__ = ("_given_up", "_reads", "_request", "_there", "_told", "call", "flight", "is_there")

    flight: Flight

    def __init__(self, reads: SharedReads, request: httpx.Request, call: Call) -> None:
        self._reads = reads
        self._request = request
        self._given_up = False
        self._told = False
        self._there: Callable[[], None] | None = None
        self.is_there = False
        self.call = call

    def tell(self, there: Callable[[], None]) -> None:
        """Calls ``there`` once its answer can be taken: at once, where it already can."""
        if self.is_there:
            there()
        else:
            self._there = there

    async def wait(self) -> None:
        """Waits until its answer can be taken."""
        if not self.is_there:
            waiting = asyncio.get_running_loop().create_future()
            self._there = partial(_wake, waiting)
            await waiting

    def take(self) -> httpx.Response:
        """What it came to. Raises what the policies raise."""
        self._told = True
        call, log = self.call, self._reads.log
        assert call.ended is not None  # noqa: S101 - it is there
        if self._given_up:
            log.failed(call, call.ended - call.begun, asyncio.CancelledError())
            raise over(call, self._request)
        try:
            response = answer_of(self.flight, self._request)
        except BaseException as error:
            log.failed(call, call.ended - call.begun, error)
            raise
        log.answered(call, call.ended - call.begun, response.status_code)
        return response

    def leave(self) -> None:
        """Nobody waits for it any more. Does nothing where its answer was taken."""
        if self._told:
            return
        if not self.is_there:
            self._ended()
            self._given_up = True
        with contextlib.suppress(Exception, asyncio.CancelledError):  # it is told, and nobody wants it
            self.take()

    def landed(self) -> None:
        """Called when the flight has landed."""
        self._ended()

    def over(self) -> None:
        """Called when the call's time is over."""
        if not self.is_there:
            self._given_up = True
            self._ended()

    def _ended(self) -> None:
        reads = self._reads
        reads.deadline.watches.end(self)
        reads.coalescing.leave(self.flight, self)
        self.call.ended = time.monotonic()
        self.is_there = True
        if self._there is not None:
            there, self._there = self._there, None
            there()


def _wake(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():  # who waited may have been cancelled
        waiting.set_result(None)
