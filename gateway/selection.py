"""Which of a record's attributes a query needs: the one reader of selections.

What each field needs is declared with the field; the table is made once per schema.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from graphql import FieldNode, FragmentDefinitionNode, FragmentSpreadNode, InlineFragmentNode, SelectionSetNode

__all__ = ["FieldNeeds", "Selection"]

FieldNeeds = Mapping[str, Mapping[str, frozenset[str]]]
"""Per GraphQL type and field name, the attributes of the type's record."""


class Selection:
    """What is selected below one field. Conditions (``@skip``, ``@include``) are not read: they only take away."""

    def __init__(
        self,
        nodes: Sequence[FieldNode],
        fragments: Mapping[str, FragmentDefinitionNode],
        needs: FieldNeeds,
        conditions: frozenset[str] | None = None,
    ) -> None:
        self._nodes = nodes
        self._fragments = fragments
        self._needs = needs
        self._conditions = conditions

    def on(self, *types: str) -> "Selection":
        """The same without the fragments on other types: what is selected of an object that is of all these types."""
        return Selection(self._nodes, self._fragments, self._needs, frozenset(types))

    def below(self, *names: str) -> "Selection":
        """The selection below the fields of these names."""
        return Selection([node for node in self._fields() if node.name.value in names], self._fragments, self._needs)

    def has(self, name: str) -> bool:
        """Whether a field of this name is selected."""
        return any(node.name.value == name for node in self._fields())

    def wanted(self, *types: str) -> frozenset[str]:
        """The attributes that the selected fields need, read as fields of these types."""
        wanted: set[str] = set()
        for node in self._fields():
            for type_name in types:
                wanted |= self._needs[type_name].get(node.name.value, frozenset())
        return frozenset(wanted)

    def wanted_of_nodes(self, *types: str) -> frozenset[str]:
        """Likewise for the records in a connection: below ``nodes`` and ``edges { node }``."""
        return self.below("nodes").wanted(*types) | self.below("edges").below("node").wanted(*types)

    def _fields(self) -> Iterator[FieldNode]:
        for node in self._nodes:
            if node.selection_set is not None:
                yield from self._walk(node.selection_set, set())

    def _walk(self, selection_set: SelectionSetNode, spread: set[str]) -> Iterable[FieldNode]:
        for node in selection_set.selections:
            if isinstance(node, FieldNode):
                yield node
            elif isinstance(node, InlineFragmentNode):
                yield from self._part(node, spread)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in spread:
                spread.add(node.name.value)
                yield from self._part(self._fragments[node.name.value], spread)

    def _part(self, fragment: InlineFragmentNode | FragmentDefinitionNode, spread: set[str]) -> Iterable[FieldNode]:
        condition = fragment.type_condition
        if self._conditions is None or condition is None or condition.name.value in self._conditions:
            yield from self._walk(fragment.selection_set, spread)
