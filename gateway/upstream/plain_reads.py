"""The common case in one step: a read that nothing keeps from being sent at once, and whose answer is one.

What the policies below `CoalesceTransport` do one inside the other, each awaiting the next, is done here one after the
other, by their own rules: before the request is sent, and when its answer has come. Between the two nobody waits in a
task. The first thing that is not plain is theirs: a breaker that is open, a queue, no connection at hand, an attempt
that is to be tried again.
"""

import asyncio
import time
from collections.abc import Callable

import httpx

from adapters.signing import SigningTransport
from adapters.wire import MAX_ANSWER_BYTES
from gateway.upstream.answers import Answer
from gateway.upstream.breaker import BreakerTransport, Passage
from gateway.upstream.calls import Call
from gateway.upstream.connections import Connection
from gateway.upstream.engine import EngineTransport
from gateway.upstream.health import Health
from gateway.upstream.limits import Limiter, Permit
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

    def begin(self, request: httpx.Request, call: Call, ended: Ended) -> "PlainRead | None":
        """Sends a read that is no stream, as a call's first attempt; None, and nothing was done, where it is not plain.

        ``ended`` is called later, by the event loop, unless the read is left.
        """
        passage = self.breakers.plain_passage(call)
        signed = None if passage is None else self.credential.signed(request)
        if passage is None or signed is None:
            return None
        permit = self.limiter.at_once(seconds=call.remaining())
        if permit is None:
            return None
        read = PlainRead(self, request, call, passage, permit, ended)
        connection = self.engine.begin(signed, call, MAX_ANSWER_BYTES, read.came)
        if connection is None:
            self.limiter.release(permit, used=False)
            return None
        read.connection = connection
        self.retry.begin(call)
        return read


class PlainRead:
    """A plain read under way."""

    __slots__ = ("_call", "_ended", "_passage", "_permit", "_reads", "_request", "_since", "connection")

    connection: Connection

    def __init__(
        self, reads: PlainReads, request: httpx.Request, call: Call, passage: Passage, permit: Permit, ended: Ended
    ) -> None:
        self._reads = reads
        self._request = request
        self._call = call
        self._passage = passage
        self._permit = permit
        self._ended = ended
        self._since = time.monotonic()

    def leave(self) -> None:
        """Nobody waits for it any more. ``ended`` is not called."""
        answer = self.connection.answer
        self._reads.engine.let_go(self.connection, keep=False)
        self._note(answer, asyncio.CancelledError())

    def came(self, answer: Answer, failure: httpx.TransportError | None) -> None:
        """The answer has come, or has failed to."""
        came: httpx.Response | BaseException
        wait: float | None = None
        try:
            self._reads.engine.let_go(self.connection, keep=failure is None and answer.whole)
            came = self._note(answer, failure)
            wait = self._reads.retry.after(self._call, came)
        except BaseException as error:  # noqa: BLE001 - the event loop would do no more than log it
            came = error
        self._ended(came, wait)

    def _note(self, answer: Answer | None, failure: BaseException | None) -> httpx.Response | BaseException:
        """Gives back what was held, and notes what became of the read: from the inside of the policies outwards."""
        reads, call = self._reads, self._call
        if answer is not None and answer.head:
            reads.health.answered(answer.status)
        elif failure is not None:
            reads.health.failed(failure, call, time.monotonic() - self._since)
        reads.limiter.release(self._permit)
        if failure is None:
            assert answer is not None  # noqa: S101 - it has not failed
            try:
                response = reads.credential.cleared(self._request, whole_answer(answer, call.info))
                self._passage.answered(response)
            except BaseException as error:  # noqa: BLE001 - it is what the read came to
                failure = error.with_traceback(None)  # which holds this frame, as that does the failure
            else:
                return response
        self._passage.failed(failure)
        return failure
