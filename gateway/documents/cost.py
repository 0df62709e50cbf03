"""What an operation may cost: how many questions it can put to backends and to the ledger, at most.

The unit is a *read*: one record of one backend by its key, one page of one list of one backend, one look-up in the
ledger. A field costs what its `FieldCost` says, as often as there can be objects that it is asked of; a list counts as
full as ``first`` allows. Loaders share and batch reads, so that as a rule far fewer are made, never more.

Costs are made once for each document, each fragment once however often it is spread, and added up once for each
request: with the request's own variables, and so many backends as its caller sees.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    Undefined,
    ValueNode,
    VariableNode,
    get_named_type,
    value_from_ast_untyped,
)
from msgspec import Struct

__all__ = ["UNKNOWN", "Arguments", "CostPlan", "FieldCost", "FieldCosts", "cost_plan", "how_many", "page"]

Arguments = Mapping[str, Any]
"""A field's arguments as far as its cost asks for them: values, or `UNKNOWN`."""

UNKNOWN: Final = object()
"""The value of an argument that cannot be known before it is coerced: it counts as the most there can be."""


MOST_KNOWN: Final = 100
"""Sums kept of one operation: frontends ask for the same few page sizes."""

MEASURED: Final = frozenset(("backend", "customers", "documents"))
"""The fields of an input on which a cost depends: whom and what a mutation names."""


class FieldCost(Struct, frozen=True, kw_only=True):
    """What a field costs for one object that it is asked of.

    Attributes:
        weight: Reads for each time that it asks.
        times: How often it asks, by its arguments and by how many backends there are; once where that is not said.
        size: How many objects it answers at most, of the same and of ``about``; one where that is not said.
        sliced_by: The argument that says how many records a page has; ``size`` may look at it, and has the say.
        about: How many records an action is about, which ``size`` may be of fields below it (as ``about``).
        arguments: Those that all of these look at.
        assumed_size: For those who know no more than ``@listSize``: how many objects it answers as a rule.
    """

    weight: int
    times: Callable[[Arguments, int], int] | None = None
    size: Callable[[Arguments, int, int], int] | None = None
    about: Callable[[Arguments], int] | None = None
    sliced_by: str | None = None
    arguments: tuple[str, ...] = ()
    assumed_size: int | None = None


FieldCosts = Mapping[tuple[str, str], FieldCost]
"""By the names of type and field; a field that is not there costs nothing."""


class _Given(Struct, frozen=True):
    """An argument as it is written: a value, or a variable with what holds where it is not given.

    ``members`` are those of an input object that are variables, and count.
    """

    value: Any
    variable: str | None = None
    members: "Mapping[str, _Given]" = {}


class _Term(Struct, frozen=True):
    """A field that costs something, or below which something does."""

    cost: FieldCost | None
    arguments: Mapping[str, _Given]
    below: "_Sum"


class _Sum:
    """A selection's cost: of its fields, and of the fragments that it spreads."""

    __slots__ = ("fragments", "terms")

    def __init__(self) -> None:
        self.terms: list[_Term] = []
        self.fragments: list[_Sum] = []

    @property
    def costs_nothing(self) -> bool:
        """Whether nothing in it costs anything."""
        return not self.terms and not self.fragments


class Cost(Struct, frozen=True):
    """What one request costs at most, and the most that it may."""

    reads: int
    maximum: int


class CostPlan:
    """What one operation costs; `total` adds it up. ``variables`` are those that it depends on."""

    def __init__(self, whole: _Sum, *, variables: Iterable[str], most: int) -> None:
        self.variables = tuple(variables)
        self._whole = whole
        self._most = most
        self._known: dict[tuple[Any, ...], int] = {}

    def total(self, variables: Mapping[str, Any] | None, backends: int) -> int:
        """The cost with these variables, as they came, where so many backends are visible."""
        given = variables or {}
        asked = (backends, *(_measure(given.get(name, UNKNOWN)) for name in self.variables))
        known = self._known.get(asked)
        if known is None:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            known = self._known[asked] = _Adding(given, backends, self._most).sum(self._whole)
        return known


def _measure(value: Any, *, inside: bool = False) -> Any:
    """What a cost can depend on in a variable's value, to be found again; `UNKNOWN` where it is not given.

    An object inside an input, however deep, is none of those that costs look into.
    """
    if isinstance(value, list):
        return "list", len(value)
    if isinstance(value, dict):
        members = () if inside else value.items()
        return "object", *((name, _measure(inner, inside=True)) for name, inner in members if name in MEASURED)
    return value if isinstance(value, int | float) or value is None or value is UNKNOWN else "text"


def how_many(arguments: Arguments, name: str, most: int) -> int:
    """How many values a list argument has: none where it is null, one where it is no list, as GraphQL coerces it."""
    value = arguments.get(name)
    if value is UNKNOWN:
        return most
    if value is None:
        return 0
    return len(value) if isinstance(value, list | tuple) else 1


def page(first: Any, most: int) -> int:
    """How many records a page has: as many as are asked for, and the most there can be where that is no number."""
    is_whole = isinstance(first, int) or (isinstance(first, float) and first.is_integer())
    return max(0, min(int(first), most)) if is_whole else most


class _Adding:
    """One adding up."""

    def __init__(self, variables: Mapping[str, Any], backends: int, most: int) -> None:
        self._variables = variables
        self._backends = backends
        self._most = most
        self._sums: dict[tuple[int, int], int] = {}

    def sum(self, of: _Sum, about: int = 1) -> int:
        """A selection's cost, below an action that is about so many records."""
        known = self._sums.get((id(of), about))
        if known is None:
            known = sum(self._term(one, about) for one in of.terms) + sum(self.sum(one, about) for one in of.fragments)
            self._sums[id(of), about] = known
        return known

    def _term(self, term: _Term, about: int) -> int:
        cost = term.cost
        if cost is None:
            return self.sum(term.below, about)
        arguments = {name: self._value(given) for name, given in term.arguments.items()}
        about = about if cost.about is None else cost.about(arguments)
        times = 1 if cost.times is None else cost.times(arguments, self._backends)
        below = 0 if term.below.costs_nothing else self.sum(term.below, about)
        return cost.weight * times + below * self._size(cost, arguments, about)

    def _size(self, cost: FieldCost, arguments: Arguments, about: int) -> int:
        if cost.size is not None:
            return cost.size(arguments, self._backends, about)
        if cost.sliced_by is None:
            return 1
        return page(arguments.get(cost.sliced_by), self._most)

    def _value(self, given: _Given) -> Any:
        if given.members:
            return {**given.value, **{name: self._value(one) for name, one in given.members.items()}}
        return given.value if given.variable is None else self._variables.get(given.variable, given.value)


def cost_plan(
    operation: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    schema: GraphQLSchema,
    costs: FieldCosts,
    most: int,
) -> CostPlan:
    """The cost of an operation of a valid document. ``most`` is the most records that any list answers."""
    planning = _Planning(operation, fragments, schema, costs)
    root = schema.get_root_type(operation.operation)
    whole = _Sum() if root is None else planning.selection(operation.selection_set, root)
    return CostPlan(whole, variables=planning.variables, most=most)


class _Planning:
    """Makes the plans of one operation's selections; those of fragments once."""

    def __init__(
        self,
        operation: OperationDefinitionNode,
        fragments: Mapping[str, FragmentDefinitionNode],
        schema: GraphQLSchema,
        costs: FieldCosts,
    ) -> None:
        self.variables: dict[str, None] = {}
        self._fragments = fragments
        self._schema = schema
        self._costs = costs
        self._made: dict[str, _Sum] = {}
        self._defaults = {one.variable.name.value: one.default_value for one in operation.variable_definitions or ()}

    def selection(self, selection_set: SelectionSetNode, parent: GraphQLNamedType) -> _Sum:
        """The cost of what is selected of this type."""
        made = _Sum()
        self._add(made, selection_set, parent)
        return made

    def _add(self, made: _Sum, selection_set: SelectionSetNode, parent: GraphQLNamedType) -> None:
        for node in selection_set.selections:
            if isinstance(node, FieldNode):
                term = self._term(node, parent)
                if term is not None:
                    made.terms.append(term)
            elif isinstance(node, InlineFragmentNode):
                condition = node.type_condition
                self._add(made, node.selection_set, parent if condition is None else self._type(condition.name.value))
            elif isinstance(node, FragmentSpreadNode):
                fragment = self._fragment(node.name.value)
                if not fragment.costs_nothing:
                    made.fragments.append(fragment)

    def _fragment(self, name: str) -> _Sum:
        made = self._made.get(name)
        if made is None:
            fragment = self._fragments[name]
            made = self.selection(fragment.selection_set, self._type(fragment.type_condition.name.value))
            self._made[name] = made
        return made

    def _term(self, node: FieldNode, parent: GraphQLNamedType) -> _Term | None:
        name = node.name.value
        field: GraphQLField | None = getattr(parent, "fields", {}).get(name)
        if field is None:  # __typename, and introspection
            return None
        below = _Sum() if node.selection_set is None else self.selection(node.selection_set, get_named_type(field.type))
        cost = self._costs.get((parent.name, name))
        if cost is None:
            return None if below.costs_nothing else _Term(None, {}, below)
        asked = cost.arguments if cost.sliced_by is None else (*cost.arguments, cost.sliced_by)
        return _Term(cost, {one: self._given(node, field, one) for one in asked if one in field.args}, below)

    def _given(self, node: FieldNode, field: GraphQLField, name: str) -> _Given:
        value = next((one.value for one in node.arguments or () if one.name.value == name), None)
        default = field.args[name].default_value
        default = None if default is Undefined else default
        if isinstance(value, VariableNode):
            return self._variable(value, default)
        if value is None:
            return _Given(default)
        members = value.fields if isinstance(value, ObjectValueNode) else ()
        variables = {
            one.name.value: self._variable(one.value, None)
            for one in members
            if isinstance(one.value, VariableNode) and one.name.value in MEASURED
        }
        return _Given(_literal(value), members=variables)

    def _variable(self, node: VariableNode, absent: Any) -> _Given:
        """A variable, with what holds where neither the request nor the operation gives it a value."""
        name = node.name.value
        self.variables[name] = None
        default = self._defaults.get(name)
        return _Given(absent if default is None else _literal(default), name)

    def _type(self, name: str) -> GraphQLNamedType:
        return self._schema.type_map[name]


def _literal(value: ValueNode) -> Any:
    """A literal's value. Variables inside a list or an object are null in it: they are counted, not looked at."""
    return value_from_ast_untyped(value)
