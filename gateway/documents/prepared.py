"""Documents that were parsed and found valid, with what is known of each operation without its variables."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    OperationDefinitionNode,
)

from gateway.documents.cost import CostPlan
from gateway.public_codes import RequestCode

__all__ = ["DocumentRefusedError", "PreparedDocument", "PreparedOperation"]


Costing = Callable[[OperationDefinitionNode, Mapping[str, FragmentDefinitionNode]], CostPlan]
"""What an operation with these fragments costs."""


class DocumentRefusedError(Exception):
    """What was asked is not executed, for these errors; each has a public code."""

    def __init__(self, errors: Sequence[GraphQLError]) -> None:
        super().__init__("\n".join(error.message for error in errors))
        self.errors = tuple(errors)


class PreparedOperation:
    """One operation of a valid document. It is the same object for as long as the document is kept.

    Attributes:
        document: The document that it is part of, with the fragments that it may spread.
        node: Its definition.
        name: Its name, if it has one.
        kind: Query, mutation or subscription; ``kind_name`` is that as a text.
        in_parts: Whether it has @defer or @stream, switched off or not.
        cost: What it may cost, with which variables.
        plan: For the executor alone: whatever it makes of this operation once. It goes when the document goes.
    """

    __slots__ = ("cost", "document", "in_parts", "kind", "kind_name", "name", "node", "plan")

    def __init__(
        self, document: "PreparedDocument", node: OperationDefinitionNode, cost: CostPlan, *, in_parts: bool
    ) -> None:
        self.document = document
        self.node = node
        self.name = None if node.name is None else node.name.value
        self.kind = node.operation
        self.kind_name: str = node.operation.value
        self.in_parts = in_parts
        self.cost = cost
        self.plan: Any = None


class PreparedDocument:
    """A valid document, and its operations by name (None for one without)."""

    __slots__ = ("fragments", "node", "operations", "text")

    def __init__(self, text: str, node: DocumentNode, costing: Costing, *, in_parts: bool) -> None:
        self.text = text
        self.node = node
        self.fragments: Mapping[str, FragmentDefinitionNode] = {
            one.name.value: one for one in node.definitions if isinstance(one, FragmentDefinitionNode)
        }
        operations = (
            PreparedOperation(self, one, costing(one, self.fragments), in_parts=in_parts) for one in _operations(node)
        )
        self.operations: Mapping[str | None, PreparedOperation] = {one.name: one for one in operations}

    def operation(self, name: str | None) -> PreparedOperation:
        """The operation of that name, or the only one.

        Raises:
            DocumentRefusedError: when there is none of that name, or there are several and nobody says which.
        """
        if name:
            if name not in self.operations:
                raise _no_such("The document has no operation of this name.")
            return self.operations[name]
        if len(self.operations) != 1:
            raise _no_such("The document has several operations: operationName must say which.")
        (only,) = self.operations.values()
        return only


def _operations(node: DocumentNode) -> Iterator[OperationDefinitionNode]:
    return (one for one in node.definitions if isinstance(one, OperationDefinitionNode))


def _no_such(message: str) -> DocumentRefusedError:
    return DocumentRefusedError(
        [GraphQLError(message, extensions={"code": RequestCode.GRAPHQL_VALIDATION_FAILED.value})]
    )
