"""What became of a write: the outcome table, and the successes that the page describes."""

from collections.abc import Callable, Mapping

from msgspec import UNSET, Struct

from adapters.answers import decode_json
from adapters.billing_platform.client import Client
from adapters.billing_platform.translate import CorrespondenceRow, correspondence_entry
from adapters.billing_platform.writes import CREATE, DELETE, DELIVER, EMAIL, UPDATE
from adapters.errors import AdapterError, OutcomeUnknown
from adapters.model import Correspondence
from adapters.redaction import redacted
from adapters.wire import Answer
from adapters.writes import Outcome, Outcomes, OutcomeState, PreparedCall

__all__ = ["OUTCOMES", "perform"]

OUTCOMES = Outcomes(
    # 405 and 429 are said before any work begins. 409 and 422 are on no page of this vendor, so they prove nothing.
    undone_statuses=frozenset((400, 401, 403, 404, 405, 429)),
    # "Action not recognised", and "Action failed" with the hint "The action was not performed".
    undone_codes=frozenset(("400501", "400502")),
    # "Email sending failed": perhaps after some of the addresses.
    unsure_codes=frozenset(("500603",)),
)


class _EmailAnswer(Struct):
    success: bool
    message: str | None = None


async def perform(client: Client, call: PreparedCall) -> tuple[Outcome, ...]:
    """Sends a call once; the outcome for its one target. Raises no `AdapterError`."""
    (target,) = call.targets
    try:
        answer = await client.ask(call.request)
        return (_DONE[call.request.operation](answer, target, client.backend),)
    except AdapterError as error:
        return (OUTCOMES.of(error),)


def _created(answer: Answer, target: str, backend: str) -> Outcome:
    record = _record(answer, backend, customer_id=target)
    if record.customer_id != target:
        raise _unbelievable(answer, backend)
    return Outcome(state=OutcomeState.DONE, native_id=record.native_id, record=record)


def _changed(answer: Answer, target: str, backend: str) -> Outcome:
    record = _record(answer, backend)
    if record.native_id != target:
        raise _unbelievable(answer, backend)
    return Outcome(state=OutcomeState.DONE, native_id=target, record=record)


def _deleted(answer: Answer, target: str, backend: str) -> Outcome:
    # The page shows no answer to DELETE, so that its body is not read.
    if answer.status not in (200, 204):
        raise _unbelievable(answer, backend)
    return Outcome(state=OutcomeState.DONE, native_id=target)


def _emailed(answer: Answer, target: str, backend: str) -> Outcome:
    read = decode_json(answer, _EmailAnswer, backend=backend)
    message = None if read.message is None else redacted(read.message, answer.secrets)
    if not read.success:
        raise OutcomeUnknown(
            message or "The vendor says that it was no success, but not that nothing went out.",
            backend=backend,
            operation=answer.request.operation,
            status=answer.status,
        )
    return Outcome(state=OutcomeState.DONE, message=message, native_id=target)


_DONE: Mapping[str, Callable[[Answer, str, str], Outcome]] = {
    CREATE: _created,
    UPDATE: _changed,
    DELETE: _deleted,
    EMAIL: _emailed,
    DELIVER: _changed,
}


def _record(answer: Answer, backend: str, customer_id: str | None = None) -> Correspondence:
    row = decode_json(answer, CorrespondenceRow, backend=backend)
    return correspondence_entry(row, UNSET, backend=backend, customer_id=customer_id).record


def _unbelievable(answer: Answer, backend: str) -> OutcomeUnknown:
    return OutcomeUnknown(
        "The vendor's answer does not speak of what was asked.",
        backend=backend,
        operation=answer.request.operation,
        status=answer.status,
    )
