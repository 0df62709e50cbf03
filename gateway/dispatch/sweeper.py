"""Keeps the promises that a crash would break: leases end, dead peers' work goes on, nothing QUEUED is forgotten."""

import asyncio
import contextlib
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from gateway.dispatch.engine import RunEngine
from gateway.dispatch.ledger import Ledger, LedgerUnavailableError
from gateway.dispatch.timing import USUAL, Timing

__all__ = ["KEY_LIFETIME", "Sweeper"]

log = structlog.get_logger("postroom.dispatch")

KEY_LIFETIME = timedelta(days=30)
"""How long an idempotency key is kept; what is promised is 7 days."""


class Sweeper:
    """Sweeps now and again, as one of any number of processes."""

    def __init__(
        self, ledger: Ledger, engine: RunEngine, executor: str, clock: Callable[[], datetime], timing: Timing = USUAL
    ) -> None:
        self._ledger = ledger
        self._engine = engine
        self._executor = executor
        self._clock = clock
        self._timing = timing
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Sweeps once, and then as often as `Timing.sweep_every` says."""
        await self.sweep()
        self._task = asyncio.create_task(self._sweep_on())

    async def stop(self) -> None:
        """Sweeps no more."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def sweep(self) -> None:
        """Once."""
        now = self._clock()
        await self._ledger.beat(self._executor, now=now)
        silent_since = now - self._timing.dead_after
        dead = await self._ledger.silent(before=silent_since)
        adopted = await self._engine.adopt(dead) if dead else 0
        if dead:  # only now: whoever dies before this leaves them to be adopted by the next
            await self._ledger.take_dead(before=silent_since)
        lost = await self._ledger.expire(now=now)
        for dispatch_id in await self._ledger.queued():
            await self._engine.submit(dispatch_id)
        await self._ledger.forget_keys(before=now - KEY_LIFETIME)
        if dead or lost:
            log.warning("swept", dead_processes=len(dead), adopted=adopted, unknown=lost)

    async def _sweep_on(self) -> None:
        while True:
            await asyncio.sleep(self._timing.sweep_every.total_seconds())
            try:
                await self.sweep()
            except LedgerUnavailableError as error:
                log.warning("the ledger cannot be swept", reason=str(error))
