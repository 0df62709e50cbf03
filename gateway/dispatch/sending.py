"""Asks for sends: written down first, claimed, sent once, and settled by what the answer proves.

A single send is claimed in the transaction that writes it, and sent by this process. A run is written with its items
QUEUED, and handed to the engine.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

import structlog
from msgspec import Struct

from adapters.contract import EvidenceRequest, PreparedCall, SendAction, Verdict
from adapters.errors import AdapterError
from gateway.backends import Backend, Backends
from gateway.dispatch.engine import RunEngine
from gateway.dispatch.fingerprint import input_hash
from gateway.dispatch.keyed_writes import Written, perform_once, perform_unkeyed
from gateway.dispatch.ledger import Begun, Claim, Intent, Ledger, Request, Settlement, WriteKey
from gateway.dispatch.performing import perform_claimed
from gateway.dispatch.preparing import SendRequest, asked_of
from gateway.dispatch.records import Dispatch, DispatchAction, DispatchItem, ItemState
from gateway.dispatch.timing import USUAL, Timing
from gateway.problems import incident_of
from gateway.upstream.questions import reading_fresh

__all__ = ["Order", "Sending"]

log = structlog.get_logger("postroom.dispatch")

T = TypeVar("T")
_VERDICTS = {Verdict.SENT: ItemState.ACCEPTED, Verdict.NOT_SENT: ItemState.FAILED, Verdict.UNDECIDED: ItemState.UNKNOWN}


class Order(Struct, frozen=True, kw_only=True):
    """What a principal asks to be sent. ``given`` is the mutation's input as JSON, without its idempotency key."""

    action: DispatchAction
    mutation: str
    principal: str
    given: dict[str, Any]
    request: SendRequest
    intents: Sequence[Intent]
    idempotency_key: str | None = None
    resend: bool = False

    def input_hash(self) -> str:
        """Tells this input from another under the same key."""
        return input_hash(self.mutation, self.given)


class Sending:
    """What sends. A send belongs to the ledger, not to the request: it goes on when the caller has left."""

    def __init__(
        self, ledger: Ledger, engine: RunEngine, owner: str, clock: Callable[[], datetime], timing: Timing = USUAL
    ) -> None:
        self.ledger = ledger
        self._engine = engine
        self._owner = owner
        self._clock = clock
        self._timing = timing
        self._running: set[asyncio.Task[Any]] = set()

    async def send_one(self, order: Order, backend: Backend, call: PreparedCall) -> tuple[Dispatch, bool]:
        """Sends one item by one call, and answers the dispatch as it then stands, and whether it was made before.

        Raises `AlreadySentError`, `IdempotencyConflictError` or `LedgerUnavailableError`; then nothing was sent.
        """
        claim = Claim(owner=self._owner, until=self._lease_end(backend))
        return await self._to_its_end(self._begin_and_perform(order, backend, call, claim))

    async def _begin_and_perform(
        self, order: Order, backend: Backend, call: PreparedCall, claim: Claim
    ) -> tuple[Dispatch, bool]:
        begun = await self._begin(order, claim)
        if begun.replayed:
            return begun.dispatch, True
        performed = await perform_claimed(backend, (call,), begun.items, until=claim.until, clock=self._clock)
        await self.ledger.settle(performed.settlements, at=self._clock())
        return await self.ledger.get(begun.dispatch.id, None) or begun.dispatch, False

    async def send_many(self, order: Order) -> tuple[Dispatch, bool]:
        """Writes a run and hands it to the engine; the dispatch as it stands, and whether it was made before."""
        begun = await self._begin(order, None)
        if begun.replayed:
            return begun.dispatch, True
        await self._engine.submit(begun.dispatch.id)
        return await self.ledger.get(begun.dispatch.id, None) or begun.dispatch, False

    async def retry(self, dispatch: Dispatch) -> Dispatch:
        """Has the FAILED items sent again."""
        if await self.ledger.retry(dispatch.id):
            await self._engine.submit(dispatch.id)
        return await self.ledger.get(dispatch.id, None) or dispatch

    async def cancel(self, dispatch: Dispatch) -> Dispatch:
        """Cancels the items that nobody has begun."""
        await self.ledger.cancel(dispatch.id, at=self._clock())
        return await self.ledger.get(dispatch.id, None) or dispatch

    async def perform(self, backend: Backend, call: PreparedCall, key: WriteKey | None) -> Written:
        """What became of a write that is no send, for its one target. It goes on when the caller has left.

        With a key it is done once, see `perform_once`. Raises `IdempotencyConflictError` and `LedgerUnavailableError`;
        then nothing was written.
        """
        if key is None:
            return await self._to_its_end(perform_unkeyed(backend, call))
        until = self._lease_end(backend)
        return await self._to_its_end(perform_once(self.ledger, backend, call, key, until=until, clock=self._clock))

    async def drain(self) -> None:
        """Waits until everything that this process is sending is settled."""
        while self._running:
            await asyncio.wait(self._running)

    async def reconcile(self, dispatch: Dispatch, backends: Backends) -> Dispatch:
        """Asks the vendors for evidence of each UNKNOWN item, and settles those that it decides."""
        unknown = frozenset((ItemState.UNKNOWN,))
        after = 0
        while items := await self.ledger.items(dispatch.id, states=unknown, after=after):
            for item in items:
                found = await self._evidence(dispatch.action, item, backends)
                await self.ledger.settle([found], at=self._clock())
            after = items[-1].number
        return await self.ledger.get(dispatch.id, None) or dispatch

    async def _begin(self, order: Order, claim: Claim | None) -> Begun:
        return await self.ledger.begin(
            Request(
                action=order.action,
                mutation=order.mutation,
                requested_by=order.principal,
                at=self._clock(),
                asked=asked_of(order.request),
                input_hash=order.input_hash(),
                intents=order.intents,
                idempotency_key=order.idempotency_key,
                resend=order.resend,
                claim=claim,
                strict=claim is not None,
            )
        )

    def _lease_end(self, backend: Backend) -> datetime:
        return self._clock() + timedelta(seconds=backend.timeout) + self._timing.lease_margin

    async def _to_its_end(self, work: Coroutine[Any, Any, T]) -> T:
        """Waits for work that outlives whoever waits, and that `drain` waits for too."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def _evidence(self, action: DispatchAction, item: DispatchItem, backends: Backends) -> Settlement:
        backend = backends.get(item.target.backend)
        find = None if backend is None else backend.adapter.evidence
        if find is None:
            return _undecided(item, "The backend keeps no evidence that can be asked for: look at the record there.")
        request = EvidenceRequest(
            action=SendAction(action.value),
            native_id=item.target.native_id,
            since=item.requested_at,
            recipients=item.recipients,
        )
        try:
            with reading_fresh():
                evidence = await find(request)
        except AdapterError as error:
            incident_of(error)
            return _undecided(item, f"The backend could not be asked: {error.message}")
        state = _VERDICTS[evidence.verdict]
        if state is ItemState.UNKNOWN:
            return _undecided(item, evidence.text)
        return Settlement(number=item.number, attempt=item.attempt, state=state, evidence=evidence.text)


def _undecided(item: DispatchItem, text: str) -> Settlement:
    return Settlement(
        number=item.number, attempt=item.attempt, state=ItemState.UNKNOWN, problem=item.problem, evidence=text
    )
