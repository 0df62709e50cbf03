"""Requests as adapters make them, and a vendor that answers them when it is let."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx

from adapters.wire import EXTENSION, CallInfo
from gateway.upstream.calls import Call, begin_call

BASE = "https://vendor.example.com/api/"


def asking(
    path: str = "customers",
    *,
    operation: str = "customer.list",
    method: str = "GET",
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
    **info: Any,
) -> httpx.Request:
    """A request; ``info`` is more of its `CallInfo`."""
    told = CallInfo(**{"backend": "uk", "operation": operation, **info})
    return httpx.Request(method, BASE + path, content=body, headers=headers, extensions={EXTENSION: told})


def writing() -> httpx.Request:
    """A request that changes something."""
    return asking("send", operation="document.email", method="POST", write=True)


def called(request: httpx.Request, seconds: float = 30.0) -> tuple[httpx.Request, Call]:
    """The request, and its call."""
    return request, begin_call(request, seconds)


class Vendor(httpx.AsyncBaseTransport):
    """Answers each request when it is let, or at once, by ``answer``."""

    def __init__(self, answer: Callable[[httpx.Request], httpx.Response], *, at_once: bool = False) -> None:
        self._answer = answer
        self._let = asyncio.Semaphore(1_000_000 if at_once else 0)
        self._arrived = asyncio.Semaphore(0)
        self.requests: list[httpx.Request] = []
        self.cancelled = 0

    @property
    def count(self) -> int:
        """How many requests there were."""
        return len(self.requests)

    def let(self, count: int = 1) -> None:
        """Lets so many be answered."""
        for _ in range(count):
            self._let.release()

    async def arrived(self) -> None:
        """Waits for the next request."""
        await self._arrived.acquire()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        self._arrived.release()
        try:
            await self._let.acquire()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return self._answer(request)


async def settled() -> None:
    """Lets every task run that can."""
    for _ in range(20):
        await asyncio.sleep(0)
