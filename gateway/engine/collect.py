"""From selection sets to groups of fields, as the specification's CollectFields has it.

Conditions (``@skip``, ``@include``) are decided here: a plan is made for one combination of their variables' values.
"""

from collections.abc import Iterable, Iterator, Mapping

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLAbstractType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
    is_abstract_type,
)

from gateway.selection import CONDITIONS, stands

__all__ = ["Collector", "condition_variables"]

Groups = dict[str, list[FieldNode]]
"""Fields by response key, in the answer's order; those of one key are merged."""


class Collector:
    """Collects the fields of one operation. ``steps`` counts the selections that it looked at."""

    def __init__(
        self,
        schema: GraphQLSchema,
        fragments: Mapping[str, FragmentDefinitionNode],
        conditions: Mapping[str, bool],
    ) -> None:
        self._schema = schema
        self._fragments = fragments
        self._conditions = conditions
        self.steps = 0

    def fields(self, of_type: GraphQLObjectType, sets: Iterable[SelectionSetNode | None]) -> Groups:
        """The fields that these selection sets together select of an object of this type."""
        groups: Groups = {}
        spread: set[str] = set()
        for selection_set in sets:
            if selection_set is not None:
                for node in self._walk(of_type, selection_set, spread):
                    groups.setdefault(_response_key(node), []).append(node)
        return groups

    def applies(self, node: SelectionNode) -> bool:
        """Whether its conditions let a selection stand."""
        return stands(node, self._conditions)

    def _walk(self, of_type: GraphQLObjectType, start: SelectionSetNode, spread: set[str]) -> Iterator[FieldNode]:
        """Without recursion: fragments may be nested in any depth."""
        open_sets = [iter(start.selections)]
        while open_sets:
            node = next(open_sets[-1], None)
            if node is None:
                open_sets.pop()
                continue
            self.steps += 1
            if not self.applies(node):
                continue
            if isinstance(node, FieldNode):
                yield node
            elif (inner := self._inside(of_type, node, spread)) is not None:
                open_sets.append(iter(inner.selections))

    def _inside(self, of_type: GraphQLObjectType, node: SelectionNode, spread: set[str]) -> SelectionSetNode | None:
        """What a fragment selects of an object of this type, if anything that was not selected before."""
        if isinstance(node, InlineFragmentNode):
            return node.selection_set if self._is_of(of_type, node) else None
        assert isinstance(node, FragmentSpreadNode)  # noqa: S101 - there is no other
        name = node.name.value
        fragment = self._fragments[name]
        if name in spread or not self._is_of(of_type, fragment):
            return None
        spread.add(name)
        return fragment.selection_set

    def _is_of(self, of_type: GraphQLObjectType, fragment: InlineFragmentNode | FragmentDefinitionNode) -> bool:
        if fragment.type_condition is None:
            return True
        condition = self._schema.type_map[fragment.type_condition.name.value]
        if condition is of_type:
            return True
        return is_abstract_type(condition) and self._schema.is_sub_type(_abstract(condition), of_type)


def _abstract(of_type: object) -> GraphQLAbstractType:
    return of_type  # type: ignore[return-value]


def _response_key(node: FieldNode) -> str:
    return node.name.value if node.alias is None else node.alias.value


def condition_variables(
    operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> tuple[str, ...]:
    """The variables that decide what of an operation stands, sorted."""
    found: set[str] = set()
    seen: set[str] = set()
    todo: list[SelectionSetNode] = [operation.selection_set]
    while todo:
        for node in todo.pop().selections:
            found.update(_variables_of(node))
            if isinstance(node, FragmentSpreadNode):
                if node.name.value not in seen:
                    seen.add(node.name.value)
                    todo.append(fragments[node.name.value].selection_set)
            elif isinstance(node, FieldNode | InlineFragmentNode) and node.selection_set is not None:
                todo.append(node.selection_set)
    return tuple(sorted(found))


def _variables_of(node: SelectionNode) -> Iterator[str]:
    for directive in node.directives or ():
        if directive.name.value in CONDITIONS:
            for argument in directive.arguments or ():
                if isinstance(argument.value, VariableNode):
                    yield argument.value.name.value
