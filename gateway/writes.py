"""Writes to vendors' records: prepared, performed once, and read back."""

import hashlib
from collections.abc import Callable
from typing import Any

import msgspec

from adapters.contract import Outcome, OutcomeState, PreparedCall
from adapters.errors import AdapterError
from gateway.backends import Backend
from gateway.context import RequestContext
from gateway.loaders import RecordKey
from gateway.problems import Problem, ProblemCode, ProblemError, failed, incident_of, problem_of_outcome

__all__ = ["passed_on_key", "perform", "written_record"]


def passed_on_key(context: RequestContext, backend: Backend, mutation: str, key: str | None) -> str | None:
    """The idempotency key to give the vendor: a digest that tells principals, mutations and backends apart.

    Raises UNSUPPORTED where the vendor has no such keys: nothing else would act on it.
    """
    if key is None:
        return None
    if not backend.vendor.takes_idempotency_keys:
        message = "This backend takes no idempotency keys for this."
        raise ProblemError(
            Problem(code=ProblemCode.UNSUPPORTED, message=message, path=("idempotencyKey",), backend=backend.key)
        )
    text = f"{context.principal.id}\x00{mutation}\x00{backend.key}\x00{key}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


async def perform(
    context: RequestContext, backend: Backend, prepare: Callable[[], PreparedCall]
) -> tuple[Outcome, list[Problem]]:
    """Prepares and performs one call for one target. Once begun it goes on, even when the caller has left."""
    (outcome,) = await context.sending.perform(backend, prepare())
    context.forget()
    problem = problem_of_outcome(outcome, backend.key)
    return outcome, [] if problem is None else [problem]


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
