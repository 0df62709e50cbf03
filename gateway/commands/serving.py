"""One process that serves until it is told to stop, and how it stops.

1. `/readyz` is 503 at once. All else is served on for `leave_seconds`, each answer closing its connection.
2. Nothing new is taken. Event streams and WebSockets are ended: they can be followed at another process.
3. Requests under way are answered, and what is being sent is settled, as long as there is time.
"""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from gateway.server.stopping import Stopping
from gateway.settings import ServerSettings

__all__ = ["SETTLING_SECONDS", "serve_until_told"]

SETTLING_SECONDS = 3
"""Of the time for stopping, what is left when requests under way are cut off: to settle what they had sent."""


def serve_until_told(
    app: ASGIApp,
    server: ServerSettings,
    listener: socket.socket,
    announce: Callable[[], None],
    stopping: Stopping,
) -> None:
    """Serves on a listening socket; ``announce`` is called when it does."""
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http="httptools",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=max(0, server.stop_seconds - server.leave_seconds - SETTLING_SECONDS),
    )
    _Server(config, announce, stopping, server.leave_seconds).run(sockets=[listener])


class _Server(uvicorn.Server):
    def __init__(
        self, config: uvicorn.Config, announce: Callable[[], None], stopping: Stopping, leave_seconds: int
    ) -> None:
        super().__init__(config)
        self._announce = announce
        self._stopping = stopping
        self._leave_seconds = leave_seconds
        self._at_once = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets=sockets)
        self._announce()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Takes note of a signal. A person's (SIGINT) means at once: nobody balances a terminal."""
        self._stopping.begin()
        if sig == signal.SIGINT:
            self._loop.call_soon_threadsafe(self._at_once.set)
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._at_once.wait(), self._leave_seconds)
        self._stopping.let_go()
        await super().shutdown(sockets)
