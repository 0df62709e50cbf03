"""Works off what is QUEUED of a dispatch: claims a batch, sends it, settles it, until nothing is left.

Any number of workers may work on one dispatch, in any number of processes: the claim decides who sends what. A worker
holds nothing that the ledger does not.
"""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog

from adapters.errors import AdapterError
from gateway.backends import Backend, Backends
from gateway.dispatch.ledger import Claim, Ledger, Settlement
from gateway.dispatch.performing import perform_claimed
from gateway.dispatch.preparing import SendRequest, batch_size, prepare, request_of
from gateway.dispatch.records import Dispatch, DispatchItem, ItemState
from gateway.dispatch.timing import USUAL, Timing
from gateway.dispatch.vendor_status import decides, problems_before
from gateway.problems import Problem, ProblemCode, failed, problem_of

__all__ = ["RunWorker"]

log = structlog.get_logger("postroom.dispatch")

LANES = 4
"""Batches of one dispatch that are under way at once at one backend, at most: what a crash leaves UNKNOWN is at most
this times the batch size. The backend's own limit may allow fewer calls at once."""

_PAUSING = (ProblemCode.BACKEND_CREDENTIALS, ProblemCode.RATE_LIMITED, ProblemCode.UNAVAILABLE, ProblemCode.TIMEOUT)
"""What keeps a whole run from going on, when nothing was sent: it would fail the next items too."""

FIRST_PAUSE = 2.0
LONGEST_PAUSE = 60.0
"""Seconds: how long a run waits when its backend cannot be used; doubled each time, or as the vendor says."""


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
        self._clock = clock
        self._owner = owner
        self._timing = timing
        self._finishing = asyncio.Event()
        self._sends: set[asyncio.Task[Problem | None]] = set()

    def finish(self) -> None:
        """Claims nothing more: what is QUEUED goes on elsewhere, or after the next start."""
        self._finishing.set()

    async def drain(self) -> None:
        """Waits until every batch that was claimed is settled."""
        while self._sends:
            await asyncio.wait(self._sends)

    async def work(self, dispatch_id: str) -> None:
        """Works until no item of the dispatch is QUEUED."""
        dispatch = await self._ledger.get(dispatch_id, None)
        if dispatch is None:
            log.error("no such dispatch", dispatch=dispatch_id)
            return
        request = request_of(dispatch.action, dispatch.asked)
        await asyncio.gather(*(self._work_at(dispatch, key, request) for key in sorted(dispatch.backends)))

    async def _work_at(self, dispatch: Dispatch, key: str, request: SendRequest) -> None:
        backend = self._backends.get(key)
        if backend is None:
            log.error("a dispatch waits for a backend that is not configured", dispatch=dispatch.id, backend=key)
            return
        lanes = min(LANES, backend.limits.concurrency)
        state = _Pausing()
        await asyncio.gather(*(self._lane(dispatch, backend, request, state) for _ in range(lanes)))
        if state.noted:
            await self._ledger.pause(dispatch.id, None)

    async def _lane(self, dispatch: Dispatch, backend: Backend, request: SendRequest, state: "_Pausing") -> None:
        size = batch_size(backend, dispatch.action)
        calls = 1 + decides(backend, dispatch.action, None, resend=dispatch.resend)
        while not self._finishing.is_set():
            until = self._clock() + timedelta(seconds=calls * backend.timeout) + self._timing.lease_margin
            claim = Claim(owner=self._owner, until=until)
            items = await self._ledger.claim(dispatch.id, backend.key, first=size, claim=claim)
            if not items:
                return
            obstacle = await self._to_its_end(self._ask_and_send(dispatch, backend, request, items, until))
            if obstacle is not None:
                await self._wait(dispatch, backend, obstacle, state)
            elif state.noted:
                state.over()
                await self._ledger.pause(dispatch.id, None)

    async def _to_its_end(self, send: Coroutine[Any, Any, Problem | None]) -> Problem | None:
        """A claimed batch is sent and settled even when the engine lets go of the run."""
        task = asyncio.create_task(send)
        self._sends.add(task)
        task.add_done_callback(self._sends.discard)
        return await asyncio.shield(task)

    async def _ask_and_send(
        self,
        dispatch: Dispatch,
        backend: Backend,
        request: SendRequest,
        items: Sequence[DispatchItem],
        until: datetime,
    ) -> Problem | None:
        """Sends what the vendor does not say was sent before; what keeps the run from going on, if something does."""
        action, resend = dispatch.action, dispatch.resend
        asked = [item.target for item in items if decides(backend, action, item.recipients, resend=resend)]
        problems = await problems_before(backend, action, asked)
        obstacle = next((problem for problem in problems.values() if problem.code in _PAUSING), None)
        settlements = [_unsent(item, problems[item.target]) for item in items if item.target in problems]
        await self._settle(settlements if obstacle is None else list(map(_again, settlements)))
        going = [item for item in items if item.target not in problems]
        kept_back = await self._send(backend, request, going, until) if going else None
        return kept_back or obstacle

    async def _send(
        self, backend: Backend, request: SendRequest, items: Sequence[DispatchItem], until: datetime
    ) -> Problem | None:
        """Sends one claimed batch and settles it; what keeps the run from going on, if something does."""
        try:
            calls = prepare(backend, request, [item.target.native_id for item in items])
        except AdapterError as error:
            problem = failed(error, backend.key)
            await self._settle([_failed(item, problem) for item in items])
            return None
        performed = await perform_claimed(backend, calls, items, until=until, clock=self._clock)
        settlements = performed.settlements
        if performed.obstacle is not None:
            settlements = tuple(map(_again, settlements))
        await self._settle(settlements)
        return None if performed.obstacle is None else problem_of(performed.obstacle, backend.key)

    async def _settle(self, settlements: Sequence[Settlement]) -> None:
        if not settlements:
            return
        settled = await self._ledger.settle(settlements, at=self._clock())
        for settlement, done in zip(settlements, settled, strict=True):
            if not done:
                log.warning("an outcome came too late", item=settlement.number, state=settlement.state.value)

    async def _wait(self, dispatch: Dispatch, backend: Backend, problem: Problem, state: "_Pausing") -> None:
        seconds = state.next(problem.retry_after)
        log.warning("a run waits", dispatch=dispatch.id, backend=backend.key, code=problem.code.value, seconds=seconds)
        await self._ledger.pause(dispatch.id, problem)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._finishing.wait(), seconds)


class _Pausing:
    """How long a run at one backend has been kept from going on."""

    def __init__(self) -> None:
        self.noted = False
        self._seconds = FIRST_PAUSE

    def next(self, asked: int | None) -> float:
        """The seconds to wait now."""
        self.noted = True
        seconds = self._seconds if asked is None else float(asked)
        self._seconds = min(LONGEST_PAUSE, self._seconds * 2)
        return seconds

    def over(self) -> None:
        """It goes on."""
        self.noted = False
        self._seconds = FIRST_PAUSE


def _again(settlement: Settlement) -> Settlement:
    """Back to the queue: it is proved that nothing was sent, and the fault is not the item's."""
    if settlement.state is not ItemState.FAILED or settlement.problem is None:
        return settlement
    if settlement.problem.code not in _PAUSING:
        return settlement
    return Settlement(number=settlement.number, attempt=settlement.attempt, state=ItemState.QUEUED)


def _unsent(item: DispatchItem, problem: Problem) -> Settlement:
    if problem.code is not ProblemCode.ALREADY_SENT:
        return _failed(item, problem)
    return Settlement(number=item.number, attempt=item.attempt, state=ItemState.SKIPPED, problem=problem)


def _failed(item: DispatchItem, problem: Problem) -> Settlement:
    return Settlement(number=item.number, attempt=item.attempt, state=ItemState.FAILED, problem=problem)
