"""Why something is not sent, or is not known to be sent later, as the caller is told."""

from gateway.dispatch.ledger import AlreadySentError, IdempotencyConflictError
from gateway.problems import Problem, ProblemCode, ProblemError

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
    if isinstance(error, IdempotencyConflictError):
        message = "This key was used before with another input: use a new key for a new request."
        code = ProblemCode.IDEMPOTENCY_CONFLICT
        return ProblemError(Problem(code=code, message=message, path=("idempotencyKey",)))
    message = "The ledger cannot be written, so nothing was sent. Try again."
    return ProblemError(Problem(code=ProblemCode.UNAVAILABLE, message=message, retryable=True))
