"""What went wrong, as data: adapter errors to problems, and to the members of a GraphQL error.

One closed set of codes is public. Anything that is not an error of ours becomes INTERNAL with an incident id, and is
logged; its text never leaves the process.
"""

import uuid
from collections.abc import Mapping
from typing import Any

import msgspec
import structlog
from graphql import GraphQLError
from msgspec import Struct

from adapters import errors
from adapters.contract import Outcome, OutcomeState
from adapters.errors import AdapterError
from gateway.public_codes import ProblemCode, RequestCode

__all__ = [
    "Problem",
    "ProblemCode",
    "ProblemError",
    "UnavailableError",
    "failed",
    "incident_of",
    "problem_of",
    "problem_of_outcome",
    "public_error",
]

log = structlog.get_logger("postroom.problems")


class Problem(Struct, frozen=True, kw_only=True):
    """One problem. ``path`` names the input field at fault, ``retry_after`` is in seconds."""

    code: ProblemCode
    message: str
    path: tuple[str, ...] | None = None
    backend: str | None = None
    vendor_code: str | None = None
    retryable: bool = False
    retry_after: int | None = None


class ProblemError(Exception):
    """A problem on its way to the caller as a GraphQL error."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class UnavailableError(Exception):
    """Something of the gateway's own is away. ``problem`` is what the caller is told; the log has the rest."""

    problem: Problem


_CODES: Mapping[type[AdapterError], ProblemCode] = {
    errors.Unavailable: ProblemCode.UNAVAILABLE,
    errors.RateLimited: ProblemCode.RATE_LIMITED,
    errors.TimedOut: ProblemCode.TIMEOUT,
    errors.OutcomeUnknown: ProblemCode.OUTCOME_UNKNOWN,
    errors.Rejected: ProblemCode.REJECTED,
    errors.NotFound: ProblemCode.NOT_FOUND,
    errors.BadCredentials: ProblemCode.BACKEND_CREDENTIALS,
    errors.Forbidden: ProblemCode.FORBIDDEN,
    errors.InvalidInput: ProblemCode.INVALID_INPUT,
    errors.NotReady: ProblemCode.NOT_READY,
    errors.Conflict: ProblemCode.CONFLICT,
    errors.FileNotAvailable: ProblemCode.FILE_NOT_AVAILABLE,
    errors.MalformedAnswer: ProblemCode.MALFORMED_RESPONSE,
    errors.ScanLimit: ProblemCode.SCAN_LIMIT,
    errors.UnsupportedByVendor: ProblemCode.UNSUPPORTED,
}

_ATTRIBUTES_TO_INPUT: Mapping[str, str] = {
    "customer_id": "customer",
    "native_id": "id",
    "email_template_id": "emailTemplate",
    "customer_ids": "customers",
    "start": "from",
    "end": "to",
    "exclude_paid": "excludePaid",
}
"""Where an input field is not just the model attribute in camel case."""


def problem_of(error: AdapterError, backend: str | None = None) -> Problem:
    """The problem that an adapter's error is to the caller."""
    code = next(_CODES[kind] for kind in type(error).__mro__ if kind in _CODES)
    return Problem(
        code=code,
        message=error.message,
        path=(_input_name(error.field),) if error.field else None,
        backend=error.backend or backend,
        vendor_code=error.vendor_code,
        retryable=error.retryable,
        retry_after=error.retry_after,
    )


def failed(error: AdapterError, backend: str | None = None) -> Problem:
    """The problem that a failure is to the caller, and a line in the log, unless it is the caller's own mistake."""
    if not _is_mistake(error):
        incident_of(error)
    return problem_of(error, backend)


def _is_mistake(error: AdapterError) -> bool:
    """Whether the backend is not at fault: nothing was asked of it, or only more than one page may read."""
    if isinstance(error, errors.InvalidInput | errors.NotFound):
        return error.never_sent or (error.status is None and error.vendor_code is None)
    return isinstance(error, errors.UnsupportedByVendor | errors.ScanLimit)


def problem_of_outcome(outcome: Outcome, backend: str) -> Problem | None:
    """Why a write was not done, or is not known to have been; None when it was.

    What may have been done is OUTCOME_UNKNOWN whatever the vendor answered, and never retryable.
    """
    problem = None if outcome.error is None else problem_of(outcome.error, backend)
    if outcome.state is OutcomeState.UNKNOWN:
        code = ProblemCode.OUTCOME_UNKNOWN
        if problem is None:
            message = outcome.message or "The vendor's answer does not say what became of this; it may have been done."
            return Problem(code=code, message=message, backend=backend)
        message = problem.message if problem.code is code else f"It may have been done: {problem.message}"
        return msgspec.structs.replace(problem, code=code, message=message, retryable=False, retry_after=None)
    if problem is None and outcome.state is OutcomeState.UNDONE:
        message = outcome.message or "The vendor did not take it."
        return Problem(code=ProblemCode.REJECTED, message=message, backend=backend)
    return problem


def _input_name(attribute: str) -> str:
    if attribute in _ATTRIBUTES_TO_INPUT:
        return _ATTRIBUTES_TO_INPUT[attribute]
    first, *rest = attribute.split("_")
    return first + "".join(word.capitalize() for word in rest)


def incident_of(error: BaseException) -> str:
    """The incident id of a failure: one for each call that failed, logged once, when first asked for.

    It is the same for every path that the call left null, and for all who shared it.
    """
    failed: Any = (error.asked if isinstance(error, AdapterError) else None) or error
    known: str | None = getattr(failed, "incident", None)
    if known is not None:
        return known
    incident = uuid.uuid4().hex[:12]
    failed.incident = incident
    if isinstance(error, AdapterError):
        log.warning(
            "backend failed",
            incident=incident,
            backend=error.backend,
            operation=error.operation,
            kind=type(error).__name__,
            status=error.status,
            vendor_code=error.vendor_code,
            request_id=error.request_id,
        )
    else:
        log.error("internal error", incident=incident, exc_info=error)
    return incident


def public_error(error: Exception) -> GraphQLError:
    """What the caller may see of a field's failure: a problem's members, or INTERNAL and an incident."""
    if isinstance(error, ProblemError):
        return GraphQLError(error.problem.message, extensions=_extensions(error.problem))
    if isinstance(error, AdapterError):
        extensions = {**_extensions(problem_of(error)), "incident": incident_of(error)}
        return GraphQLError(error.message, extensions=extensions)
    if isinstance(error, UnavailableError):
        extensions = {**_extensions(error.problem), "incident": incident_of(error)}
        return GraphQLError(error.problem.message, extensions=extensions)
    extensions = {"code": RequestCode.INTERNAL.value, "incident": incident_of(error)}
    return GraphQLError("Something went wrong inside the gateway.", extensions=extensions)


def _extensions(problem: Problem) -> dict[str, Any]:
    members = {
        "code": problem.code.value,
        "path": list(problem.path) if problem.path else None,
        "backend": problem.backend,
        "vendorCode": problem.vendor_code,
        "retryable": problem.retryable,
        "retryAfter": problem.retry_after,
    }
    return {name: value for name, value in members.items() if value is not None}
