"""Works off what is QUEUED of a dispatch, at all its backends at once, until nothing is left.

Any number of workers may work on one dispatch, in any number of processes: the claim decides who sends what. A worker
holds nothing that the ledger does not.
"""

import asyncio
import contextvars
from collections.abc import Callable
from datetime import datetime

import structlog

from gateway.backends import Backends
from gateway.dispatch.backend_run import BackendRun, Worker
from gateway.dispatch.draining import Patience, drained, endless
from gateway.dispatch.ledger import Ledger
from gateway.dispatch.preparing import request_of
from gateway.dispatch.records import Dispatch
from gateway.dispatch.timing import USUAL, Timing

__all__ = ["RunWorker"]

log = structlog.get_logger("postroom.dispatch")


class RunWorker:
    """Works dispatches off, as ``owner``."""

    def __init__(
        self,
        ledger: Ledger,
        backends: Backends,
        clock: Callable[[], datetime],
        owner: str,
        timing: Timing = USUAL,
    ) -> None:
        self._ledger = ledger
        self._backends = backends
        self._worker = Worker(ledger=ledger, owner=owner, clock=clock, timing=timing)
        self._finished = False
        self._runs: set[BackendRun] = set()
        self._lanes: set[asyncio.Task[None]] = set()

    def finish(self) -> None:
        """Claims nothing more: what is QUEUED goes on elsewhere, or after the next start."""
        self._finished = True
        for run in self._runs:
            run.stop()

    async def drain(self, patience: Patience = endless) -> int:
        """Waits until every batch that was claimed is settled; how many were not in time."""
        return await drained(self._lanes, patience)

    async def work(self, dispatch_id: str) -> None:
        """Works until no item of the dispatch is QUEUED."""
        dispatch = await self._ledger.get(dispatch_id, None)
        if dispatch is None:
            log.error("no such dispatch", dispatch=dispatch_id)
            return
        await asyncio.gather(*(self._work_at(dispatch, key) for key in sorted(dispatch.backends)))

    async def _work_at(self, dispatch: Dispatch, key: str) -> None:
        backend = self._backends.get(key)
        if backend is None:
            log.error("a dispatch waits for a backend that is not configured", dispatch=dispatch.id, backend=key)
            return
        run = BackendRun(self._worker, dispatch, backend, request_of(dispatch.action, dispatch.asked))
        if self._finished:
            return
        self._runs.add(run)
        try:
            await self._run(run)
        finally:
            run.stop()
            self._runs.discard(run)
        await run.go_on()

    async def _run(self, run: BackendRun) -> None:
        """Waits for the lanes. They are tasks of their own: each ends its batch even when the engine lets go of us."""
        nobodys = contextvars.Context()  # a run is no part of the operation that began it, nor ends with it
        lanes = [asyncio.create_task(run.lane(), context=nobodys.copy()) for _ in range(run.lanes)]
        for lane in lanes:
            self._lanes.add(lane)
            lane.add_done_callback(self._lanes.discard)
        await asyncio.wait(lanes)
        failures = [error for lane in lanes if (error := lane.exception()) is not None]
        if failures:
            raise failures[0]
