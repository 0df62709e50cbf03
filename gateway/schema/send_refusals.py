"""Why something is not sent, or is not known to be sent later, as the caller is told."""

from msgspec.structs import replace

from gateway.dispatch.ledger import AlreadySentError, IdempotencyConflictError, WithheldError
from gateway.problems import Problem, ProblemCode, ProblemError
from gateway.schema.idempotency_keys import key_conflict

__all__ = ["UNCONFIRMED_RUN", "refusal"]

UNCONFIRMED_RUN = Problem(
    code=ProblemCode.OUTCOME_UNKNOWN,
    message="The ledger did not say whether this run was written down: it may begin by itself. Look for it in "
    "`dispatches`, or ask again with the same `idempotencyKey`, before you ask for it anew.",
)


def refusal(error: Exception, argument: str) -> ProblemError:
    """Why nothing was sent."""
    if isinstance(error, AlreadySentError):
        item = error.item
        since = item.requested_at.isoformat(timespec="seconds")
        message = f"This is {item.state.value} since {since}. `resend` sends it again."
        code = ProblemCode.ALREADY_SENT
        return ProblemError(Problem(code=code, message=message, path=(argument,), backend=item.target.backend))
    if isinstance(error, WithheldError):
        return ProblemError(replace(error.problem, path=(argument,)))
    if isinstance(error, IdempotencyConflictError):
        return key_conflict()
    message = "The ledger cannot be written, so nothing was sent. Try again."
    return ProblemError(Problem(code=ProblemCode.UNAVAILABLE, message=message, retryable=True))
