"""Reads the vendor's refusals, and says which of them prove that no statement was sent.

Published codes of refusal are few, so a refusal is told by its status. The exception is an ``Error`` that is a number:
the code of an exception inside the vendor's service, which it answers as a 400. A database time-out (-2146232060) has
been seen so; it may strike before the work, amid it, or after it.
"""

import re

import msgspec

from adapters.answers import error_for_status
from adapters.errors import AdapterError, BadCredentials, OutcomeUnknown, Unavailable
from adapters.kashflow.rows import Refusal
from adapters.wire import Answer
from adapters.writes import Outcomes

__all__ = ["OUTCOMES", "error_of", "is_outage", "sign_in_error_of"]

DATABASE_TIME_OUT = "-2146232060"

OUTCOMES = Outcomes(
    undone_statuses=frozenset({400, 401, 403, 404, 405, 406, 415, 429}),
    unsure_codes=frozenset({DATABASE_TIME_OUT}),
)

_EXCEPTION_CODE = re.compile(r"-\d+")


def error_of(answer: Answer, *, backend: str) -> AdapterError:
    """The error that an answer other than success stands for."""
    refusal = _read(answer.body)
    code = None if refusal.error is None else str(refusal.error)
    kind: type[AdapterError] | None = None
    if is_outage(answer.status, answer.body):
        kind = OutcomeUnknown if answer.request.write else Unavailable
    return error_for_status(
        answer,
        refusal.message or f"The vendor answered with status {answer.status}.",
        backend=backend,
        operation=answer.request.operation,
        vendor_code=code,
        kind=kind,
    )


def is_outage(status: int, body: bytes) -> bool:
    """Whether a 400 carries the code of an exception inside the vendor's service."""
    return status == 400 and _EXCEPTION_CODE.fullmatch(str(_read(body).error)) is not None


def sign_in_error_of(answer: Answer, *, backend: str) -> AdapterError:
    """The error of a sign-in in our words: its refusals are all about the credentials, and may quote them."""
    error = error_of(answer, backend=backend)
    refused = answer.status in (400, 401, 403) and not isinstance(error, Unavailable)
    kind = BadCredentials if refused else type(error)
    return kind(
        "The vendor refused to sign in." if refused else "The vendor could not sign in.",
        backend=backend,
        operation=error.operation,
        status=error.status,
        vendor_code=error.vendor_code,
        retry_after=error.retry_after,
    )


def _read(body: bytes) -> Refusal:
    try:
        return msgspec.json.decode(body, type=Refusal)
    except msgspec.MsgspecError:
        return Refusal()
