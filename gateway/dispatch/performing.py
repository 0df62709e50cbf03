"""Performs claimed items: one call each batch, once, and what its answer proves of each item."""

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import structlog
from msgspec import Struct
from msgspec.structs import replace

from adapters.contract import Outcome, OutcomeState, PreparedCall
from adapters.errors import AdapterError, BadCredentials, RateLimited, TimedOut, Unavailable
from gateway.backends import Backend
from gateway.dispatch.ledger import Settlement
from gateway.dispatch.records import DispatchItem, ItemState
from gateway.problems import Problem, ProblemCode, incident_of, problem_of_outcome

__all__ = ["Performed", "not_begun", "outcomes_of", "perform_claimed", "settlements_of", "too_late"]

log = structlog.get_logger("postroom.dispatch")

_STATES = {
    OutcomeState.DONE: ItemState.ACCEPTED,
    OutcomeState.UNDONE: ItemState.FAILED,
    OutcomeState.UNKNOWN: ItemState.UNKNOWN,
}
_PAUSING = (BadCredentials, RateLimited, Unavailable, TimedOut)
"""What keeps a whole run from going on, when it is proved that nothing was sent: it would fail the next items too."""

_TOO_LATE = Problem(
    code=ProblemCode.TIMEOUT,
    message="It was not begun in the time it was claimed for: nothing was sent.",
    retryable=True,
)
_NO_CALL = Problem(
    code=ProblemCode.UNSUPPORTED, message="It was not begun, for no call was prepared: nothing was sent."
)


class Performed(Struct, frozen=True, kw_only=True):
    """What became of the items of a batch, and what keeps a run from going on, if something does."""

    settlements: tuple[Settlement, ...]
    obstacle: AdapterError | None = None


async def perform_claimed(
    backend: Backend,
    calls: Sequence[PreparedCall],
    items: Sequence[DispatchItem],
    *,
    until: datetime,
    clock: Callable[[], datetime],
) -> Performed:
    """Sends prepared calls for claimed items. Whatever happens, each item is settled: UNKNOWN where nothing is proved.

    After ``until``, the end of the lease, nothing is sent any more: by then others take the items for lost. A call is
    sent only if each of its targets is an item that no call before it was for.
    """
    waiting: dict[str, deque[DispatchItem]] = defaultdict(deque)
    for item in items:
        waiting[item.target.native_id].append(item)
    settlements: list[Settlement] = []
    obstacle: AdapterError | None = None
    for call in calls:
        if not _is_claimed(call, waiting):
            log.error("a call for what nobody claimed is not sent", backend=backend.key, targets=len(call.targets))
            continue
        mine = [waiting[target].popleft() for target in call.targets]
        if clock() >= until:
            settlements += [not_begun(item) for item in mine]
            continue
        outcomes = await outcomes_of(backend, call, mine[0].dispatch_id)
        settlements += settlements_of(mine, outcomes, backend.key)
        obstacle = next((o.error for o in outcomes if _is_obstacle(o)), obstacle)
    settlements += [not_begun(item, _NO_CALL) for items_left in waiting.values() for item in items_left]
    return Performed(settlements=tuple(settlements), obstacle=obstacle)


def not_begun(item: DispatchItem, problem: Problem = _TOO_LATE) -> Settlement:
    """The settlement of an item that was claimed, and that no call was made for."""
    said = replace(problem, backend=item.target.backend)
    return Settlement(number=item.number, attempt=item.attempt, state=ItemState.FAILED, problem=said)


def _is_claimed(call: PreparedCall, waiting: Mapping[str, Sequence[DispatchItem]]) -> bool:
    asked = Counter(call.targets)
    return bool(asked) and all(len(waiting.get(target, ())) >= times for target, times in asked.items())


def settlements_of(items: Sequence[DispatchItem], outcomes: Sequence[Outcome], backend: str) -> list[Settlement]:
    """One settlement per item, by its outcome."""
    return [_settlement(item, outcome, backend) for item, outcome in zip(items, outcomes, strict=True)]


async def outcomes_of(backend: Backend, call: PreparedCall, dispatch: str | None = None) -> Sequence[Outcome]:
    """One outcome per target, whatever happens: a fault of ours after the call has begun proves nothing.

    What was not done, or is not known to have been, is logged once, under its dispatch where it has one.
    """
    try:
        outcomes = await backend.adapter.perform(call)
    except Exception as error:  # noqa: BLE001 - logged with its trace; the items must not be left as if being sent
        incident_of(error)
        outcomes = ()
    if len(outcomes) != len(call.targets):
        outcomes = (Outcome(state=OutcomeState.UNKNOWN),) * len(call.targets)
    _log(outcomes, backend, call, dispatch)
    return outcomes


def _log(outcomes: Sequence[Outcome], backend: Backend, call: PreparedCall, dispatch: str | None) -> None:
    states = Counter(outcome.state for outcome in outcomes)
    if states[OutcomeState.DONE] == len(outcomes):
        return
    errors = [outcome.error for outcome in outcomes if outcome.error is not None]
    log.warning(
        "not all was done",
        dispatch=dispatch,
        backend=backend.key,
        operation=call.request.operation,
        undone=states[OutcomeState.UNDONE],
        unknown=states[OutcomeState.UNKNOWN],
        kinds=sorted({type(error).__name__ for error in errors}),
        statuses=sorted({error.status for error in errors if error.status is not None}),
        vendor_codes=sorted({error.vendor_code for error in errors if error.vendor_code is not None}),
        request_ids=sorted({error.request_id for error in errors if error.request_id is not None}),
    )


def _is_obstacle(outcome: Outcome) -> bool:
    return outcome.state is OutcomeState.UNDONE and isinstance(outcome.error, _PAUSING)


def _settlement(item: DispatchItem, outcome: Outcome, backend: str) -> Settlement:
    return Settlement(
        number=item.number,
        attempt=item.attempt,
        state=_STATES[outcome.state],
        vendor_message=outcome.message,
        vendor_code=None if outcome.error is None else outcome.error.vendor_code,
        problem=problem_of_outcome(outcome, backend),
    )


def too_late(backend: str) -> Problem:
    """Why something is proved undone whose lease ended before anything was sent."""
    return replace(_TOO_LATE, backend=backend)
