"""One operation, from its request to its results, whatever carries them."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from graphql import ExecutionResult, GraphQLError
from graphql.execution import ExperimentalIncrementalExecutionResults
from strawberry.schema.base import BaseSchema
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types.graphql import OperationType
from strawberry.utils.aio import aclosing

from gateway.context import RequestContext
from gateway.server.documents import document_of
from gateway.server.formatting import INTERNAL, VALIDATION_FAILED, formatted_frame, formatted_result, is_request_error
from gateway.server.negotiation import Accepted
from gateway.server.requests_reading import OperationRequest, RequestRefusedError

__all__ = ["ALLOWED", "Begun", "Kind", "begin"]

ALLOWED: Final = {
    "HEAD": frozenset((OperationType.QUERY,)),
    "GET": frozenset((OperationType.QUERY, OperationType.SUBSCRIPTION)),
    "POST": frozenset(OperationType),
}
"""What a method may ask for. Only a POST may change anything; a HEAD's answer must have an end."""


class Kind(Enum):
    """What an operation's results are."""

    REFUSED = "errors alone: nothing was executed"
    BROKEN = "an error of the gateway's own"
    WHOLE = "one result"
    INCREMENTAL = "one result, in parts"
    SUBSCRIPTION = "one result after another"


@dataclass(frozen=True, slots=True)
class Begun:
    """An operation that has begun, and its results as they come; closing them ends it."""

    kind: Kind
    frames: AsyncGenerator[Mapping[str, Any], None]


async def begin(
    schema: BaseSchema, request: OperationRequest, context: RequestContext, method: str, accepted: Accepted
) -> Begun:
    """Executes a query or mutation, or begins a subscription.

    Raises `RequestRefusedError`, before anything is executed, when the method may not ask for it (405) or its results
    could not be carried by anything that the caller takes (406).
    """
    document = document_of(request.query)
    if document.operations > 1 and request.operation_name is None:  # strawberry would take the first
        return _refused("The document has several operations: operationName must say which.")
    if document.unreadable_number:
        return _refused("The document has a number of too many digits.")
    if document.in_parts and accepted.incremental is None:
        raise RequestRefusedError(406, "@defer and @stream need Accept: multipart/mixed or text/event-stream.")
    try:
        result: Any = await schema.execute(
            request.query,
            variable_values=request.variables,
            context_value=context,
            operation_name=request.operation_name,
            allowed_operation_types=ALLOWED[method] - {OperationType.SUBSCRIPTION},
        )
    except CannotGetOperationTypeError:
        return _refused("The document has no operation of this name.")
    except InvalidOperationTypeError as error:
        _require_allowed(error.operation_type, method, accepted)
        return Begun(Kind.SUBSCRIPTION, _events(schema, request, context))
    if isinstance(result, ExperimentalIncrementalExecutionResults):
        return Begun(Kind.INCREMENTAL, _parts(result))
    answer = formatted_result(result)
    if not is_request_error(result):
        return Begun(Kind.WHOLE, _only(answer))
    broken = any(error["extensions"]["code"] == INTERNAL for error in answer["errors"])
    return Begun(Kind.BROKEN if broken else Kind.REFUSED, _only(answer))


def _require_allowed(asked: OperationType, method: str, accepted: Accepted) -> None:
    if asked not in ALLOWED[method]:
        allowed = [name for name, kinds in ALLOWED.items() if asked in kinds]
        raise RequestRefusedError(405, f"A {asked.value} cannot be asked by {method}.", {"Allow": ", ".join(allowed)})
    if not accepted.events:
        raise RequestRefusedError(
            406, "A subscription needs Accept: text/event-stream, or a WebSocket (graphql-transport-ws)."
        )


def _refused(message: str) -> Begun:
    error = GraphQLError(message, extensions={"code": VALIDATION_FAILED})
    return Begun(Kind.REFUSED, _only(formatted_result(ExecutionResult(None, [error]))))


async def _only(frame: Mapping[str, Any]) -> AsyncGenerator[Mapping[str, Any], None]:
    yield frame


async def _parts(results: ExperimentalIncrementalExecutionResults) -> AsyncGenerator[Mapping[str, Any], None]:
    async with aclosing(results.subsequent_results) as later:
        yield formatted_frame(results.initial_result)
        async for part in later:
            yield formatted_frame(part)


async def _events(
    schema: BaseSchema, request: OperationRequest, context: RequestContext
) -> AsyncGenerator[Mapping[str, Any], None]:
    source: Any = await schema.subscribe(
        request.query,
        variable_values=request.variables,
        context_value=context,
        operation_name=request.operation_name,
    )
    async with aclosing(source):
        async for result in source:
            yield formatted_frame(result)
