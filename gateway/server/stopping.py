"""A process on its way out: since when, for how long it may take, and what that means for whoever is being answered."""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Awaitable
from typing import TypeVar

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.problems import ProblemCode
from gateway.server.exchanges import AT_ONCE, Answering
from gateway.server.heads import Header
from gateway.server.json_writing import to_json

__all__ = ["LastAnswers", "Stopping", "StoppingError"]

T = TypeVar("T")

_CLOSE = (b"connection", b"close")

LAST_SECONDS = 1.0
"""In which an answer is made and sent, of whatever is known by then."""


class StoppingError(Exception):
    """What was being followed goes on, and this process does not: it can be followed at another one."""


class Stopping:
    """Whether this process was told to go. ``seconds`` is how long all of it may take from then on.

    ``answer_now`` is set shortly before requests under way are cut off: whoever has something to say says it then.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._until: float | None = None
        self._let_go = asyncio.Event()
        self.answer_now = asyncio.Event()

    @property
    def begun(self) -> bool:
        """Whether it was told."""
        return self._until is not None

    def begin(self) -> None:
        """Notes that it was told; a signal handler may. Once is as good as twice."""
        if self._until is None:
            self._until = time.monotonic() + self._seconds

    def remaining(self) -> float | None:
        """The seconds that are left, at least 0; None where nobody has told it to go."""
        return None if self._until is None else max(0.0, self._until - time.monotonic())

    def let_go(self, answering_seconds: float = 0.0) -> None:
        """Ends everything that is only being followed; what is still under way is cut off in so many seconds."""
        self._let_go.set()
        asyncio.get_running_loop().call_later(max(0.0, answering_seconds - LAST_SECONDS), self.answer_now.set)

    async def followed(self, frames: AsyncGenerator[T, None]) -> AsyncGenerator[T, None]:
        """What comes, until its end; raises `StoppingError` when it is let go. Closing it closes what it reads from."""
        letting_go = asyncio.ensure_future(self._let_go.wait())
        coming: asyncio.Future[T] | None = None
        try:
            while True:
                coming = asyncio.ensure_future(anext(frames))
                await asyncio.wait((coming, letting_go), return_when=asyncio.FIRST_COMPLETED)
                if not coming.done():
                    raise StoppingError
                try:
                    frame = coming.result()
                except StopAsyncIteration:
                    return
                yield frame
        finally:
            letting_go.cancel()
            if coming is not None and coming.cancel():
                with contextlib.suppress(asyncio.CancelledError, StopAsyncIteration):
                    await coming
            await frames.aclose()


class LastAnswers:
    """Closes each connection with the next answer once the process is stopping: whoever keeps it asks elsewhere then.

    Without that, a request that a balancer sends over a kept connection may cross its closing, and be lost.
    """

    def __init__(self, app: ASGIApp, stopping: Stopping) -> None:
        self._app = app
        self._stopping = stopping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers as the application does."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        def closing(message: Message) -> Awaitable[None]:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                if self._stopping.begun:
                    message = {**message, "headers": [*message.get("headers", ()), _CLOSE]}
            return send(message)

        at_once: Answering | None = scope.get(AT_ONCE)

        def staying(status: int, headers: tuple[Header, ...], body: bytes) -> bool:
            nonlocal started
            if at_once is None or self._stopping.begun or not at_once(status, headers, body):
                return False
            started = True
            return True

        scope[AT_ONCE] = staying
        try:
            await self._app(scope, receive, closing)
        except asyncio.CancelledError:
            if self._stopping.begun and not started:
                await _cut_off()(scope, receive, closing)
            raise


def _cut_off() -> Response:
    """What is answered where the time for stopping is over: not who asks was wrong, and another process may know."""
    message = "The gateway was stopped before it could answer; what it may have begun to send is in the ledger."
    error = {"message": message, "extensions": {"code": ProblemCode.UNAVAILABLE}}
    return Response(
        to_json({"errors": [error]}), 503, headers={"Cache-Control": "no-store"}, media_type="application/json"
    )
