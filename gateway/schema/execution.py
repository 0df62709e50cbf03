"""The schema as it is executed: every field's failure is made public where it arises, whatever carries the answer."""

from collections.abc import AsyncGenerator, Iterator
from typing import Any

import strawberry
from graphql import GraphQLError, GraphQLOutputType, GraphQLSchema, ValueNode
from graphql.execution import ExperimentalIncrementalExecutionResults
from strawberry.extensions import SchemaExtension
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.types import ExecutionContext, ExecutionResult

from gateway.context import RequestContext
from gateway.documents.prepared import PreparedOperation
from gateway.problems import ProblemCode, public_error
from gateway.public_codes import RequestCode

__all__ = [
    "GivenDocument",
    "PublicErrors",
    "PublicSchema",
    "SchemaExecutor",
    "public_field_error",
    "public_request_error",
]


class PublicErrors(StrawberryGraphQLCoreExecutionContext):
    """graphql-core's executor, which never lets an exception of ours out as it is."""

    def handle_field_error(
        self, raw_error: Exception, return_type: GraphQLOutputType, field_details_list: Any, path: Any
    ) -> None:
        """Makes a field's failure public, then places it as the specification says."""
        _note(self.context_value)
        super().handle_field_error(public_field_error(raw_error), return_type, field_details_list, path)


def public_field_error(error: Exception) -> GraphQLError:
    """What the caller may see of a field's failure, wherever it is executed."""
    if not isinstance(error, GraphQLError):
        return public_error(error)
    if _is_of_an_argument(error):
        error.extensions = {"code": ProblemCode.INVALID_INPUT.value}
    return error if error.extensions else public_error(error)


def public_request_error(error: GraphQLError) -> GraphQLError:
    """The same with a code: one that arose in no field is of the document or its variables, or of a subscription."""
    cause = error.original_error
    if not error.extensions and (cause is None or isinstance(cause, GraphQLError)):
        error.extensions = {"code": RequestCode.GRAPHQL_VALIDATION_FAILED.value}
    return error if error.extensions or cause is None else public_error(cause)


def _note(context: Any) -> None:
    """That the request has an error."""
    if isinstance(context, RequestContext):
        context.failed = True


def _is_of_an_argument(error: GraphQLError) -> bool:
    """Whether it is about a value that the document or its variables give, which only execution can find wrong."""
    return not error.extensions and error.nodes is not None and isinstance(error.nodes[0], ValueNode)


class PublicSchema(strawberry.Schema):
    """Strawberry's schema, less its own logging of errors: failures are logged once each, by their incident."""

    @property
    def core(self) -> GraphQLSchema:
        """The schema as graphql-core has it."""
        return self._schema

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Gives every error a code: one that arose in no field is of the document itself, or of a subscription."""
        if errors and execution_context is not None:
            _note(execution_context.context)
        errors[:] = map(public_request_error, errors)


class GivenDocument(SchemaExtension):
    """Takes the request's prepared operation, where it has one: it is neither parsed nor validated again."""

    def on_parse(self) -> Iterator[None]:
        """Hands over the parsed document."""
        operation = self._prepared()
        if operation is not None:
            self.execution_context.graphql_document = operation.document.node
        yield

    def on_validate(self) -> Iterator[None]:
        """Says that there is nothing wrong with it."""
        if self._prepared() is not None:
            self.execution_context.pre_execution_errors = []
        yield

    def _prepared(self) -> PreparedOperation | None:
        context = self.execution_context.context
        return context.operation if isinstance(context, RequestContext) else None


class SchemaExecutor:
    """Executes prepared operations on graphql-core, through the schema's library: all that GraphQL has."""

    def __init__(self, schema: PublicSchema) -> None:
        self._schema = schema

    async def execute(
        self, operation: PreparedOperation, variables: dict[str, Any] | None, context: RequestContext
    ) -> ExecutionResult | ExperimentalIncrementalExecutionResults:
        """Executes a query or a mutation with the variables as they came."""
        context.operation = operation
        return await self._schema.execute(
            operation.document.text, variables, context_value=context, operation_name=operation.name
        )

    async def subscribe(
        self, operation: PreparedOperation, variables: dict[str, Any] | None, context: RequestContext
    ) -> AsyncGenerator[ExecutionResult, None]:
        """Begins a subscription; the results come one after another until the generator is closed."""
        context.operation = operation
        return await self._schema.subscribe(
            operation.document.text, variables, context_value=context, operation_name=operation.name
        )
