"""Keeps the promises that a crash would break: leases end, dead peers' work goes on, nothing QUEUED is forgotten."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog

from gateway.dispatch.engine import RunEngine
from gateway.dispatch.ledger import Ledger, LedgerUnavailableError
from gateway.dispatch.timing import USUAL, Timing
from gateway.problems import incident_of

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
        """Once. Where a step fails the others are done all the same: each keeps a promise of its own."""
        now = self._clock()
        await self._tried("beat", self._ledger.beat(self._executor, now=now))
        await self._tried("adopt", self._adopt(now))
        await self._tried("expire", self._expire(now))
        await self._tried("submit", self._submit_queued())
        await self._tried("forget keys", self._ledger.forget_keys(before=now - KEY_LIFETIME))

    async def _adopt(self, now: datetime) -> None:
        """Takes over from the dead. What they left without anything QUEUED is nothing, and needs no engine."""
        silent_since = now - self._timing.dead_after
        dead = await self._ledger.silent(before=silent_since)
        if dead and await self._ledger.queued():
            adopted = await self._engine.adopt(dead)
            # only now: whoever dies before this leaves them to be adopted by the next
            await self._ledger.take_dead(before=silent_since)
            log.warning("processes died", dead=len(dead), adopted=adopted)

    async def _expire(self, now: datetime) -> None:
        lost = await self._ledger.expire(now=now)
        if lost:
            log.warning("leases ended", unknown=lost)

    async def _submit_queued(self) -> None:
        for dispatch_id in await self._ledger.queued():
            await self._tried("submit", self._engine.submit(dispatch_id))

    async def _tried(self, step: str, work: Awaitable[object]) -> None:
        try:
            await work
        except LedgerUnavailableError as error:
            log.warning("the ledger cannot be swept", step=step, reason=str(error))
        except Exception as error:  # noqa: BLE001 - the engine's; logged with its trace. Nobody would miss a sweeper that ended
            incident_of(error)

    async def _sweep_on(self) -> None:
        while True:
            await asyncio.sleep(self._timing.sweep_every.total_seconds())
            await self.sweep()
