"""Identical reads under way in this process are one call."""

import asyncio
import contextvars
import copy
from collections.abc import Hashable
from dataclasses import dataclass, field

import httpx

from adapters.asked import Asked
from adapters.errors import AdapterError
from adapters.messages import changed_request, fields_without, finished_response
from adapters.wire import EXTENSION, CallInfo, share_call
from gateway.upstream.calls import Call, begin_call, call_of
from gateway.upstream.questions import question_of

__all__ = ["GENERATION", "REPEATED", "CoalesceTransport", "response_like"]

GENERATION = "postroom.generation"
"""The key in a request's extensions: reads of different generations are not one, for a write was between them."""

REPEATED = "postroom.repeated"
"""The key in a response's extensions: somebody else was given this answer first."""

_OF_THE_BODY_AS_SENT = frozenset((b"content-encoding", b"content-length", b"transfer-encoding"))
_OF_THE_CONNECTION = frozenset(("network_stream",))


@dataclass(eq=False)
class _Flight:
    """A call under way, and those who wait for its answer."""

    task: asyncio.Task[httpx.Response]
    call: Call | None
    asked: Asked = field(default_factory=Asked)
    waiting: list[asyncio.Future[None]] = field(default_factory=list)
    taken: bool = False


class CoalesceTransport(httpx.AsyncBaseTransport):
    """Asks once for all who ask the same while it is under way: of one backend, with one credential.

    Writes, streams and fresh reads are passed on, each by itself. Whoever asks after a write began, or after it ended,
    whatever came of it, shares no call with those who asked before.

    The call belongs to nobody: it runs in a context and with a `Call` of its own, whose deadline is the latest of those
    who ever waited. Each of them leaves at its own; with the last the call is cancelled. A failure is a new exception
    for each, an answer a new response.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner
        self._flights: dict[Hashable, _Flight] = {}
        self._tasks: set[asyncio.Task[httpx.Response]] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer to the request, or to the same one under way."""
        info: CallInfo | None = request.extensions.get(EXTENSION)
        if info is not None and info.write:
            return await self._write(request)
        question = None if info is None or info.fresh else question_of(request)
        if question is None:
            return await self._inner.handle_async_request(request)
        key = (question, request.extensions.get(GENERATION))
        flight = self._flights.get(key)
        call = call_of(request)
        if flight is None:
            flight = self._begin(key, request, call)
        elif call is not None:
            call.shared = True
            if flight.call is not None and flight.call.deadline < call.deadline:
                flight.call.deadline, flight.call.cut_short = call.deadline, call.cut_short
        await self._landing(key, flight, call)
        return _answer(flight, request)

    async def aclose(self) -> None:
        """Ends what is under way, and closes the inner transport."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self._inner.aclose()

    async def _write(self, request: httpx.Request) -> httpx.Response:
        self._flights.clear()
        try:
            return await self._inner.handle_async_request(request)
        finally:
            self._flights.clear()

    def _begin(self, key: Hashable, request: httpx.Request, call: Call | None) -> _Flight:
        # A context of its own: nothing of whoever happens to be first, such as its trace, is told of a shared call.
        context = contextvars.Context()
        shared = changed_request(request, extensions=dict(request.extensions))
        own = None
        if call is not None:
            own = context.run(begin_call, shared, call.remaining())
            own.cut_short = call.cut_short
        task = asyncio.get_running_loop().create_task(self._ask(shared), context=context)
        flight = self._flights[key] = _Flight(task, own)
        self._tasks.add(task)
        task.add_done_callback(lambda _: self._landed(key, flight))
        return flight

    async def _ask(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        try:
            await response.aread()
        finally:
            await response.aclose()
        return response

    async def _landing(self, key: Hashable, flight: _Flight, call: Call | None) -> None:
        """Waits until there is an answer or a failure, or until the one who waits is cancelled."""
        landed = asyncio.get_running_loop().create_future()
        flight.waiting.append(landed)
        try:
            if not flight.task.done():
                await landed
        finally:
            flight.waiting.remove(landed)
            if not flight.waiting:  # all have taken the answer, or left
                self._forget(key, flight)
                if not flight.task.done():
                    flight.task.cancel()
            if call is not None and flight.call is not None:
                _tell(call, flight.call)

    def _landed(self, key: Hashable, flight: _Flight) -> None:
        self._tasks.discard(flight.task)
        for waiting in flight.waiting:
            if not waiting.done():
                waiting.set_result(None)
        # An answer is there for whoever comes until all who wait have taken it, and perhaps kept it; a failure is not.
        if flight.task.cancelled() or flight.task.exception() is not None:
            self._forget(key, flight)

    def _forget(self, key: Hashable, flight: _Flight) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]


def _tell(call: Call, shared: Call) -> None:
    """Notes at a caller's call what became of the shared one; its attempts count for the one who began it alone."""
    call.sent, call.status = shared.sent, shared.status
    if not call.shared:
        call.attempts, call.queued = shared.attempts, shared.queued


def _answer(flight: _Flight, request: httpx.Request) -> httpx.Response:
    if flight.task.cancelled():
        raise httpx.ReadError("the gateway stopped asking", request=request)
    failure = flight.task.exception()
    if isinstance(failure, httpx.RequestError | AdapterError):
        own = copy.copy(failure)  # the same one, raised by each, would gather all their traces
        share_call(own, flight.asked)
        if isinstance(own, httpx.RequestError):
            own.request = request
        raise own
    response = response_like(flight.task.result())
    share_call(response, flight.asked)
    response.extensions[REPEATED] = flight.taken
    flight.taken = True
    return response


def response_like(response: httpx.Response) -> httpx.Response:
    """A finished answer once more: what one reader changes of it, another does not see."""
    return finished_response(
        response.status_code,
        fields_without(response.headers, _OF_THE_BODY_AS_SENT),
        response.content,
        {name: value for name, value in response.extensions.items() if name not in _OF_THE_CONNECTION},
    )
