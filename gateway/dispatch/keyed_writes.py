"""Writes that are no sends, under an idempotency key: done once, and answered again from what was kept of them.

The key is taken before the vendor is called. What became of the write is kept under it, unless it is proved undone:
that frees the key. A write whose process did not live to hear the answer is never done again under its key.
"""

from collections.abc import Callable
from datetime import datetime

import msgspec
import structlog
from msgspec import Struct

from adapters.contract import Outcome, OutcomeState, PreparedCall
from gateway.backends import Backend
from gateway.dispatch.ledger import Ledger, LedgerUnavailableError, TakenKey, WriteKey
from gateway.dispatch.performing import outcomes_of, too_late
from gateway.dispatch.rows import json_text
from gateway.problems import Problem, ProblemCode, problem_of_outcome

__all__ = ["Written", "perform_once", "perform_unkeyed", "under_way"]

log = structlog.get_logger("postroom.dispatch")

_VERSION = 1

_RUNNING = "The first request under this key is still being done. Ask again with the same key for its outcome."
_GOING_ON = (
    "The gateway is told to stop, and cannot wait for what becomes of this; it is still being done. Ask again with the "
    "same key for its outcome."
)
_NOT_HEARD = (
    "The gateway is told to stop, and cannot wait for what becomes of this; it may be done. Look at the record before "
    "it is done again."
)
_LOST = (
    "Whoever was doing this under this key did not live to hear the answer; it may have been done. Look at the record; "
    "only a new key does it anew."
)
_UNREADABLE = (
    "This was begun before under this key, and another release kept what became of it. Look at the record; only a new "
    "key does it anew."
)
_NOT_KEPT = "What became of this could not be kept under its key, which from now on cannot tell it."


class Written(Struct, frozen=True, kw_only=True):
    """What became of a write, and what is to be said about it."""

    outcome: Outcome
    problems: tuple[Problem, ...] = ()


class _Kept(Struct, frozen=True, kw_only=True):
    """What is kept under a key, as JSON: neither the record nor what was asked for."""

    version: int
    state: OutcomeState
    native_id: str | None = None
    message: str | None = None
    problems: tuple[Problem, ...] = ()


async def perform_unkeyed(backend: Backend, call: PreparedCall) -> Written:
    """Performs a call for one target; whatever happens, it has an outcome."""
    (outcome,) = await outcomes_of(backend, call)
    problem = problem_of_outcome(outcome, backend.key)
    return Written(outcome=outcome, problems=() if problem is None else (problem,))


async def perform_once(
    ledger: Ledger,
    backend: Backend,
    call: PreparedCall,
    key: WriteKey,
    *,
    until: datetime,
    clock: Callable[[], datetime],
) -> Written:
    """Performs a call for one target under a key, or answers what became of it under that key before.

    Nothing is begun after ``until``, when others take it for lost. Raises `IdempotencyConflictError` and
    `LedgerUnavailableError`; then nothing was written.
    """
    taken = await ledger.begin_write(key, at=clock(), until=until)
    if not taken.ours:
        return _earlier(taken, backend.key, clock())
    if clock() < until:
        written = await perform_unkeyed(backend, call)
    else:
        written = Written(outcome=Outcome(state=OutcomeState.UNDONE), problems=(too_late(backend.key),))
    try:
        await ledger.end_write(key, _kept(written))
    except LedgerUnavailableError as error:
        log.warning("an outcome could not be kept under its key", backend=backend.key, reason=str(error))
        not_kept = _of_key(ProblemCode.UNAVAILABLE, _NOT_KEPT, backend.key)
        return msgspec.structs.replace(written, problems=(*written.problems, not_kept))
    return written


def under_way(backend: str, *, keyed: bool) -> Written:
    """What is said of a write that goes on, to whoever cannot wait for it."""
    if keyed:
        return _unknown(_of_key(ProblemCode.CONFLICT, _GOING_ON, backend, retryable=True))
    return _unknown(Problem(code=ProblemCode.OUTCOME_UNKNOWN, message=_NOT_HEARD, backend=backend))


def _kept(written: Written) -> bytes | None:
    outcome = written.outcome
    if outcome.state is OutcomeState.UNDONE:
        return None
    kept = _Kept(
        version=_VERSION,
        state=outcome.state,
        native_id=outcome.native_id,
        message=outcome.message,
        problems=written.problems,
    )
    return (json_text(kept) or "").encode()


def _earlier(taken: TakenKey, backend: str, now: datetime) -> Written:
    """What is said to whoever uses a key again with the same input."""
    if taken.answer is None:
        running = taken.until is not None and now < taken.until
        if running:
            return _unknown(_of_key(ProblemCode.CONFLICT, _RUNNING, backend, retryable=True))
        return _unknown(_of_key(ProblemCode.OUTCOME_UNKNOWN, _LOST, backend))
    try:
        kept = msgspec.json.decode(taken.answer, type=_Kept)
    except msgspec.MsgspecError:
        kept = None
    if kept is None or kept.version != _VERSION:
        return _unknown(_of_key(ProblemCode.OUTCOME_UNKNOWN, _UNREADABLE, backend))
    outcome = Outcome(state=kept.state, message=kept.message, native_id=kept.native_id)
    return Written(outcome=outcome, problems=kept.problems)


def _unknown(problem: Problem) -> Written:
    return Written(outcome=Outcome(state=OutcomeState.UNKNOWN), problems=(problem,))


def _of_key(code: ProblemCode, message: str, backend: str, *, retryable: bool = False) -> Problem:
    return Problem(code=code, message=message, path=("idempotencyKey",), backend=backend, retryable=retryable)
