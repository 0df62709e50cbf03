"""The common case without a task: a read of a backend that is well, with a credential that is known.

What the policies below `CoalesceTransport` do one inside the other, each awaiting the next, is done here one after the
other, by their own rules: before the request is sent, and when its answer has come. Between the two nobody waits in a
task. What is not plain is theirs: a breaker that is open, a request that is sent in several pieces, an attempt that is
to be tried again.
"""

import asyncio
import contextvars
import time
from collections.abc import Callable

import httpx

from adapters.signing import SigningTransport
from gateway.upstream.answers import Answer
from gateway.upstream.breaker import BreakerTransport, Passage
from gateway.upstream.calls import Call
from gateway.upstream.engine import EngineTransport
from gateway.upstream.exchanges import Exchange, Outgoing, prepared
from gateway.upstream.health import Health
from gateway.upstream.limits import Limiter, Permit, QueueFull
from gateway.upstream.retry import RetryTransport
from gateway.upstream.whole_answers import whole_answer

__all__ = ["Ended", "PlainRead", "PlainReads"]

Ended = Callable[[httpx.Response | BaseException, float | None], None]
"""Told once what a read came to, and after how many seconds it is to be tried again, if it is."""


class PlainReads:
    """Begins reads of one backend that are plain.

    They keep to retry → breaker → limits → whole answers → health → credential → engine, which are one way out: what is
    counted, noted and held here is counted, noted and held for both.
    """

    def __init__(
        self,
        *,
        retry: RetryTransport,
        breakers: BreakerTransport,
        limiter: Limiter,
        health: Health,
        credential: SigningTransport,
        engine: EngineTransport,
    ) -> None:
        self.retry = retry
        self.breakers = breakers
        self.limiter = limiter
        self.health = health
        self.credential = credential
        self.engine = engine
        self._to_send: list[PlainRead] = []

    def begin(self, request: httpx.Request, call: Call, ended: Ended) -> "PlainRead | None":
        """Begins a read that is no stream, as a call's first attempt; None, and nothing is done, where it is not plain.

        ``ended`` is called once, unless the read is left: as a rule later, by the event loop.
        """
        outgoing = prepared(request, self.credential)
        passage = None if outgoing is None else self.breakers.plain_passage(call)
        if outgoing is None or passage is None:
            return None
        seconds = call.deadline - time.monotonic()
        try:
            permit = self.limiter.queue(write=False, seconds=seconds)
        except QueueFull:
            return None
        self.retry.begin(call)
        read = PlainRead(self, request, outgoing, call, passage, permit, ended)
        if permit.held:
            read.send()
        else:
            self.limiter.wait(permit, seconds, read.turn_came)
        return read

    def send_soon(self, read: "PlainRead") -> None:
        """Sends a read together with the others whose turn comes at this moment: that wakes the other side up once."""
        if not self._to_send:
            asyncio.get_running_loop().call_soon(self._send, context=contextvars.Context())
        self._to_send.append(read)

    def _send(self) -> None:
        reads, self._to_send = self._to_send, []
        for read in reads:
            read.send()


class PlainRead:
    """A plain read under way: it waits for its turn, and then for its answer."""

    __slots__ = ("_call", "_ended", "_exchange", "_outgoing", "_passage", "_permit", "_reads", "_request", "_since")

    def __init__(
        self,
        reads: PlainReads,
        request: httpx.Request,
        outgoing: Outgoing,
        call: Call,
        passage: Passage,
        permit: Permit,
        ended: Ended,
    ) -> None:
        self._reads = reads
        self._request = request
        self._outgoing = outgoing
        self._call = call
        self._passage = passage
        self._permit = permit
        self._ended = ended
        self._since = time.monotonic()
        self._exchange: Exchange | None = None

    def turn_came(self) -> None:
        """Its turn has come, or it has waited for too long."""
        self._waited()
        if self._permit.held:
            self._reads.send_soon(self)
        else:
            self._reads.limiter.leave(self._permit)
            self._end(self._failed(httpx.PoolTimeout("this call's turn did not come in its time")))

    def send(self) -> None:
        """Sends it, unless it was left meanwhile."""
        if not self._permit.held:
            return
        self._since = time.monotonic()
        try:
            self._exchange = Exchange(self._reads.engine, self._outgoing, self._call, self._came)
        except BaseException as error:  # noqa: BLE001 - nobody awaits it
            self._end(self._noted(None, error))

    def leave(self) -> None:
        """Nobody waits for it any more. ``ended`` is not called."""
        exchange, self._exchange = self._exchange, None
        if exchange is None:
            self._waited()
            self._reads.limiter.leave(self._permit)
            self._failed(asyncio.CancelledError())
        else:
            answer = exchange.answer
            exchange.leave()
            self._noted(answer, asyncio.CancelledError())

    def _waited(self) -> None:
        self._permit.told = None
        self._call.queued += time.monotonic() - self._since

    def _came(self, answer: Answer | None, failure: BaseException | None) -> None:
        self._exchange = None  # they hold each other
        self._end(self._noted(answer, failure))

    def _end(self, came: httpx.Response | BaseException) -> None:
        wait: float | None = None
        try:
            wait = self._reads.retry.after(self._call, came)
        except Exception as error:  # noqa: BLE001 - it is what the read came to
            came = error
        self._ended(came, wait)

    def _noted(self, answer: Answer | None, failure: BaseException | None) -> httpx.Response | BaseException:
        """What the read came to, noted and its turn given back: from the inside of the policies outwards."""
        reads, call = self._reads, self._call
        if answer is not None and answer.head:
            reads.health.answered(answer.status)
        elif failure is not None:
            reads.health.failed(failure, call, time.monotonic() - self._since)
        reads.limiter.release(self._permit)
        if failure is not None:
            return self._failed(failure)
        assert answer is not None  # noqa: S101 - it has not failed
        try:
            response = reads.credential.cleared(self._request, whole_answer(answer, call.info))
            self._passage.answered(response)
        except Exception as error:  # noqa: BLE001 - as above
            return self._failed(error.with_traceback(None))  # which holds this frame, as that does the error
        return response

    def _failed(self, failure: BaseException) -> BaseException:
        self._passage.failed(failure)
        return failure
