"""Identical reads under way in this process are one call."""

import asyncio
import contextvars
import copy
from collections.abc import Awaitable, Callable, Hashable
from functools import partial
from typing import Protocol

import httpx

from adapters.asked import Asked
from adapters.errors import AdapterError
from adapters.messages import changed_request, finished_response, has_any_field, headers_without
from adapters.wire import EXTENSION, CallInfo, share_call
from gateway.upstream.calls import Call, call_of, with_call
from gateway.upstream.plain_reads import PlainRead, PlainReads
from gateway.upstream.questions import Question, question_of

__all__ = ["GENERATION", "REPEATED", "CoalesceTransport", "Flight", "Waiting", "answer_of", "response_like"]

GENERATION = "postroom.generation"
"""The key in a request's extensions: reads of different generations are not one, for a write was between them."""

REPEATED = "postroom.repeated"
"""The key in a response's extensions: somebody else was given this answer first."""

_OF_THE_BODY_AS_SENT = frozenset((b"content-encoding", b"content-length", b"transfer-encoding"))
_OF_THE_CONNECTION = frozenset(("network_stream",))


class Waiting(Protocol):
    """One who waits for the answer to a call under way; ``call`` is his own."""

    @property
    def call(self) -> Call | None:
        """Notes what becomes of the shared one."""

    def landed(self) -> None:
        """It is there, or will never be. He may leave the flight at once."""


class _Waiter:
    """One who awaits it."""

    __slots__ = ("call", "told")

    def __init__(self, call: Call | None) -> None:
        self.call = call
        self.told: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def landed(self) -> None:
        if not self.told.done():
            self.told.set_result(None)


class Flight:
    """A call under way, and those who wait for its answer. It is a plain read, or a task."""

    __slots__ = (
        "asked",
        "call",
        "failure",
        "key",
        "landed",
        "plain",
        "request",
        "response",
        "taken",
        "task",
        "waiting",
    )

    def __init__(self, key: Hashable, request: httpx.Request, call: Call | None) -> None:
        self.key = key
        self.request = request
        self.call = call
        self.asked: Asked | None = None
        self.waiting: list[Waiting] = []
        self.taken = False
        self.landed = False
        self.response: httpx.Response | None = None
        self.failure: BaseException | None = None
        self.plain: PlainRead | None = None
        self.task: asyncio.Task[None] | None = None

    def apart(self) -> httpx.Request:
        """The request, for the call that is nobody's."""
        return changed_request(self.request, extensions=with_call(self.request.extensions, self.call))

    def land(self, response: httpx.Response | None, failure: BaseException | None) -> None:
        """Says what came of the call to all who wait for it."""
        self.response, self.failure, self.landed = response, failure, True
        for waiting in tuple(self.waiting):
            waiting.landed()


class CoalesceTransport(httpx.AsyncBaseTransport):
    """Asks once for all who ask the same while it is under way: of one backend, with one credential.

    Writes, streams and fresh reads are passed on, each by itself. Whoever asks after a write began, or after it ended,
    whatever came of it, shares no call with those who asked before.

    The call belongs to nobody: it runs in a context and with a `Call` of its own, whose deadline is the latest of those
    who ever waited; what is plain needs no task for that (`gateway.upstream.plain_reads`). Each of them leaves at its
    own; with the last the call is cancelled. A failure is a new exception for each, an answer a new response.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport, plain: PlainReads | None = None) -> None:
        self._inner = inner
        self._plain = plain
        self._flights: dict[Hashable, Flight] = {}
        self._under_way: set[Flight] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer to the request, or to the same one under way."""
        info: CallInfo | None = request.extensions.get(EXTENSION)
        if info is not None and info.write:
            return await self._write(request)
        question = None if info is None or info.fresh else question_of(request)
        if question is None:
            return await self._inner.handle_async_request(request)
        waiter = _Waiter(call_of(request))
        flight = self.join(question, request, waiter)
        try:
            if not flight.landed:
                await waiter.told
        finally:
            self.leave(flight, waiter)
        return answer_of(flight, request)

    def join(self, question: Question, request: httpx.Request, waiting: Waiting) -> Flight:
        """The call that answers a question: one under way, or one begun now. Whoever has joined it leaves it.

        It may have landed already.
        """
        key = (question, request.extensions.get(GENERATION))
        flight = self._flights.get(key)
        if flight is None:
            flight = self._begin(key, request, waiting.call)
        else:
            _join(flight, waiting.call)
        flight.waiting.append(waiting)
        return flight

    def leave(self, flight: Flight, waiting: Waiting) -> None:
        """Takes what came of a call, or waits for it no more."""
        flight.waiting.remove(waiting)
        if not flight.waiting:
            self._all_left(flight)
        if waiting.call is not None and flight.call is not None:
            _tell(waiting.call, flight.call)

    async def aclose(self) -> None:
        """Ends what is under way, and closes the inner transport."""
        ended = tuple(self._under_way)
        for flight in ended:
            self._end(flight)
        if tasks := [flight.task for flight in ended if flight.task is not None]:
            await asyncio.wait(tasks)
        for flight in ended:
            self._land(flight, None, asyncio.CancelledError())  # one that had not begun cannot say so itself
        await self._inner.aclose()

    async def _write(self, request: httpx.Request) -> httpx.Response:
        self._flights.clear()
        try:
            return await self._inner.handle_async_request(request)
        finally:
            self._flights.clear()

    def _begin(self, key: Hashable, request: httpx.Request, call: Call | None) -> Flight:
        own = None if call is None else call.apart()
        flight = self._flights[key] = Flight(key, request, own)
        self._under_way.add(flight)
        if self._plain is not None and own is not None:
            flight.plain = self._plain.begin(request, own, partial(self._came, flight))
        if flight.plain is None:
            self._run(flight, partial(self._inner.handle_async_request, flight.apart()))
        return flight

    def _came(self, flight: Flight, came: httpx.Response | BaseException, wait: float | None) -> None:
        """Takes what a plain read came to; that it is to be tried again is not plain any more."""
        flight.plain = None
        if wait is not None:
            assert self._plain is not None  # noqa: S101 - it has begun this one
            self._run(flight, partial(self._plain.retry.go_on, flight.apart(), wait))
        elif isinstance(came, BaseException):
            self._land(flight, None, came)
        else:
            self._land(flight, came, None)

    def _run(self, flight: Flight, ask: Callable[[], Awaitable[httpx.Response]]) -> None:
        # A context of its own: nothing of whoever happens to be first, such as its trace, is told of a shared call.
        context = contextvars.Context()
        flight.task = asyncio.get_running_loop().create_task(self._ask(flight, ask), context=context)

    async def _ask(self, flight: Flight, ask: Callable[[], Awaitable[httpx.Response]]) -> None:
        try:
            response = await ask()
            if not response.is_closed:
                try:
                    await response.aread()
                finally:
                    await response.aclose()
        except BaseException as error:  # noqa: BLE001 - each who waits raises it; nobody awaits this task
            self._land(flight, None, error)
        else:
            self._land(flight, response, None)

    def _land(self, flight: Flight, response: httpx.Response | None, failure: BaseException | None) -> None:
        self._under_way.discard(flight)
        # An answer is there for whoever comes until all who wait have taken it, and perhaps kept it; a failure is not.
        if failure is not None:
            self._forget(flight)
        if not flight.landed:
            flight.land(response, failure)

    def _all_left(self, flight: Flight) -> None:
        """All have taken the answer, or do not wait for it any more."""
        self._forget(flight)
        if not flight.landed:
            self._end(flight)
            if flight.task is None:
                self._under_way.discard(flight)
            else:
                flight.task.add_done_callback(lambda _: self._under_way.discard(flight))

    def _end(self, flight: Flight) -> None:
        if flight.plain is not None:
            flight.plain.leave()
            flight.plain = None
        elif flight.task is not None:
            flight.task.cancel()

    def _forget(self, flight: Flight) -> None:
        if self._flights.get(flight.key) is flight:
            del self._flights[flight.key]


def _join(flight: Flight, call: Call | None) -> None:
    """Notes one more who waits; the shared call may take as long as the most patient of them."""
    if flight.asked is None:
        flight.asked = Asked()
    if call is None:
        return
    call.shared = True
    if flight.call is not None and flight.call.deadline < call.deadline:
        flight.call.deadline, flight.call.cut_short = call.deadline, call.cut_short


def _tell(call: Call, shared: Call) -> None:
    """Notes at a caller's call what became of the shared one; its attempts count for the one who began it alone."""
    call.sent, call.status = shared.sent, shared.status
    if not call.shared:
        call.attempts, call.queued = shared.attempts, shared.queued


def answer_of(flight: Flight, request: httpx.Request) -> httpx.Response:
    """What came of the call, for one who waited: a likeness of the answer, or itself where nobody else has it."""
    response = flight.response
    if response is None:
        raise _failure(flight, request)
    if flight.asked is None and (flight.task is None or not has_any_field(response, _OF_THE_BODY_AS_SENT)):
        return response  # a plain read's has none of these left
    response = response_like(response)
    if flight.asked is not None:
        share_call(response, flight.asked)
    response.extensions[REPEATED] = flight.taken
    flight.taken = True
    return response


def _failure(flight: Flight, request: httpx.Request) -> BaseException:
    """What came of a call that failed, for one who waited."""
    failure = flight.failure
    assert failure is not None  # noqa: S101 - it has landed
    if isinstance(failure, asyncio.CancelledError):
        return httpx.ReadError("the gateway stopped asking", request=request)
    if isinstance(failure, httpx.RequestError | AdapterError):
        failure = copy.copy(failure)  # the same one, raised by each, would gather all their traces
        if flight.asked is not None:
            share_call(failure, flight.asked)
        if isinstance(failure, httpx.RequestError):
            failure.request = request
    return failure


def response_like(response: httpx.Response) -> httpx.Response:
    """A finished answer once more: what one reader changes of it, another does not see."""
    return finished_response(
        response.status_code,
        headers_without(response.headers, _OF_THE_BODY_AS_SENT),
        response.content,
        {name: value for name, value in response.extensions.items() if name not in _OF_THE_CONNECTION},
    )
