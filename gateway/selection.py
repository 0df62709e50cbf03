"""Which of a record's attributes a query needs: the one reader of selections.

What each field needs is declared with the field; the table is made once per schema.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from graphql import (
    BooleanValueNode,
    DirectiveNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
)

__all__ = ["CONDITIONS", "FieldNeeds", "Selection", "stands"]

CONDITIONS: Final[Mapping[str, bool]] = {"skip": False, "include": True}
"""Per directive, the value with which a selection stands."""

FieldNeeds = Mapping[str, Mapping[str, frozenset[str]]]
"""Per GraphQL type and field name, the attributes of the type's record."""


class Selection:
    """What is selected below one field, read once however often it is asked; ``applies`` says what of it stands."""

    def __init__(
        self,
        nodes: Sequence[FieldNode],
        fragments: Mapping[str, FragmentDefinitionNode],
        needs: FieldNeeds,
        applies: Callable[[SelectionNode], bool],
        conditions: frozenset[str] | None = None,
    ) -> None:
        self._nodes = nodes
        self._fragments = fragments
        self._needs = needs
        self._applies = applies
        self._conditions = conditions
        self._known: tuple[FieldNode, ...] | None = None
        self._names: frozenset[str] | None = None
        self._below: dict[tuple[str, ...], Selection] = {}
        self._on: dict[tuple[str, ...], Selection] = {}
        self._wanted: dict[tuple[str, ...], frozenset[str]] = {}
        self._wanted_of_nodes: dict[tuple[str, ...], frozenset[str]] = {}

    def on(self, *types: str) -> "Selection":
        """The same without the fragments on other types: what is selected of an object that is of all these types."""
        known = self._on.get(types)
        if known is None:
            conditions = frozenset(types)
            known = Selection(self._nodes, self._fragments, self._needs, self._applies, conditions)
            self._on[types] = known
        return known

    def below(self, *names: str) -> "Selection":
        """The selection below the fields of these names."""
        known = self._below.get(names)
        if known is None:
            nodes = [node for node in self._fields() if node.name.value in names]
            known = self._below[names] = Selection(nodes, self._fragments, self._needs, self._applies)
        return known

    def names(self) -> frozenset[str]:
        """The names of the selected fields."""
        if self._names is None:
            self._names = frozenset(node.name.value for node in self._fields())
        return self._names

    def has(self, name: str) -> bool:
        """Whether a field of this name is selected."""
        return name in self.names()

    def wanted(self, *types: str) -> frozenset[str]:
        """The attributes that the selected fields need, read as fields of these types."""
        known = self._wanted.get(types)
        if known is None:
            wanted: set[str] = set()
            for node in self._fields():
                for type_name in types:
                    wanted |= self._needs[type_name].get(node.name.value, frozenset())
            known = self._wanted[types] = frozenset(wanted)
        return known

    def wanted_of_nodes(self, *types: str) -> frozenset[str]:
        """Likewise for the records in a connection: below ``nodes`` and ``edges { node }``."""
        known = self._wanted_of_nodes.get(types)
        if known is None:
            known = self.below("nodes").wanted(*types) | self.below("edges").below("node").wanted(*types)
            self._wanted_of_nodes[types] = known
        return known

    def _fields(self) -> tuple[FieldNode, ...]:
        if self._known is None:
            sets = [node.selection_set for node in self._nodes if node.selection_set is not None]
            self._known = tuple(field for selected in sets for field in self._walk(selected, set()))
        return self._known

    def _walk(self, selection_set: SelectionSetNode, spread: set[str]) -> Iterable[FieldNode]:
        open_sets: list[Iterator[SelectionNode]] = [iter(selection_set.selections)]
        while open_sets:
            node = next(open_sets[-1], None)
            if node is None:
                open_sets.pop()
            elif not self._applies(node):
                continue
            elif isinstance(node, FieldNode):
                yield node
            elif isinstance(node, InlineFragmentNode):
                open_sets.append(self._part(node))
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in spread:
                spread.add(node.name.value)
                open_sets.append(self._part(self._fragments[node.name.value]))

    def _part(self, fragment: InlineFragmentNode | FragmentDefinitionNode) -> Iterator[SelectionNode]:
        condition = fragment.type_condition
        is_of_type = self._conditions is None or condition is None or condition.name.value in self._conditions
        return iter(fragment.selection_set.selections if is_of_type else ())


def stands(node: SelectionNode, variables: Mapping[str, Any]) -> bool:
    """Whether its conditions let a selection stand, for these values of the variables.

    A value that is no boolean is an error of whoever executes the selection: here it leaves nothing out.
    """
    for directive in node.directives or ():
        needed = CONDITIONS.get(directive.name.value)
        if needed is not None and _condition(directive, variables) is (not needed):
            return False
    return True


def _condition(directive: DirectiveNode, variables: Mapping[str, Any]) -> Any:
    (argument,) = directive.arguments or ()
    value = argument.value
    if isinstance(value, VariableNode):
        return variables.get(value.name.value)
    assert isinstance(value, BooleanValueNode)  # noqa: S101 - the document is valid
    return value.value
