"""One operation, from its request to its results, whatever carries them.

name → text (`gateway.documents.library`) → prepared document (measured, validated, its costs planned: once) → operation
→ admission, by what it costs with these variables → executor. Whoever executes is given the prepared operation, the
variables as they came and the context, and nothing is parsed or validated again.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from enum import Enum
from typing import Any, Final, Protocol

from graphql import ExecutionResult, GraphQLError, OperationType
from graphql.execution import ExperimentalIncrementalExecutionResults
from msgspec import Struct
from strawberry.types import ExecutionResult as StrawberryResult
from strawberry.utils.aio import aclosing

from gateway.context import RequestContext
from gateway.documents.cost import Cost
from gateway.documents.library import Library
from gateway.documents.limits import too_much
from gateway.documents.naming import BadNameError
from gateway.documents.prepared import DocumentRefusedError, PreparedDocument, PreparedOperation
from gateway.documents.preparing import Documents
from gateway.documents.values import values_in
from gateway.public_codes import RequestCode
from gateway.server.formatting import formatted_frame, formatted_result, is_request_error
from gateway.server.negotiation import Accepted
from gateway.server.requests_reading import OperationRequest, RequestRefusedError

__all__ = ["ALLOWED", "Begun", "Executor", "Kind", "Operations"]

ALLOWED: Final = {
    "HEAD": frozenset((OperationType.QUERY,)),
    "GET": frozenset((OperationType.QUERY, OperationType.SUBSCRIPTION)),
    "POST": frozenset(OperationType),
}
"""What a method may ask for. Only a POST may change anything; a HEAD's answer must have an end."""

ASK_FOR_LESS: Final = " Ask for fewer at once: a smaller `first` in the lists, fewer ids."


class Kind(Enum):
    """What an operation's results are."""

    REFUSED = "errors alone: nothing was executed"
    BROKEN = "an error of the gateway's own"
    WHOLE = "one result"
    INCREMENTAL = "one result, in parts"
    SUBSCRIPTION = "one result after another"


class Begun(Struct, frozen=True):
    """An operation that has begun: ``only`` is its whole result, or there are ``several`` as they come."""

    kind: Kind
    only: Mapping[str, Any] | None = None
    several: AsyncGenerator[Mapping[str, Any], None] | None = None

    @property
    def frames(self) -> AsyncGenerator[Mapping[str, Any], None]:
        """Its results, however many there are; closing them ends it."""
        return _one(self.only or {}) if self.several is None else self.several


class Executor(Protocol):
    """Executes prepared operations. What it makes of one it may keep in the operation's ``plan``.

    Errors are part of the results; all that is raised is what ends the request. ``data`` may be anything that
    `gateway.server.json_writing` writes, such as a piece of finished JSON.
    """

    async def execute(
        self, operation: PreparedOperation, variables: dict[str, Any] | None, context: RequestContext
    ) -> ExecutionResult | StrawberryResult | ExperimentalIncrementalExecutionResults:
        """Executes a query or a mutation. The variables are as they came: to be coerced."""

    async def subscribe(
        self, operation: PreparedOperation, variables: dict[str, Any] | None, context: RequestContext
    ) -> AsyncGenerator[ExecutionResult | StrawberryResult, None]:
        """Begins a subscription; closing the generator ends it."""


class Operations:
    """What can be asked of one schema."""

    def __init__(self, documents: Documents, executor: Executor, library: Library | None = None) -> None:
        self._documents = documents
        self._library = library or Library()
        self._executor = executor

    async def admitted(self, request: OperationRequest, context: RequestContext) -> PreparedOperation:
        """The operation that is asked for, as it may be executed.

        Raises:
            DocumentRefusedError: with the errors to answer.
            RequestRefusedError: it names a document by what is no name, or not that document's (400).
        """
        if request.is_plain:
            document = self._plain_document(request)
        else:
            document = await self._document(request)
        operation = document.operation(request.operation_name)
        context.operation = operation
        context.is_a(operation.kind_name)
        if request.variables:
            values, most = values_in(request.variables), self._documents.limits.variables
            if values > most:
                raise DocumentRefusedError([too_much("variables", "The variables have {} values", values, most)])
        maximum = self._documents.limits.cost
        cost = Cost(operation.cost.total(request.variables, len(context.backends)), maximum)
        context.cost = cost
        if cost.reads > maximum:
            what = "The operation may cost {} reads"
            raise DocumentRefusedError(
                [too_much("cost", what, cost.reads, maximum, RequestCode.COST_LIMIT, advice=ASK_FOR_LESS)]
            )
        return operation

    def _plain_document(self, request: OperationRequest) -> PreparedDocument:
        """The document of a text alone, which is known without asking anybody."""
        try:
            return self._documents.prepared(self._library.given(request.query))
        except BadNameError as error:
            raise RequestRefusedError(400, str(error)) from None

    async def _document(self, request: OperationRequest) -> PreparedDocument:
        """The document that is named by something else than its text alone."""
        try:
            asked = await self._library.asked(request.query, request.document_id, request.id, request.extensions)
        except BadNameError as error:
            raise RequestRefusedError(400, str(error)) from None
        document = self._documents.prepared(asked.text)
        await self._library.keep(asked)
        return document

    async def begin(self, request: OperationRequest, context: RequestContext, method: str, accepted: Accepted) -> Begun:
        """Executes a query or mutation, or begins a subscription.

        Raises `RequestRefusedError`, before anything is executed, when the method may not ask for it (405) or its
        results could not be carried by anything that the caller takes (406).
        """
        try:
            operation = await self.admitted(request, context)
        except DocumentRefusedError as refusal:
            return _refused(refusal.errors)
        _require_allowed(operation, method, accepted)
        return await self.run(operation, request.variables, context)

    async def execute(
        self, text: str, variables: dict[str, Any] | None, context: RequestContext, name: str | None = None
    ) -> ExecutionResult | StrawberryResult:
        """The result of one query or mutation, whole: for whoever asks in the same process."""
        try:
            operation = await self.admitted(OperationRequest(text, name, variables), context)
        except DocumentRefusedError as refusal:
            return ExecutionResult(None, list(refusal.errors))
        result = await self._executor.execute(operation, variables, context)
        assert not isinstance(result, ExperimentalIncrementalExecutionResults)  # noqa: S101 - it has no parts
        return result

    async def run(
        self, operation: PreparedOperation, variables: dict[str, Any] | None, context: RequestContext
    ) -> Begun:
        """Executes what was admitted."""
        if operation.kind is OperationType.SUBSCRIPTION:
            return Begun(Kind.SUBSCRIPTION, several=self._events(operation, variables, context))
        result = await self._executor.execute(operation, variables, context)
        if isinstance(result, ExperimentalIncrementalExecutionResults):
            return Begun(Kind.INCREMENTAL, several=_parts(result))
        if not result.errors and not result.extensions:
            return Begun(Kind.WHOLE, {"data": result.data})
        answer = formatted_result(result)
        if not is_request_error(result):
            return Begun(Kind.WHOLE, answer)
        broken = any(error["extensions"]["code"] == RequestCode.INTERNAL for error in answer["errors"])
        return Begun(Kind.BROKEN if broken else Kind.REFUSED, answer)

    async def _events(
        self, operation: PreparedOperation, variables: dict[str, Any] | None, context: RequestContext
    ) -> AsyncGenerator[Mapping[str, Any], None]:
        source = await self._executor.subscribe(operation, variables, context)
        async with aclosing(source):
            async for result in source:
                yield formatted_frame(result)


def _require_allowed(operation: PreparedOperation, method: str, accepted: Accepted) -> None:
    kind = operation.kind
    if method != "POST" and kind not in ALLOWED[method]:
        allowed = [name for name, kinds in ALLOWED.items() if kind in kinds]
        raise RequestRefusedError(405, f"A {kind.value} cannot be asked by {method}.", {"Allow": ", ".join(allowed)})
    if kind is OperationType.SUBSCRIPTION and not accepted.events:
        raise RequestRefusedError(
            406, "A subscription needs Accept: text/event-stream, or a WebSocket (graphql-transport-ws)."
        )
    if operation.in_parts and accepted.incremental is None:
        raise RequestRefusedError(406, "@defer and @stream need Accept: multipart/mixed or text/event-stream.")


def _refused(errors: Sequence[GraphQLError]) -> Begun:
    return Begun(Kind.REFUSED, formatted_result(ExecutionResult(None, list(errors))))


async def _one(frame: Mapping[str, Any]) -> AsyncGenerator[Mapping[str, Any], None]:
    yield frame


async def _parts(results: ExperimentalIncrementalExecutionResults) -> AsyncGenerator[Mapping[str, Any], None]:
    async with aclosing(results.subsequent_results) as later:
        yield formatted_frame(results.initial_result)
        async for part in later:
            yield formatted_frame(part)
