"""Calls through single policies, over a vendor that does what it is told."""

from collections.abc import Awaitable, Callable

import httpx

from adapters.wire import EXTENSION, CallInfo
from gateway.upstream.calls import Call, begin_call, call_of

__all__ = ["URL", "Clock", "Scripted", "begun", "called", "request"]

URL = "http://127.0.0.1/"

Answer = int | httpx.Response | BaseException


class Clock:
    """A monotonic clock that is turned by hand; ``sleep`` turns it."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Sleeps without waiting."""
        self.slept.append(seconds)
        self.now += seconds


class Scripted(httpx.AsyncBaseTransport):
    """Answers with what is next in the script, its last entry for ever, and counts."""

    def __init__(self, *script: Answer, before: Callable[[httpx.Request], Awaitable[None]] | None = None) -> None:
        self._script = list(script)
        self._before = before
        self.calls = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The next answer."""
        self.calls += 1
        if self._before is not None:
            await self._before(request)
        answer = self._script.pop(0) if len(self._script) > 1 else self._script[0]
        if isinstance(answer, BaseException):
            raise answer
        return httpx.Response(answer, content=b"") if isinstance(answer, int) else answer


def request(*, write: bool = False, stream: bool = False, method: str = "GET") -> httpx.Request:
    """A request as an adapter makes it."""
    info = CallInfo(backend="a", operation="customer.list", write=write, stream=stream)
    return httpx.Request(method, URL, extensions={EXTENSION: info})


def begun(*, write: bool = False, stream: bool = False, seconds: float = 30.0, method: str = "GET") -> httpx.Request:
    """A request that has passed the deadline's policy."""
    one = request(write=write, stream=stream, method=method)
    begin_call(one, seconds)
    return one


def called(one: httpx.Request) -> Call:
    """The call that a request is made for."""
    call = call_of(one)
    assert call is not None
    return call
