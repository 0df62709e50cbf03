"""Writes to vendors' records: performed once, and read back."""

import hashlib
from typing import Any

import msgspec

from adapters.contract import Outcome, OutcomeState, PreparedCall
from adapters.errors import AdapterError
from gateway.backends import Backend
from gateway.context import RequestContext
from gateway.dispatch.keyed_writes import Written
from gateway.dispatch.ledger import LedgerUnavailableError, WriteKey
from gateway.loaders import RecordKey
from gateway.problems import Problem, ProblemCode, ProblemError, failed, incident_of

__all__ = ["passed_on_key", "perform", "written_record"]


def passed_on_key(backend: Backend, key: WriteKey | None) -> str | None:
    """The idempotency key to give a vendor that has such: a digest that tells principals, mutations and backends apart.

    What repeats no write is our own ledger. The vendor's keys hold even where the ledger was lost.
    """
    if key is None or not backend.vendor.takes_idempotency_keys:
        return None
    text = f"{key.principal}\x00{key.mutation}\x00{backend.key}\x00{key.key}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


async def perform(context: RequestContext, backend: Backend, call: PreparedCall, key: WriteKey | None) -> Written:
    """Performs one call for one target. Once begun it goes on, even when the caller has left.

    With a key it is performed once: what became of it before is answered again. Raises
    `gateway.dispatch.ledger.IdempotencyConflictError`, and UNAVAILABLE where the key cannot be taken.
    """
    try:
        written = await context.sending.perform(backend, call, key)
    except LedgerUnavailableError as error:
        message = "The ledger cannot be written, so the key does not hold and nothing was done. Try again."
        raise ProblemError(Problem(code=ProblemCode.UNAVAILABLE, message=message, retryable=True)) from error
    context.forget()
    return written


async def written_record(
    context: RequestContext, backend: Backend, type_name: str, outcome: Outcome, wanted: frozenset[str]
) -> tuple[Any, list[Problem]]:
    """The record that a write made or changed: from its answer, or read again. Failing to read is its own problem."""
    if outcome.state is not OutcomeState.DONE or (outcome.record is not None and "raw" not in wanted):
        return outcome.record, []
    if outcome.native_id is None:
        return outcome.record, [_unread("Written, but the vendor did not say under which id.", backend.key)]
    written = f"Written, as {outcome.native_id}, but it could not be read back"
    try:
        record = await context.loaders.record.load(RecordKey(type_name, backend.key, outcome.native_id, wanted))
    except AdapterError as error:
        problem = failed(error, backend.key)
        return outcome.record, [msgspec.structs.replace(problem, message=f"{written}: {problem.message}")]
    except Exception as error:  # noqa: BLE001 - logged with its trace; that it was written must be said all the same
        return outcome.record, [_unread(f"{written} (incident {incident_of(error)}).", backend.key)]
    if record is None:
        return outcome.record, [_unread(f"{written}: the vendor shows no such record.", backend.key)]
    return record, []


def _unread(message: str, backend: str) -> Problem:
    return Problem(code=ProblemCode.UNAVAILABLE, message=message, backend=backend)
