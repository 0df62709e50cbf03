"""One dispatch at one backend, worked off in lanes: each sends a batch, settles it, and claims the next with that."""

import asyncio
import contextlib
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime

import structlog
from msgspec import Struct

from adapters.errors import AdapterError
from gateway.backends import Backend
from gateway.dispatch.ledger import Claim, Ledger, LedgerUnavailableError, Settlement, UnconfirmedError
from gateway.dispatch.performing import Performed, perform_claimed
from gateway.dispatch.preparing import SendRequest, batch_size, prepare
from gateway.dispatch.records import Dispatch, DispatchItem, ItemState
from gateway.dispatch.settling import settled_by, settled_later, tell_late, tell_unwritten
from gateway.dispatch.timing import Timing
from gateway.dispatch.vendor_status import decides, problems_before
from gateway.problems import Problem, ProblemCode, failed, problem_of

__all__ = ["LANES", "BackendRun", "Worker"]

log = structlog.get_logger("postroom.dispatch")

LANES = 4
"""Batches of one dispatch that are under way at once at one backend, at most: what a crash leaves UNKNOWN is at most
this times the batch size. The backend's own limit may allow fewer calls at once."""

_PAUSING = (ProblemCode.BACKEND_CREDENTIALS, ProblemCode.RATE_LIMITED, ProblemCode.UNAVAILABLE, ProblemCode.TIMEOUT)
"""What keeps a whole run from going on, when nothing was sent: it would fail the next items too."""

FIRST_PAUSE = 2.0
LONGEST_PAUSE = 60.0
"""Seconds: how long a run waits when its backend cannot be used; doubled each time, or as the vendor says."""


FIRST_LOOK = 0.1
LONGEST_LOOK = 5.0
"""Seconds between two looks for what an unheard commit may have written; doubled each time."""


class Worker(Struct, frozen=True, kw_only=True):
    """Who works, on which ledger, by which clock."""

    ledger: Ledger
    owner: str
    clock: Callable[[], datetime]
    timing: Timing


class BackendRun:
    """What is QUEUED of ``dispatch`` at ``backend``, worked off until nothing is left or it is told to stop."""

    def __init__(self, worker: Worker, dispatch: Dispatch, backend: Backend, request: SendRequest) -> None:
        self._worker = worker
        self._ledger = worker.ledger
        self._dispatch = dispatch
        self._backend = backend
        self._request = request
        self._stopping = asyncio.Event()
        self._paused = False
        self._pause = FIRST_PAUSE

    @property
    def lanes(self) -> int:
        """How many of `lane` may run at once."""
        return min(LANES, self._backend.limits.concurrency)

    def stop(self) -> None:
        """Claims nothing more: what is claimed is sent and settled, what is QUEUED goes on elsewhere or later."""
        self._stopping.set()

    async def lane(self) -> None:
        """Sends batch after batch."""
        settlements: Sequence[Settlement] = ()
        until = self._worker.clock()
        while not self._stopping.is_set():
            items, until = await self._settle_and_claim(settlements, until)
            if not items:
                return
            settlements, obstacle = await self._ask_and_send(items, until)
            if obstacle is not None:
                await self._settle(tuple(map(_again, settlements)), until)
                settlements = ()
                await self._wait(obstacle)
            elif self._paused:
                await self.go_on()
        await self._settle(settlements, until)

    async def go_on(self) -> None:
        """Notes that nothing keeps it from going on."""
        if self._paused:
            self._paused = False
            self._pause = FIRST_PAUSE
            await self._ledger.pause(self._dispatch.id, None)

    async def _ask_and_send(
        self, items: Sequence[DispatchItem], until: datetime
    ) -> tuple[Sequence[Settlement], Problem | None]:
        """Sends what the vendor does not say was sent before; what became of all, and what stands in the run's way."""
        problems = await problems_before(
            self._backend, self._dispatch.action, [item.target for item in items if self._is_asked(item.recipients)]
        )
        held_back = [_unsent(item, problems[item.target]) for item in items if item.target in problems]
        obstacle = next((problem for problem in problems.values() if problem.code in _PAUSING), None)
        going = [item for item in items if item.target not in problems]
        await self._note_unsent([item for item in going if self._is_asked(item.recipients)])
        performed = await self._send(going, until) if going else Performed(settlements=())
        if performed.obstacle is not None:
            obstacle = problem_of(performed.obstacle, self._backend.key)
        return (*held_back, *performed.settlements), obstacle

    async def _note_unsent(self, items: Sequence[DispatchItem]) -> None:
        """Writes down what the status did not say, for after a crash. Without that it can be sent all the same."""
        if not items:
            return
        try:
            await self._ledger.found_unsent(items, at=self._worker.clock())
        except LedgerUnavailableError as error:
            log.warning("what the vendor's status said is not written down", reason=str(error), items=len(items))

    def _is_asked(self, recipients: Sequence[str] | None) -> bool:
        return decides(self._backend, self._dispatch.action, recipients, resend=self._dispatch.resend)

    async def _send(self, items: Sequence[DispatchItem], until: datetime) -> Performed:
        """Sends one claimed batch; what became of it, and what keeps the run from going on, if something does."""
        try:
            calls = prepare(self._backend, self._request, [item.target.native_id for item in items])
        except AdapterError as error:
            problem = failed(error, self._backend.key)
            return Performed(settlements=tuple(_failed(item, problem) for item in items))
        return await perform_claimed(self._backend, calls, items, until=until, clock=self._worker.clock)

    async def _settle(self, settlements: Sequence[Settlement], until: datetime) -> None:
        if settlements:
            await settled_by(self._ledger, settlements, until=until, clock=self._worker.clock)

    async def _settle_and_claim(
        self, settlements: Sequence[Settlement], until: datetime
    ) -> tuple[Sequence[DispatchItem], datetime]:
        """Settles a batch whose lease ends at ``until``, and claims the next; until when that is claimed."""
        claim = self._claim()
        first = batch_size(self._backend, self._dispatch.action)
        where, at = (self._dispatch.id, self._backend.key), self._worker.clock()
        try:
            written, items = await self._ledger.settle_and_claim(settlements, *where, at=at, first=first, claim=claim)
        except LedgerUnavailableError as error:
            unheard = isinstance(error, UnconfirmedError)
            if not settlements and not unheard:
                raise
            if settlements:
                tell_unwritten(settlements, error)
                await settled_later(self._ledger, settlements, until=until, clock=self._worker.clock)
            if unheard and (items := await self._claimed(claim)):
                return items, claim.until
            return await self._settle_and_claim((), until)
        tell_late(settlements, written)
        return items, claim.until

    async def _claimed(self, claim: Claim) -> Sequence[DispatchItem]:
        """What a claim took whose commit nobody heard: tried again until its lease ends. Nothing else sends that."""
        seconds = FIRST_LOOK
        while True:
            try:
                return await self._ledger.claimed(self._dispatch.id, claim)
            except LedgerUnavailableError:
                if self._worker.clock() >= claim.until:
                    raise
            await asyncio.sleep(seconds)
            seconds = min(LONGEST_LOOK, seconds * 2)

    def _claim(self) -> Claim:
        """A new one; its owner is of this claim alone, so that it can be found again."""
        lease = self._worker.timing.lease(self._backend.timeout, reads=1 if self._is_asked(None) else 0)
        now = self._worker.clock()
        return Claim(owner=f"{self._worker.owner}.{uuid.uuid4().hex}", at=now, until=now + lease)

    async def _wait(self, problem: Problem) -> None:
        """Waits as long as the vendor says, or ever longer; the ledger says why."""
        seconds = self._pause if problem.retry_after is None else float(problem.retry_after)
        self._paused = True
        self._pause = min(LONGEST_PAUSE, self._pause * 2)
        log.warning(
            "a run waits",
            dispatch=self._dispatch.id,
            backend=self._backend.key,
            code=problem.code.value,
            seconds=seconds,
        )
        await self._ledger.pause(self._dispatch.id, problem)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)


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
