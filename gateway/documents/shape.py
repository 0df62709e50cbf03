"""How large a document is, read off it before anything more expensive looks at it.

Validation compares every two fields that answer under one name, and walks fragments once for each that spreads them:
of 900 bytes it can make seconds. So the document is measured first, in steps that grow with its length alone: each
fragment is measured once, however often it is spread.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from graphql import (
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FloatValueNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    IntValueNode,
    Node,
    OperationDefinitionNode,
    SelectionSetNode,
)

__all__ = ["Shape", "comparisons_of", "shape_of"]

Definition = OperationDefinitionNode | FragmentDefinitionNode


@dataclass(frozen=True, slots=True)
class Shape:
    """A document's measures.

    What is counted is counted wherever it is spread: a fragment's twice where it is spread twice. ``depth`` and
    ``root_fields`` are of the operation that has most, the rest of all together. ``nodes`` are its names, values and
    other parts; ``longest_number`` is in characters; ``in_parts`` says that it has @defer or @stream.
    """

    depth: int
    root_fields: int
    fields: int
    aliases: int
    directives: int
    nodes: int
    longest_number: int
    in_parts: bool


@dataclass(slots=True)
class _Extent:
    """The measures of one definition, with what it spreads."""

    depth: int = 0
    root_fields: int = 0
    fields: int = 0
    aliases: int = 0
    directives: int = 0
    nodes: int = 0

    def add(self, other: "_Extent", *, depth: int) -> None:
        """Spreads another one inside this one, below so many fields."""
        self.depth = max(self.depth, depth + other.depth)
        self.root_fields += other.root_fields if depth == 0 else 0
        self.fields += other.fields
        self.aliases += other.aliases
        self.directives += other.directives
        self.nodes += other.nodes


def shape_of(document: DocumentNode) -> Shape:
    """Measures a document; every node of it is looked at once."""
    definitions = [one for one in document.definitions if isinstance(one, Definition)]
    fragments = {one.name.value: one for one in definitions if isinstance(one, FragmentDefinitionNode)}
    spreads = {id(one): _Reading(one) for one in definitions}
    extents: dict[str, _Extent] = {}
    for name in _innermost_first(fragments, {name: spreads[id(one)].names for name, one in fragments.items()}):
        extents[name] = spreads[id(fragments[name])].extent(extents)
    used = {name for reading in spreads.values() for name in reading.names}
    roots = [
        spreads[id(one)].extent(extents)
        for one in definitions
        if isinstance(one, OperationDefinitionNode) or one.name.value not in used
    ]
    return Shape(
        depth=max((one.depth for one in roots), default=0),
        root_fields=max((one.root_fields for one in roots), default=0),
        fields=sum(one.fields for one in roots),
        aliases=sum(one.aliases for one in roots),
        directives=sum(one.directives for one in roots),
        nodes=sum(one.nodes for one in roots),
        longest_number=max((reading.longest_number for reading in spreads.values()), default=0),
        in_parts=any(reading.in_parts for reading in spreads.values()),
    )


class _Reading:
    """One definition, read once: its own extent, and which fragments it spreads below how many fields."""

    def __init__(self, definition: Definition) -> None:
        self.own = _Extent()
        self.spreads: list[tuple[str, int]] = []
        self.longest_number = 0
        self.in_parts = False
        waiting: list[tuple[Node, int]] = [(definition, 0)]
        while waiting:
            node, depth = waiting.pop()
            self._note(node, depth)
            below = depth + 1 if isinstance(node, FieldNode) else depth
            waiting.extend((one, below) for one in _children(node))

    @property
    def names(self) -> list[str]:
        """The fragments that it spreads."""
        return [name for name, _ in self.spreads]

    def extent(self, extents: Mapping[str, _Extent]) -> _Extent:
        """Its extent with those of the fragments that it spreads; an unknown one adds nothing."""
        whole = _Extent()
        whole.add(self.own, depth=0)
        for name, depth in self.spreads:
            if name in extents:
                whole.add(extents[name], depth=depth)
        return whole

    def _note(self, node: Node, depth: int) -> None:
        own = self.own
        own.nodes += 1
        if isinstance(node, FieldNode):
            own.fields += 1
            own.depth = max(own.depth, depth + 1)
            own.root_fields += depth == 0
            own.aliases += node.alias is not None
        elif isinstance(node, FragmentSpreadNode):
            self.spreads.append((node.name.value, depth))
        elif isinstance(node, DirectiveNode):
            own.directives += 1
            self.in_parts = self.in_parts or node.name.value in {"defer", "stream"}
        elif isinstance(node, IntValueNode | FloatValueNode):
            self.longest_number = max(self.longest_number, len(node.value))


def _children(node: Node) -> Iterator[Node]:
    for key in node.keys:
        below = getattr(node, key)
        if isinstance(below, Node):
            yield below
        elif isinstance(below, tuple | list):
            yield from (one for one in below if isinstance(one, Node))


def _innermost_first(fragments: Mapping[str, object], spreads: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Each fragment after those that it spreads. Where some spread each other, which validation refuses, in any order.

    Without recursion: there may be as many within one another as there are.
    """
    done: set[str] = set()
    for root in fragments:
        path = [(root, iter(spreads[root]))] if root not in done else []
        done.add(root)
        while path:
            name, rest = path[-1]
            further = next((one for one in rest if one in spreads and one not in done), None)
            if further is None:
                path.pop()
                yield name
            else:
                done.add(further)
                path.append((further, iter(spreads[further])))


def comparisons_of(document: DocumentNode) -> int:
    """How many pairs of fields or of fragments come together in one place: validation compares each pair.

    Takes time that grows with `Shape.fields` and `Shape.nodes`, which must have been found small enough.
    """
    fragments = {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}
    pairs = 0
    waiting = [[one.selection_set] for one in document.definitions if isinstance(one, Definition)]
    while waiting:
        together: dict[str, list[FieldNode]] = defaultdict(list)
        fields_here, fragments_here = _collected(waiting.pop(), fragments)
        pairs += _pairs(fragments_here)
        for field in fields_here:
            together[(field.alias or field.name).value].append(field)
        for fields in together.values():
            pairs += _pairs(len(fields))
            below = [field.selection_set for field in fields if field.selection_set is not None]
            if below:
                waiting.append(below)
    return pairs


def _pairs(count: int) -> int:
    return count * (count - 1) // 2


def _collected(
    selection_sets: Sequence[SelectionSetNode], fragments: Mapping[str, FragmentDefinitionNode]
) -> tuple[list[FieldNode], int]:
    """The fields of these selections together, and how many fragments they come from."""
    fields: list[FieldNode] = []
    spread: set[str] = set()
    waiting = list(selection_sets)
    while waiting:
        for node in waiting.pop().selections:
            if isinstance(node, FieldNode):
                fields.append(node)
            elif isinstance(node, InlineFragmentNode):
                waiting.append(node.selection_set)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in spread:
                spread.add(node.name.value)
                if node.name.value in fragments:
                    waiting.append(fragments[node.name.value].selection_set)
    return fields, len(spread)
