"""GraphQL results as they are answered: every error, in whatever frame, with one of the public codes.

Nothing that is not an error of ours gets out: it is INTERNAL, logged once under its incident.
"""

from collections.abc import Mapping
from typing import Any

from graphql import ExecutionResult, GraphQLError, located_error
from graphql.execution import InitialIncrementalExecutionResult, SubsequentIncrementalExecutionResult
from strawberry.types import ExecutionResult as StrawberryResult

from gateway.problems import public_error
from gateway.public_codes import PUBLIC_CODES, RequestCode

__all__ = [
    "formatted_error",
    "formatted_frame",
    "formatted_result",
    "is_request_error",
]

Frame = ExecutionResult | StrawberryResult | InitialIncrementalExecutionResult | SubsequentIncrementalExecutionResult


def formatted_error(error: GraphQLError) -> Mapping[str, Any]:
    """One error's members."""
    return _public(error).formatted


def _public(error: GraphQLError) -> GraphQLError:
    extensions = error.extensions or {}
    if extensions.get("code") in PUBLIC_CODES:
        return error
    cause = error.original_error
    if not extensions and (cause is None or isinstance(cause, GraphQLError)):
        error.extensions = {"code": RequestCode.GRAPHQL_VALIDATION_FAILED.value}
        return error
    return located_error(public_error(cause or error), error.nodes, error.path)


def is_request_error(result: ExecutionResult | StrawberryResult) -> bool:
    """Whether nothing was executed: no data, by an error that arose in no field (GraphQL, "Request Errors")."""
    return result.data is None and any(error.path is None for error in result.errors or ())


def formatted_result(result: ExecutionResult | StrawberryResult) -> dict[str, Any]:
    """A whole result's members. One that was not executed has no `data` at all."""
    answer: dict[str, Any] = {}
    if result.errors:
        answer["errors"] = [formatted_error(error) for error in result.errors]
    if not is_request_error(result):
        answer["data"] = result.data
    if result.extensions:
        answer["extensions"] = result.extensions
    return answer


def formatted_frame(frame: Frame) -> Mapping[str, Any]:
    """The members of one frame of several: an event of a subscription, or a part of an incremental answer."""
    if isinstance(frame, InitialIncrementalExecutionResult):
        _publish(frame)
        return frame.formatted
    if isinstance(frame, SubsequentIncrementalExecutionResult):
        for part in (*(frame.incremental or ()), *(frame.completed or ())):
            _publish(part)
        return frame.formatted
    return formatted_result(frame)


def _publish(part: Any) -> None:
    if part.errors:
        part.errors = [_public(error) for error in part.errors]
