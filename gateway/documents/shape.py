"""What a document is made of, read off it before anything more expensive looks at it."""

from collections.abc import Iterator
from dataclasses import dataclass

from graphql import DirectiveNode, DocumentNode, FloatValueNode, IntValueNode, Node

__all__ = ["Shape", "shape_of"]


@dataclass(frozen=True, slots=True)
class Shape:
    """``in_parts``: it has @defer or @stream. ``longest_number`` is in characters."""

    in_parts: bool
    longest_number: int


def shape_of(document: DocumentNode) -> Shape:
    """Reads every node once."""
    in_parts, longest = False, 0
    for node in _nodes(document):
        if isinstance(node, DirectiveNode):
            in_parts = in_parts or node.name.value in {"defer", "stream"}
        elif isinstance(node, IntValueNode | FloatValueNode):
            longest = max(longest, len(node.value))
    return Shape(in_parts, longest)


def _nodes(document: DocumentNode) -> Iterator[Node]:
    waiting: list[Node] = [document]
    while waiting:
        node = waiting.pop()
        yield node
        for key in node.keys:
            below = getattr(node, key)
            if isinstance(below, Node):
                waiting.append(below)
            elif isinstance(below, tuple | list):
                waiting.extend(one for one in below if isinstance(one, Node))
