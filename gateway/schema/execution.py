"""The schema as it is executed: every field's failure is made public where it arises, whatever carries the answer."""

from typing import Any

import strawberry
from graphql import GraphQLError, GraphQLOutputType, ValueNode
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.types import ExecutionContext

from gateway.context import RequestContext
from gateway.problems import ProblemCode, public_error

__all__ = ["PublicErrors", "PublicSchema", "public_field_error"]


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


def _note(context: Any) -> None:
    """That the request has an error."""
    if isinstance(context, RequestContext):
        context.failed = True


def _is_of_an_argument(error: GraphQLError) -> bool:
    """Whether it is about a value that the document or its variables give, which only execution can find wrong."""
    return not error.extensions and error.nodes is not None and isinstance(error.nodes[0], ValueNode)


class PublicSchema(strawberry.Schema):
    """Strawberry's schema, less its own logging of errors: failures are logged once each, by their incident."""

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Gives every error a code: one that arose in no field is of the document itself, or of a subscription."""
        if errors and execution_context is not None:
            _note(execution_context.context)
        for place, error in enumerate(errors):
            if error.extensions:
                continue
            cause = error.original_error
            if cause is None or isinstance(cause, GraphQLError):
                error.extensions = {"code": "GRAPHQL_VALIDATION_FAILED"}
            else:
                errors[place] = public_error(cause)
