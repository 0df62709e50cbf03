"""Has a dispatch reconciled, retried or cancelled: by a gateway that runs, or here, over the ledger it runs over.

Here no engine is started. An engine would take over runs of a gateway that is alive, and leave them lying when the
command ends. What is queued here is begun by the next gateway that sweeps the ledger; or, where none is alive and the
caller waits, by a worker for this one dispatch. The ledger's claims keep that worker and a gateway that starts
meanwhile apart.
"""

import asyncio
import contextlib
import logging
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Protocol

from gateway.commands.dispatch_ledger import OpenLedger, opened
from gateway.commands.dispatch_standing import Standing, standing_of
from gateway.commands.dispatch_watching import watch
from gateway.commands.failure import CommandFailure
from gateway.connecting import connected_backends, utc_now
from gateway.dispatch.reconciling import reconcile
from gateway.dispatch.records import Dispatch
from gateway.dispatch.runs import RunWorker
from gateway.dispatch.sending import Sending
from gateway.logs import configure_logs, secrets_of
from gateway.settings import Settings

__all__ = ["NOBODY_SENDS", "Acting", "Here", "acting_here"]

NOBODY_SENDS = "No gateway runs over this ledger now: what is QUEUED waits until one starts, or for `retry --wait`."

LEFT = "Interrupted: what is being sent is waited for and settled, the rest stays QUEUED."


class Acting(Protocol):
    """What can be done to a dispatch; each returns how it then stands."""

    async def find(self, given: str) -> Standing:
        """The dispatch of an id. Raises `CommandFailure` where there is none."""

    async def reconcile(self, dispatch_id: str) -> Standing:
        """Asks the vendors for evidence of what is UNKNOWN."""

    async def retry(self, dispatch_id: str) -> Standing:
        """Has what is FAILED queued again."""

    async def cancel(self, dispatch_id: str) -> Standing:
        """Cancels what has not begun."""

    async def watch(self, dispatch_id: str) -> Standing:
        """Shows progress until all is settled."""

    async def finish(self, dispatch_id: str) -> Standing:
        """The same, and sees to it that somebody works."""

    async def hint(self, standing: Standing) -> str | None:
        """What the caller should know about how it goes on, if anything."""


class _LeftToSweepers:
    """In an engine's place: what is QUEUED is found by whoever sweeps the ledger."""

    async def start(self) -> None:
        """Nothing is to be started."""

    async def stop(self) -> None:
        """Nothing is to be stopped."""

    async def submit(self, dispatch_id: str) -> None:
        """A sweeper does."""

    async def adopt(self, executors: Sequence[str]) -> int:  # noqa: ARG002 - the port's signature
        """Nothing: those who run engines adopt."""
        return 0


class Here:
    """In this process, over an opened ledger."""

    def __init__(self, settings: Settings, ledger: OpenLedger) -> None:
        self._settings = settings
        self._opened = ledger
        self._owner = uuid.uuid4().hex
        timing = settings.ledger.timing
        self._sending = Sending(ledger.ledger, _LeftToSweepers(), self._owner, utc_now, timing)

    async def find(self, given: str) -> Standing:
        """The dispatch of an id, or of the beginning of one."""
        return standing_of(await self._opened.dispatch(given))

    async def reconcile(self, dispatch_id: str) -> Standing:
        """Asks the vendors for evidence, from here."""
        await self._opened.ledger.expire(now=utc_now())  # what a dead gateway was sending is UNKNOWN
        dispatch = await self._opened.dispatch(dispatch_id)
        async with connected_backends(self._settings, utc_now) as backends:
            return standing_of(await reconcile(self._opened.ledger, dispatch, backends, clock=utc_now))

    async def retry(self, dispatch_id: str) -> Standing:
        """Has what is FAILED queued again."""
        return standing_of(await self._sending.retry(await self._opened.dispatch(dispatch_id)))

    async def cancel(self, dispatch_id: str) -> Standing:
        """Cancels what has not begun."""
        return standing_of(await self._sending.cancel(await self._opened.dispatch(dispatch_id)))

    async def watch(self, dispatch_id: str) -> Standing:
        """Shows progress until all is settled."""
        return await watch(self._reading(dispatch_id))

    async def finish(self, dispatch_id: str) -> Standing:
        """Watches a gateway work; where there is none, works here."""
        if await self._somebody_sends():
            return await self.watch(dispatch_id)
        return await self._work_off(await self._opened.dispatch(dispatch_id))

    async def hint(self, standing: Standing) -> str | None:
        """That nobody is there to go on."""
        return NOBODY_SENDS if standing.pending and not await self._somebody_sends() else None

    async def _somebody_sends(self) -> bool:
        since = utc_now() - self._settings.ledger.timing.dead_after
        return await self._opened.gateways(since=since) > 0

    def _reading(self, dispatch_id: str) -> Callable[[], Awaitable[Standing]]:
        async def read() -> Standing:
            return standing_of(await self._opened.dispatch(dispatch_id))

        return read

    async def _work_off(self, dispatch: Dispatch) -> Standing:
        """Works here until nothing is QUEUED. Interrupted, what was claimed is settled, and the rest stays QUEUED."""
        ledger, timing = self._opened.ledger, self._settings.ledger.timing
        async with connected_backends(self._settings, utc_now) as backends:
            missing = sorted(key for key in dispatch.backends if backends.get(key) is None)
            if missing:
                raise CommandFailure(f"It cannot be sent from here: no backend {', '.join(missing)} is configured.")
            await ledger.expire(now=utc_now())
            worker = RunWorker(ledger, backends, utc_now, self._owner, timing)
            working = asyncio.create_task(worker.work(dispatch.id))
            try:
                standing = await watch(self._reading(dispatch.id), ended=working.done, when_left=LEFT)
            finally:
                worker.finish()
                await asyncio.wait([working])
            await working
        return standing


@contextlib.asynccontextmanager
async def acting_here(settings: Settings, *, read_only: bool = False) -> AsyncIterator[Here]:
    """Acts in this process; with ``read_only`` it can only look."""
    configure_logs(secrets_of(settings), level=logging.ERROR)
    async with opened(settings, read_only=read_only) as ledger:
        yield Here(settings, ledger)
