"""What runs the work: a port. The engine behind it survives a crash, and is begun with the first work there is.

The engine is given a dispatch's id and nothing else. It may run the same work twice, or on two processes at once: the
ledger's claims decide what is sent. So nothing of it is believed, and losing it costs only time: the sweeper hands
the engine whatever the ledger has QUEUED and nobody works on.
"""

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

__all__ = ["EngineFactory", "EngineStoppedError", "EngineWhenNeeded", "RunEngine", "dbos_engine"]


class RunEngine(Protocol):
    """Runs work until it is done, also over a crash."""

    async def start(self) -> None:
        """Begins, and goes on with what this very executor left behind. May be tried again where it fails."""

    async def stop(self) -> None:
        """Begins nothing more, and lets go of what is under way: it goes on elsewhere, or after the next start."""

    async def submit(self, dispatch_id: str) -> None:
        """Has a dispatch worked off; nothing happens where that is under way."""

    async def adopt(self, executors: Sequence[str]) -> int:
        """Takes over what dead executors left behind; how many dispatches."""


class EngineFactory(Protocol):
    """Makes an engine. ``url`` is for its own tables; ``executor`` names this process; ``work`` does the work."""

    def __call__(self, *, url: str, executor: str, work: Callable[[str], Awaitable[None]]) -> RunEngine:
        """An engine, not started. It may be called in any thread."""


def dbos_engine(*, url: str, executor: str, work: Callable[[str], Awaitable[None]]) -> RunEngine:
    """The engine that a served gateway has."""
    # With what dbos brings these are 20 MiB, and a third of a second: a gateway that only reads has no use for them.
    from gateway.dispatch.dbos_engine import DbosEngine  # noqa: PLC0415

    return DbosEngine(url=url, executor=executor, work=work)


class EngineStoppedError(Exception):
    """The engine begins nothing more: what is QUEUED goes on elsewhere, or after the next start."""


class EngineWhenNeeded:
    """An engine that is made and started with the first work there is. ``make`` makes it, in a thread."""

    def __init__(self, make: Callable[[], RunEngine]) -> None:
        self._make = make
        self._starting: asyncio.Task[RunEngine] | None = None
        self._stopped = False

    async def start(self) -> None:
        """Nothing yet."""

    async def stop(self) -> None:
        """Stops what was started."""
        self._stopped = True
        if self._starting is None:
            return
        self._starting.cancel()
        await asyncio.wait([self._starting])
        if _is_running(self._starting):
            await self._starting.result().stop()

    async def submit(self, dispatch_id: str) -> None:
        """Has a dispatch worked off. Raises what keeps the engine from starting; the next call tries again."""
        await (await self._started()).submit(dispatch_id)

    async def adopt(self, executors: Sequence[str]) -> int:
        """Takes over what dead executors left behind. Raises what keeps the engine from starting."""
        return await (await self._started()).adopt(executors)

    async def _started(self) -> RunEngine:
        if self._stopped:
            raise EngineStoppedError
        if self._starting is None or (self._starting.done() and not _is_running(self._starting)):
            nobodys = contextvars.Context()  # it is no part of the operation that needs it first, nor ends with it
            self._starting = asyncio.create_task(self._start(), context=nobodys)
        return await asyncio.shield(self._starting)

    async def _start(self) -> RunEngine:
        engine = await asyncio.to_thread(self._make)  # what it imports holds nobody up
        await engine.start()
        return engine


def _is_running(starting: asyncio.Task[RunEngine]) -> bool:
    return not starting.cancelled() and starting.exception() is None
