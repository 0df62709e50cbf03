"""From field groups to a plan: for each kind of object what is written of it, and what must be loaded for it.

Fields that need no load are written at once with their object, all objects below included ("inline"). Each load is a
step: it is taken for all objects of a level together, and what it brings begins a level of its own.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLUnionType,
    OperationDefinitionNode,
    OperationType,
    get_named_type,
)

from gateway.engine.arguments import Arguments
from gateway.engine.collect import Collector, Groups
from gateway.engine.converting import Converters
from gateway.engine.declared import Declared, declared_of
from gateway.engine.fallback import NotCompiledError, Reason
from gateway.schema.execution import PublicSchema
from gateway.schema.fields import Action, Attribute, Load
from gateway.selection import FieldNeeds, Selection

__all__ = ["MOST_FIELDS", "FieldPlan", "ObjectPlan", "Plan", "Planner"]

MOST_FIELDS: Final = 10_000
"""Fields in one plan. Merged selections can be many more than a document is long; and each is a line of source."""

_INTROSPECTION: Final = frozenset(("__schema", "__type"))
_TYPE_NAME: Final = "__typename"


@dataclass(slots=True, eq=False)
class FieldPlan:
    """One field of the answer.

    ``declared`` is None for ``__typename``. ``arguments`` is the place of its arguments in the plan's, if it takes any.
    ``objects`` are the plans of the objects that it leads to, by type name; empty for leaves. ``leads_on`` says that
    something below is to be loaded, once this field is.
    """

    key: str
    nodes: tuple[FieldNode, ...]
    type: GraphQLOutputType
    declared: Declared | None
    arguments: int | None
    select: Callable[[FieldNeeds], Selection]
    number: int
    objects: dict[str, "ObjectPlan"] = field(default_factory=dict)
    leads_on: bool = False
    selections: dict[int, Selection] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Its name in the schema."""
        return self.nodes[0].name.value

    def selection(self, needs: FieldNeeds) -> Selection:
        """What is selected below it, read once for each table of needs; there is one for each set of scopes."""
        known = self.selections.get(id(needs))
        if known is None:
            known = self.selections[id(needs)] = self.select(needs)
        return known

    @property
    def named_type(self) -> GraphQLNamedType:
        """Its type, without lists and non-null."""
        return get_named_type(self.type)

    @property
    def is_step(self) -> bool:
        """Whether it may have to be loaded, or done."""
        declared = self.declared
        return isinstance(declared, Load | Action) or (isinstance(declared, Attribute) and declared.fetch)


@dataclass(slots=True, eq=False)
class ObjectPlan:
    """What is written of objects of one type, at one place; ``inside`` are the response keys from the level's begin."""

    number: int
    type: GraphQLObjectType
    inside: tuple[str, ...]
    fields: dict[str, FieldPlan] = field(default_factory=dict)
    steps: list[FieldPlan] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Plan:
    """How one operation is answered, for one combination of its conditions."""

    kind: OperationType
    root: ObjectPlan
    objects: list[ObjectPlan]
    arguments: list[Arguments]
    fields: int
    steps: int
    """The selections that were looked at to make it."""


class Planner:
    """Makes one plan."""

    def __init__(
        self,
        schema: PublicSchema,
        fragments: Mapping[str, FragmentDefinitionNode],
        conditions: Mapping[str, bool],
        converters: Converters,
    ) -> None:
        self._core = core = schema.core
        self._converters = converters
        self._fragments = fragments
        self._collector = Collector(core, fragments, conditions)
        self._objects: dict[tuple[Any, ...], ObjectPlan] = {}
        self._made: list[ObjectPlan] = []
        self._arguments: list[Arguments] = []
        self._fields = 0
        self._shared = True

    def plan(self, operation: OperationDefinitionNode) -> Plan:
        """The operation's plan.

        Raises:
            NotCompiledError: something in it is not compiled.
        """
        self._shared = operation.operation is OperationType.QUERY
        root_type = self._core.get_root_type(operation.operation)
        assert root_type is not None  # noqa: S101 - the document is valid
        root = self._new(root_type, ())
        groups = self._collector.fields(root_type, (operation.selection_set,))
        todo = [(root, groups)]
        while todo:
            made, groups = todo.pop()
            for key, nodes in groups.items():
                made.fields[key] = one = self._field(made.type, key, tuple(nodes))
                todo.extend(self._below(made, one))
            made.steps = [one for one in made.fields.values() if one.is_step]
        _mark_what_leads_on(self._made)
        return Plan(operation.operation, root, self._made, self._arguments, self._fields, self._collector.steps)

    def _new(self, of_type: GraphQLObjectType, inside: tuple[str, ...]) -> ObjectPlan:
        made = ObjectPlan(len(self._made), of_type, inside)
        self._made.append(made)
        return made

    def _field(self, of_type: GraphQLObjectType, key: str, nodes: tuple[FieldNode, ...]) -> FieldPlan:
        self._fields += 1
        if self._fields > MOST_FIELDS:
            raise NotCompiledError(Reason.TOO_LARGE)
        name = nodes[0].name.value
        if name in _INTROSPECTION:
            raise NotCompiledError(Reason.INTROSPECTION)
        definition = self._core.get_field(of_type, name)
        assert definition is not None  # noqa: S101 - the document is valid
        declared = None if name == _TYPE_NAME else declared_of(definition)
        arguments = self._argument_place(definition, nodes[0])
        selected = partial(Selection, nodes, self._fragments, applies=self._collector.applies)
        return FieldPlan(key, nodes, definition.type, declared, arguments, selected, self._fields)

    def _argument_place(self, definition: GraphQLField, node: FieldNode) -> int | None:
        if not definition.args:
            return None
        self._arguments.append(Arguments(self._converters, definition, node, shared=self._shared))
        return len(self._arguments) - 1

    def _below(self, parent: ObjectPlan, one: FieldPlan) -> Iterator[tuple[ObjectPlan, Groups]]:
        """Gives a field the plans of its objects; yields those that are new. The same selection is planned once."""
        inside = () if one.is_step else (*parent.inside, one.key)
        sets = [node.selection_set for node in one.nodes]
        for of_type in self._possible(one.named_type):
            place = (of_type.name, inside, *map(id, one.nodes))
            made = self._objects.get(place)
            if made is None:
                made = self._objects[place] = self._new(of_type, inside)
                yield made, self._collector.fields(of_type, sets)
            one.objects[of_type.name] = made

    def _possible(self, of_type: GraphQLNamedType) -> list[GraphQLObjectType]:
        if isinstance(of_type, GraphQLObjectType):
            return [of_type]
        if isinstance(of_type, GraphQLInterfaceType | GraphQLUnionType):
            return list(self._core.get_possible_types(of_type))
        return []


def _mark_what_leads_on(objects: list[ObjectPlan]) -> None:
    """Finds the fields below which something is loaded: upwards from every step, each field once."""
    leading_to: dict[int, list[tuple[ObjectPlan, FieldPlan]]] = {}
    for made in objects:
        for one in made.fields.values():
            for below in one.objects.values():
                leading_to.setdefault(below.number, []).append((made, one))
    todo = [made for made in objects if made.steps]
    seen = {made.number for made in todo}
    while todo:
        for above, one in leading_to.get(todo.pop().number, ()):
            one.leads_on = True
            if above.number not in seen:
                seen.add(above.number)
                todo.append(above)
