"""Writes to vendors' records: prepared, performed once, and read back."""

import asyncio
import hashlib
from collections.abc import Callable
from typing import Any

import msgspec

from adapters.contract import Outcome, OutcomeState, PreparedCall
from adapters.errors import AdapterError
from gateway.backends import Backend
from gateway.context import RequestContext
from gateway.loaders import RecordKey
from gateway.problems import Problem, ProblemCode, ProblemError, problem_of

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
    (outcome,) = await asyncio.shield(asyncio.ensure_future(backend.adapter.perform(prepare())))
    context.forget()
    return outcome, _problems(outcome, backend.key)


async def written_record(
    context: RequestContext, backend: Backend, type_name: str, outcome: Outcome, wanted: frozenset[str]
) -> tuple[Any, list[Problem]]:
    """The record that a write made or changed: from its answer, or read again. Failing to read is its own problem."""
    if outcome.state is not OutcomeState.DONE or outcome.native_id is None:
        return outcome.record, []
    if outcome.record is not None and "raw" not in wanted:
        return outcome.record, []
    try:
        record = await context.loaders.record.load(RecordKey(type_name, backend.key, outcome.native_id, wanted))
    except AdapterError as error:
        problem = problem_of(error, backend.key)
        message = f"Written, as {outcome.native_id}, but it could not be read back: {problem.message}"
        return outcome.record, [msgspec.structs.replace(problem, message=message)]
    return record, []


def _problems(outcome: Outcome, backend: str) -> list[Problem]:
    if outcome.error is not None:
        return [problem_of(outcome.error, backend)]
    if outcome.state is OutcomeState.DONE:
        return []
    code = ProblemCode.OUTCOME_UNKNOWN if outcome.state is OutcomeState.UNKNOWN else ProblemCode.REJECTED
    return [Problem(code=code, message=outcome.message or "The vendor did not say what became of it.", backend=backend)]
