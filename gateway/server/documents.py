"""What must be known of a document before it is executed: read only where its text says that it may matter."""

import re
import sys
from typing import Any

from graphql import (
    DirectiveNode,
    FloatValueNode,
    GraphQLError,
    IntValueNode,
    OperationDefinitionNode,
    Visitor,
    parse,
    visit,
)
from msgspec import Struct

__all__ = ["Document", "document_of"]

_OPERATION = re.compile(r"\b(?:query|mutation|subscription)\b")
_PARTS = re.compile(r"defer|stream")
_LONG_NUMBER = re.compile(r"[0-9]{1000}")


class Document(Struct, frozen=True):
    """``operations`` is how many there are; ``in_parts`` whether it has @defer or @stream, switched off or not.

    ``unreadable_number`` is whether it has one of more digits than Python converts (`sys.get_int_max_str_digits`), on
    which graphql-core's own coercion breaks.
    """

    operations: int = 1
    in_parts: bool = False
    unreadable_number: bool = False


def document_of(query: str) -> Document:
    """What there is to know. What is no document at all is said by whoever executes it."""
    several = len(_OPERATION.findall(query)) > 1
    if not (several or _PARTS.search(query) or _LONG_NUMBER.search(query)):
        return Document()
    found = _Findings()
    try:
        visit(parse(query, no_location=True), found)
    except GraphQLError:
        return Document()
    return Document(found.operations, found.in_parts, found.longest_number > sys.get_int_max_str_digits())


class _Findings(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.operations = 0
        self.in_parts = False
        self.longest_number = 0

    def enter_operation_definition(self, _: OperationDefinitionNode, *__: Any) -> None:
        self.operations += 1

    def enter_directive(self, node: DirectiveNode, *_: Any) -> None:
        self.in_parts = self.in_parts or node.name.value in {"defer", "stream"}

    def enter_int_value(self, node: IntValueNode, *_: Any) -> None:
        self.longest_number = max(self.longest_number, len(node.value))

    def enter_float_value(self, node: FloatValueNode, *_: Any) -> None:
        self.longest_number = max(self.longest_number, len(node.value))
