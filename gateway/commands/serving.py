"""One process that serves until it is told to stop, and how it stops.

1. `/readyz` is 503 at once. All else is served on for `leave_seconds`, each answer closing its connection.
2. Nothing new is taken. Event streams and WebSockets are ended: they can be followed at another process.
3. Requests under way are answered, and what is being sent is settled, as long as there is time. Shortly before it is
   over, those who wait for a send are told that it is RUNNING.
"""

import asyncio
import contextlib
import ctypes
import gc
import resource
import signal
import socket
from collections.abc import Callable
from types import FrameType

import structlog
import uvicorn
from starlette.types import ASGIApp

from gateway.server.serving import server_config
from gateway.server.stopping import Stopping
from gateway.settings import Settings

__all__ = ["SETTLING_SECONDS", "serve_until_told", "settle_memory"]

SETTLING_SECONDS = 3
"""Of the time for stopping, what is left when requests under way are cut off: to settle what they had sent."""

OTHER_FILES = 500
"""That a process has open beside its clients' connections: those to the vendors, the ledger, Redis."""

YOUNG_OBJECTS = 50_000
"""After so many new objects the garbage collector looks at the young ones. A list's answer makes thousands, few of them
in circles; at the usual 700 a tenth of a request's time is spent on looking. So do hundreds of requests at once: at
10,000 each of 512 took a fifth longer."""

log = structlog.get_logger("postroom.serve")


def serve_until_told(
    app: ASGIApp,
    settings: Settings,
    listener: socket.socket,
    announce: Callable[[], None],
    stopping: Stopping,
) -> None:
    """Serves on a listening socket; ``announce`` is called when it does."""
    room_for(settings.connections.limit)
    grace = max(0, settings.server.stop_seconds - settings.server.leave_seconds - SETTLING_SECONDS)
    config = server_config(app, settings.connections, grace_seconds=grace)
    _Server(config, announce, stopping, settings.server.leave_seconds, grace).run(sockets=[listener])


def room_for(connections: int) -> None:
    """Raises the number of files that this process may have open, where it is too small; says so where it stays so."""
    wanted = connections + OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    if most < wanted:
        log.warning(
            "this process may not have as many files open as [connections] limit needs: raise that (ulimit -n)",
            allowed=most,
            needed=wanted,
        )


def settle_memory() -> None:
    """Has the garbage collector look through what requests make alone, and not as often.

    What starting took for a moment goes back to the system, 14 MiB and more. The C library keeps it unless it is told,
    and glibc's alone can be.
    """
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS)


class _Server(uvicorn.Server):
    def __init__(
        self,
        config: uvicorn.Config,
        announce: Callable[[], None],
        stopping: Stopping,
        leave_seconds: int,
        grace_seconds: int,
    ) -> None:
        super().__init__(config)
        self._announce = announce
        self._stopping = stopping
        self._leave_seconds = leave_seconds
        self._grace_seconds = grace_seconds
        self._at_once = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets=sockets)
        settle_memory()
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
        self._stopping.let_go(self._grace_seconds)
        await super().shutdown(sockets)
