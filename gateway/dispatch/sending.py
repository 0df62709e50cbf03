"""Asks for sends: written down first, claimed, sent once, and settled by what the answer proves.

A single send is claimed in the transaction that writes it, and sent by this process. A run is written with its items
QUEUED, and handed to the engine.
"""

import asyncio
import contextlib
import uuid
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from typing import Any, TypeVar

import structlog
from msgspec import Struct
from msgspec.structs import replace

from adapters.contract import PreparedCall
from gateway.backends import Backend
from gateway.dispatch.draining import Patience, drained, endless
from gateway.dispatch.engine import RunEngine
from gateway.dispatch.keyed_writes import Written, perform_once, perform_unkeyed, under_way
from gateway.dispatch.ledger import (
    Begun,
    Claim,
    Intent,
    Ledger,
    LedgerUnavailableError,
    Request,
    Settlement,
    UnconfirmedError,
    WriteKey,
)
from gateway.dispatch.performing import not_begun, perform_claimed
from gateway.dispatch.preparing import SendRequest, asked_of
from gateway.dispatch.records import Dispatch, DispatchAction, ItemState
from gateway.dispatch.settling import settled, settled_by, settled_later
from gateway.dispatch.timing import USUAL, Timing
from gateway.problems import Problem, ProblemCode, incident_of

__all__ = ["Order", "Sending", "Sent"]

log = structlog.get_logger("postroom.dispatch")

T = TypeVar("T")

HAND_OVER_SECONDS = 5.0
"""An engine that has lost its database waits for it, and its callers with it."""

LOOK_AGAIN_SECONDS = 2.0
"""How often a ledger that went away is asked whether it wrote what it did not answer."""

_SENDING = frozenset((ItemState.SENDING,))
_SAID = {ItemState.ACCEPTED: "The vendor took it", ItemState.FAILED: "It is proved that nothing was sent"}


class Order(Struct, frozen=True, kw_only=True):
    """What a principal asks to be sent. ``input_hash`` tells its input from another under the same idempotency key."""

    action: DispatchAction
    mutation: str
    principal: str
    request: SendRequest
    intents: Sequence[Intent]
    idempotency_key: str | None = None
    input_hash: str = ""
    resend: bool = False


class Sent(Struct, frozen=True, kw_only=True):
    """A dispatch as it stands. ``replayed``: it was made before. ``problem``: what is known of it and not in it."""

    dispatch: Dispatch
    replayed: bool = False
    problem: Problem | None = None


class Sending:
    """What sends. A send belongs to the ledger, not to the request: it goes on when the caller has left.

    Once ``answer_now`` is set, who waits for a send or another write is told how it stands.
    """

    def __init__(
        self,
        ledger: Ledger,
        engine: RunEngine,
        owner: str,
        clock: Callable[[], datetime],
        timing: Timing = USUAL,
        answer_now: asyncio.Event | None = None,
    ) -> None:
        self.ledger = ledger
        self._engine = engine
        self._owner = owner
        self._clock = clock
        self._timing = timing
        self._answer_now = answer_now or asyncio.Event()
        self._running: set[asyncio.Task[Any]] = set()
        self._handing: set[asyncio.Task[None]] = set()

    async def send_one(self, order: Order, backend: Backend, call: PreparedCall) -> Sent:
        """Sends one item by one call. It is RUNNING still where there is no time to wait for its outcome.

        Raises `AlreadySentError`, `WithheldError`, `IdempotencyConflictError` or `LedgerUnavailableError`; then nothing
        was sent.
        """
        claim = Claim(owner=self._owner, at=self._clock(), until=self._lease_end(backend))
        claimed: asyncio.Future[Begun] = asyncio.get_running_loop().create_future()
        sending = self._begin_task(self._begin_and_perform(order, backend, call, claim, claimed))
        sending.add_done_callback(_seen)  # whoever waits may leave before
        if await self._is_in_time(sending) or not claimed.done():
            return await asyncio.shield(sending)
        return Sent(dispatch=claimed.result().dispatch)

    async def _begin_and_perform(
        self, order: Order, backend: Backend, call: PreparedCall, claim: Claim, claimed: asyncio.Future[Begun]
    ) -> Sent:
        with backend.ahead() as reach:
            begun = await self._begin(order, claim, reach)
            claimed.set_result(begun)
            return await self._perform(backend, call, claim, begun)

    async def _perform(self, backend: Backend, call: PreparedCall, claim: Claim, begun: Begun) -> Sent:
        if begun.replayed:
            return Sent(dispatch=begun.dispatch, replayed=True)
        if not begun.items:  # found too late: others have taken it for lost
            return Sent(dispatch=begun.dispatch)
        performed = await perform_claimed(backend, (call,), begun.items, until=claim.until, clock=self._clock)
        (settlement,) = performed.settlements
        at = self._clock()
        written = await settled(self.ledger, [settlement], at=at)
        if written == [True]:
            return Sent(dispatch=replace(begun.dispatch, counts={settlement.state: 1}, finished_at=at))
        if written is not None:
            return Sent(dispatch=await self._standing(begun.dispatch))
        self._begin_task(settled_later(self.ledger, [settlement], until=claim.until, clock=self._clock))
        dispatch = await self._standing(begun.dispatch)
        return Sent(dispatch=dispatch, problem=_unsettled(settlement) if dispatch.finished_at is None else None)

    async def send_many(self, order: Order) -> Sent:
        """Writes a run and hands it to the engine.

        Raises `IdempotencyConflictError` or `LedgerUnavailableError`; then nothing will be sent, except where the
        latter is an `UnconfirmedError`.
        """
        return await self._to_its_end(self._begin_and_hand_over(order))

    async def _begin_and_hand_over(self, order: Order) -> Sent:
        begun = await self._begin(order, None)
        if begun.replayed:
            return Sent(dispatch=begun.dispatch, replayed=True)
        await self._hand_over(begun.dispatch.id)
        return Sent(dispatch=await self._standing(begun.dispatch))

    async def _standing(self, dispatch: Dispatch) -> Dispatch:
        """The dispatch as it stands now; as it is known to have stood, where the ledger has gone away since."""
        try:
            return await self.ledger.get(dispatch.id, None) or dispatch
        except LedgerUnavailableError as error:
            log.warning("what was written cannot be read again now", dispatch=dispatch.id, reason=str(error))
            return dispatch

    async def retry(self, dispatch: Dispatch) -> Dispatch:
        """Has the FAILED items sent again."""
        return await self._to_its_end(self._retry(dispatch))

    async def _retry(self, dispatch: Dispatch) -> Dispatch:
        if await self.ledger.retry(dispatch.id):
            await self._hand_over(dispatch.id)
        return await self.ledger.get(dispatch.id, None) or dispatch

    async def cancel(self, dispatch: Dispatch) -> Dispatch:
        """Cancels the items that nobody has begun."""
        await self.ledger.cancel(dispatch.id, at=self._clock())
        return await self.ledger.get(dispatch.id, None) or dispatch

    async def perform(self, backend: Backend, call: PreparedCall, key: WriteKey | None) -> Written:
        """What became of a write that is no send, for its one target. It goes on when the caller has left.

        With a key it is done once, see `perform_once`. It is `under_way` still where there is no time to wait for its
        outcome. Raises `IdempotencyConflictError` and `LedgerUnavailableError`; then nothing was written.
        """
        if key is None:
            work = perform_unkeyed(backend, call)
        else:
            until = self._lease_end(backend)
            work = perform_once(self.ledger, backend, call, key, until=until, clock=self._clock)
        writing = self._begin_task(work)
        writing.add_done_callback(_seen)
        if await self._is_in_time(writing):
            return await asyncio.shield(writing)
        return under_way(backend.key, keyed=key is not None)

    async def drain(self, patience: Patience = endless) -> int:
        """Waits until everything that this process is sending is settled; how much was not in time."""
        return await drained(self._running, patience)

    async def _begin(self, order: Order, claim: Claim | None, claiming: Callable[[], None] | None = None) -> Begun:
        dispatch_id = uuid.uuid4().hex
        request = Request(
            dispatch_id=dispatch_id,
            action=order.action,
            mutation=order.mutation,
            requested_by=order.principal,
            at=self._clock(),
            asked=asked_of(order.request),
            input_hash=order.input_hash,
            intents=order.intents,
            idempotency_key=order.idempotency_key,
            resend=order.resend,
            claim=claim,
            strict=claim is not None,
        )
        try:
            return await self.ledger.begin(request, claiming)
        except UnconfirmedError:
            try:
                begun = await self._found(dispatch_id)
            except LedgerUnavailableError:
                begun = None
                if claim is not None:
                    self._begin_task(self._withdraw(dispatch_id, claim.until))
            if begun is None:
                raise
            return begun

    async def _found(self, dispatch_id: str) -> Begun | None:
        """What was written although nobody said so, if it was."""
        dispatch = await self.ledger.get(dispatch_id, None)
        if dispatch is None:
            return None
        return Begun(dispatch=dispatch, items=await self.ledger.items(dispatch.id, states=_SENDING))

    async def _withdraw(self, dispatch_id: str, until: datetime) -> None:
        """Settles a claim that nobody could act on, should it have been written: its caller was told to try again."""
        while self._clock() < until:
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
            with contextlib.suppress(LedgerUnavailableError):
                begun = await self._found(dispatch_id)
                if begun is not None:
                    await settled_by(self.ledger, list(map(not_begun, begun.items)), until=until, clock=self._clock)
                return

    async def _hand_over(self, dispatch_id: str) -> None:
        """Has the engine begin, and waits for that, but not for ever. What it does not take, a sweeper hands to it."""
        handing = asyncio.create_task(self._engine.submit(dispatch_id))
        self._handing.add(handing)
        handing.add_done_callback(self._handed)
        await asyncio.wait([handing], timeout=HAND_OVER_SECONDS)

    def _handed(self, handing: asyncio.Task[None]) -> None:
        self._handing.discard(handing)
        error = None if handing.cancelled() else handing.exception()
        if error is not None:
            incident_of(error)

    def _lease_end(self, backend: Backend) -> datetime:
        return self._clock() + self._timing.lease(backend.timeout)

    async def _to_its_end(self, work: Coroutine[Any, Any, T]) -> T:
        """Waits for work that outlives whoever waits."""
        return await asyncio.shield(self._begin_task(work))

    async def _is_in_time(self, work: asyncio.Task[Any]) -> bool:
        """Waits for work until it is done, or until whoever waits for it is to be answered."""
        leaving = asyncio.create_task(self._answer_now.wait())
        try:
            await asyncio.wait((work, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()
        return work.done()

    def _begin_task(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Begins work that `drain` waits for."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task


def _seen(done: asyncio.Task[Any]) -> None:
    if not done.cancelled():
        done.exception()


def _unsettled(settlement: Settlement) -> Problem:
    said = _SAID.get(settlement.state, "It may have gone out")
    message = f"{said}, but the ledger could not be written since: it says so as soon as it can, or else UNKNOWN."
    return Problem(code=ProblemCode.OUTCOME_UNKNOWN, message=message)
