"""Sends prepared calls through the ledger: written down first, sent once, and settled by what the answer proves."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from typing import Any, TypeVar

import structlog
from msgspec import Struct

from adapters.contract import EvidenceRequest, Outcome, OutcomeState, PreparedCall, SendAction, Verdict
from adapters.errors import AdapterError
from gateway.backends import Backend, Backends
from gateway.dispatch.ledger import Intent, Ledger, Settlement
from gateway.dispatch.records import Dispatch, DispatchAction, DispatchItem, ItemState
from gateway.ids import Ref
from gateway.problems import incident_of, problem_of_outcome

__all__ = ["PlannedCall", "Sending"]

T = TypeVar("T")
log = structlog.get_logger("postroom.dispatch")

_STATES = {
    OutcomeState.DONE: ItemState.ACCEPTED,
    OutcomeState.UNDONE: ItemState.FAILED,
    OutcomeState.UNKNOWN: ItemState.UNKNOWN,
}
_VERDICTS = {Verdict.SENT: ItemState.ACCEPTED, Verdict.NOT_SENT: ItemState.FAILED, Verdict.UNDECIDED: ItemState.UNKNOWN}


class PlannedCall(Struct, frozen=True, kw_only=True):
    """A prepared call, and the records that it sends, in the order of its targets."""

    backend: Backend
    call: PreparedCall
    targets: tuple[Ref, ...]


class Sending:
    """What sends. A send belongs to the ledger, not to the request: it goes on when the caller has left."""

    def __init__(self, ledger: Ledger, clock: Callable[[], datetime]) -> None:
        self.ledger = ledger
        self._clock = clock
        self._running: set[asyncio.Task[Any]] = set()

    async def send(self, action: DispatchAction, calls: Sequence[PlannedCall], *, requested_by: str) -> Dispatch:
        """Writes the dispatch, performs each call once, and answers the dispatch as it then stands."""
        intents = [
            Intent(target=target, recipients=planned.call.recipients) for planned in calls for target in planned.targets
        ]
        dispatch, items = await self.ledger.begin(action, intents, requested_by=requested_by, at=self._clock())
        await self._to_its_end(self._perform_all(calls, items))
        return await self.ledger.get(dispatch.id, None) or dispatch

    async def perform(self, backend: Backend, call: PreparedCall) -> Sequence[Outcome]:
        """One outcome per target of a write that is no send, whatever happens. It goes on when the caller has left."""
        return await self._to_its_end(self._perform(backend, call))

    async def drain(self) -> None:
        """Waits until everything that is being sent is settled."""
        while self._running:
            await asyncio.wait(self._running)

    async def reconcile(self, dispatch: Dispatch, backends: Backends) -> Dispatch:
        """Asks the vendors for evidence of each UNKNOWN item, and settles those that it decides."""
        unknown = frozenset((ItemState.UNKNOWN,))
        after = 0
        while items := await self.ledger.items(dispatch.id, states=unknown, after=after):
            for item in items:
                await self.ledger.settle(
                    item.number, await self._evidence(dispatch.action, item, backends), at=self._clock()
                )
            after = items[-1].number
        return await self.ledger.get(dispatch.id, None) or dispatch

    async def _perform_all(self, calls: Sequence[PlannedCall], items: Sequence[DispatchItem]) -> None:
        place = 0
        for planned in calls:
            mine = items[place : place + len(planned.targets)]
            place += len(mine)
            outcomes = await self._perform(planned.backend, planned.call)
            for item, outcome in zip(mine, outcomes, strict=True):
                await self.ledger.settle(item.number, _settlement(outcome, planned.backend.key), at=self._clock())

    async def _to_its_end(self, work: Coroutine[Any, Any, T]) -> T:
        """Waits for work that outlives whoever waits, and that `drain` waits for too."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def _perform(self, backend: Backend, call: PreparedCall) -> Sequence[Outcome]:
        """One outcome per target, whatever happens: a fault of ours after the call has begun proves nothing."""
        try:
            outcomes = await backend.adapter.perform(call)
        except Exception as error:  # noqa: BLE001 - logged with its trace; the items must not be left as if being sent
            incident_of(error)
            outcomes = ()
        if len(outcomes) == len(call.targets):
            return outcomes
        return [Outcome(state=OutcomeState.UNKNOWN)] * len(call.targets)

    async def _evidence(self, action: DispatchAction, item: DispatchItem, backends: Backends) -> Settlement:
        backend = backends.get(item.target.backend)
        find = None if backend is None else backend.adapter.evidence
        if find is None:
            return Settlement(
                state=ItemState.UNKNOWN,
                problem=item.problem,
                evidence="The backend keeps no evidence that can be asked for: look at the record there.",
            )
        request = EvidenceRequest(
            action=SendAction(action.value),
            native_id=item.target.native_id,
            since=item.requested_at,
            recipients=item.recipients,
        )
        try:
            evidence = await find(request)
        except AdapterError as error:
            text = f"The backend could not be asked: {error.message}"
            return Settlement(state=ItemState.UNKNOWN, problem=item.problem, evidence=text)
        state = _VERDICTS[evidence.verdict]
        settled = state is not ItemState.UNKNOWN
        return Settlement(state=state, problem=None if settled else item.problem, evidence=evidence.text)


def _settlement(outcome: Outcome, backend: str) -> Settlement:
    problem = problem_of_outcome(outcome, backend)
    return Settlement(state=_STATES[outcome.state], vendor_message=outcome.message, problem=problem)
