"""From a plan to Python source: for each kind of object a function that writes it, and one for what each step brings.

The functions know the common case alone: values of the exact types, nothing missing, nothing failed. For anything else
they raise, and `gateway.engine.completing` does the same work field by field.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from graphql import (
    GraphQLAbstractType,
    GraphQLList,
    GraphQLObjectType,
    GraphQLOutputType,
    is_leaf_type,
    is_list_type,
)
from msgspec import Struct

from adapters.translating import Translated
from gateway.engine.kinds import Kinds
from gateway.engine.plan import FieldPlan, ObjectPlan, Plan
from gateway.engine.rows import OwnRowWriters, RowWriters, are_rows_alone, can_be_rows, can_stay_rows
from gateway.engine.source import Source, attribute_name, indented, nullable
from gateway.lists import OwnConnections
from gateway.schema.fields import Attribute, Derived, OwnLoad

__all__ = ["Generated", "generate"]


class Generated:
    """The source of a plan, and its functions.

    ``root`` writes the root object: ``(source, run, level)`` → its members. ``values`` has by a field's number what
    writes what its step brought: ``(values, run, level)`` → what is answered, in their order.
    """

    def __init__(self, source: str, names: dict[str, Any]) -> None:
        self.source = source
        exec(compile(source, "<plan>", "exec"), names)  # noqa: S102 - see the head of `gateway.engine.source`
        self.root: Any = names["one_0"]
        self.values: Mapping[int, Any] = {
            int(name.removeprefix("values_")): names[name] for name in names if name.startswith("values_")
        }


MOST_NESTED: Final = 5
"""Objects that are written inside one another in one function: Python has at most 20 loops in one another."""


def generate(plan: Plan, kinds: Kinds) -> Generated:
    """The functions of a plan."""
    writer = _Writer(kinds, _inlined(plan))
    for made in plan.objects:
        if made.number not in writer.inlined:
            writer.object(made, root=made is plan.root)
        for step in made.steps:
            writer.step(step)
    return Generated(writer.text(), writer.names)


def _inlined(plan: Plan) -> frozenset[int]:
    """The objects that are written where they are, in the function of what they are in, for they are nowhere else.

    So each is in the source once, and that is no longer than the plan.
    """
    places: Counter[int] = Counter()
    below: dict[int, list[int]] = {}
    for made in plan.objects:
        for one in made.fields.values():
            alone = not one.is_step and isinstance(one.named_type, GraphQLObjectType)
            for inner in one.objects.values():
                places[inner.number] += 1 if alone and not inner.steps else 2
                below.setdefault(made.number, []).append(inner.number)
    found: set[int] = set()
    todo = [(plan.root.number, 0)]
    seen = {plan.root.number}
    while todo:
        number, depth = todo.pop()
        for one_below in below.get(number, ()):
            inline = places[one_below] == 1 and depth < MOST_NESTED
            if inline:
                found.add(one_below)
            if one_below not in seen:
                seen.add(one_below)
                todo.append((one_below, depth + 1 if inline else 0))
    return frozenset(found)


class _Writer(Source):
    def __init__(self, kinds: Kinds, inlined: frozenset[int]) -> None:
        super().__init__()
        self._kinds = kinds
        self.inlined = inlined
        self.names |= {"Translated": Translated, "OwnConnections": OwnConnections}

    def object(self, made: ObjectPlan, *, root: bool) -> None:
        """``one_N(s, run, level)`` writes an object, ``many_N(values, run, level)`` a list of them."""
        n = made.number
        body, literal = self._members(made)
        self.comment(made.type.name)
        asked, note = _noting(made)
        noted = [f"{note}run.note(level, {n}, (s,), (d,))"] if made.steps else []
        check = [] if root else [f"if type(s) not in {self._known(made.type)}: raise Odd"]
        self.function(
            f"one_{n}(s, run, level)", [*check, *_PROLOGUE, *asked, *body, f"d = {literal}", *noted, "return d"]
        )
        if root:
            return
        check = self._rows_first(made, "values", "return ")
        check += [
            f"if type(values) not in LISTS or not {self._known(made.type)}.issuperset(map(type, values)): raise Odd"
        ]
        loop = ["for s in values:", *indented([*body, f"push({literal})"])]
        noted = [f"{note}run.note(level, {n}, values, done)"] if made.steps else []
        begin = [*asked, "done = []", "push = done.append"]
        self.function(f"many_{n}(values, run, level)", [*check, *_PROLOGUE, *begin, *loop, *noted, "return done"])

    def _rows_first(self, made: ObjectPlan, v: str, result: str) -> list[str]:
        """What is done about rows that nobody has translated yet, where there can be such."""
        if not can_be_rows(made):
            return []
        if not can_stay_rows(made):
            return [f"if type({v}) is Translated: {v} = {v}.records"]
        by_translation = self.name(f"rows_{made.number}", RowWriters(made))
        return [f"if type({v}) is Translated: {result}{by_translation}[{v}.translation]({v}, run, level)"]

    def step(self, field: FieldPlan) -> None:
        """``values_N(values, run, level)`` writes what was loaded for a field, none of it null or an error."""
        of_type = nullable(field.type)
        self.comment(field.key)
        if isinstance(of_type, GraphQLObjectType):
            (made,) = field.objects.values()
            body = [*self._own_rows_first(field, made), f"return many_{made.number}(values, run, level)"]
        elif not is_list_type(of_type) and not is_leaf_type(of_type):
            body = [f"return {self._many_of(field, of_type)}(values, run, level)"]
        else:
            lines = self.completed("v", of_type, field)
            begin = ["done = []", "push = done.append"]
            body = [*begin, "for v in values:", *indented([*lines, "push(v)"]), "return done"]
        self.function(f"values_{field.number}(values, run, level)", body)

    def _own_rows_first(self, field: FieldPlan, made: ObjectPlan) -> list[str]:
        """Likewise where many customers' lists may come as such rows."""
        if not isinstance(field.declared, OwnLoad):
            return []
        if not are_rows_alone(made):
            return ["if type(values) is OwnConnections: values = [*values]"]
        by_translation = self.name(f"own_rows_{made.number}", OwnRowWriters(made))
        return [f"if type(values) is OwnConnections: return {by_translation}[values.translation](values, run, level)"]

    def _members(self, made: ObjectPlan, s: str = "s") -> tuple[list[str], str]:
        """The statements that work out the members of the object of a source, and the literal that holds them."""
        lines: list[str] = []
        members: list[str] = []
        for place, field in enumerate(made.fields.values()):
            members.append(f"{field.key!r}: {self._member(_Place(s, f'{s}{place}'), made, field, lines)}")
        return lines, "{" + ", ".join(members) + "}"

    def _member(self, at: "_Place", made: ObjectPlan, field: FieldPlan, lines: list[str]) -> str:
        declared, s, v = field.declared, at.source, at.value
        if declared is None:
            return repr(made.type.name)
        if isinstance(declared, Attribute):
            lines.append(f"{v} = {s}.{attribute_name(declared.name)}")
            if declared.fetch:
                complete = self.completed(v, field.type, field)
                lines += [f"if {v} is UNSET: {v}, unset = None, True", "else:", *indented(complete)]
            else:
                lines += self.completed(v, field.type, field)
            return v
        if isinstance(declared, Derived):
            function = self.name(f"derived_{field.number}", declared.function)
            given = "" if field.arguments is None else f", **run.arguments[{field.arguments}]"
            lines += [f"{v} = {function}({s}, context{given})", *self.completed(v, field.type, field)]
            return v
        return "None"  # until it is loaded

    def not_null(self, v: str, of_type: GraphQLOutputType, field: FieldPlan) -> list[str]:
        if is_list_type(of_type):
            return self._list(v, of_type, field)
        if is_leaf_type(of_type):
            return super().not_null(v, of_type, field)
        made = self._inline(field, of_type)
        if made is None:
            return [f"{v} = {self._one_of(field, of_type)}({v}, run, level)"]
        lines, literal = self._members(made, f"{v}_")
        known = self._known(made.type)
        return [
            f"{v}_ = {v}  # {made.type.name}",
            f"if type({v}_) not in {known}: raise Odd",
            *lines,
            f"{v} = {literal}",
        ]

    def _inline(self, field: FieldPlan, of_type: Any) -> ObjectPlan | None:
        """The object at a field, where it is written here."""
        made = field.objects.get(of_type.name) if isinstance(of_type, GraphQLObjectType) else None
        return made if made is not None and made.number in self.inlined else None

    def _list(self, v: str, of_type: GraphQLList[Any], field: FieldPlan) -> list[str]:
        item = nullable(of_type.of_type)
        if is_list_type(item):
            return ["raise Odd"]
        if is_leaf_type(item):
            return super().not_null(v, of_type, field)
        made = self._inline(field, item)
        if made is None:
            return [f"{v} = {self._many_of(field, item)}({v}, run, level)"]
        source, items = f"{v}_", f"{v}_items"
        lines, literal = self._members(made, source)
        known = self._known(made.type)
        each = [
            f"if type({v}) not in LISTS or not {known}.issuperset(map(type, {v})): raise Odd",
            f"{items} = []",
            f"for {source} in {v}:  # {made.type.name}",
            *indented([*lines, f"{items}.append({literal})"]),
            f"{v} = {items}",
        ]
        first = self._rows_first(made, v, f"{v} = ")
        return [*first, "else:", *indented(each)] if first and can_stay_rows(made) else [*first, *each]

    def _one_of(self, field: FieldPlan, of_type: Any) -> str:
        """The name of the function that writes an object at a field."""
        if isinstance(of_type, GraphQLObjectType):
            return f"one_{field.objects[of_type.name].number}"
        name = f"one_at_{field.number}"
        if name not in self.names:
            self.names[name] = None
            table, names = self._table("one", field), self._names_of(of_type)
            body = [f"return {table}[{names}[type(s)]](s, run, level)"]
            self.function(f"{name}(s, run, level)", body)
        return name

    def _many_of(self, field: FieldPlan, of_type: Any) -> str:
        """The name of the function that writes a list of objects at a field."""
        if isinstance(of_type, GraphQLObjectType):
            return f"many_{field.objects[of_type.name].number}"
        name = f"many_at_{field.number}"
        if name not in self.names:
            self.names[name] = None
            many, one, names = self._table("many", field), self._table("one", field), self._names_of(of_type)
            body = [
                "if type(values) is Translated: values = values.records",
                "if type(values) not in LISTS: raise Odd",
                "types = set(map(type, values))",
                f"if len(types) == 1: return {many}[{names}[types.pop()]](values, run, level)",
                f"return [{one}[{names}[type(s)]](s, run, level) for s in values]",
            ]
            self.function(f"{name}(values, run, level)", body)
        return name

    def _table(self, what: str, field: FieldPlan) -> str:
        """A name for the functions by type name; written beside its first use, but looked up when all are there."""
        name = f"{what}_by_type_{field.number}"
        if name not in self.names:
            self.names[name] = _Late(self.names, {one: f"{what}_{made.number}" for one, made in field.objects.items()})
        return name

    def _names_of(self, of_type: GraphQLAbstractType) -> str:
        return self.name(f"type_names_{of_type.name}", self._kinds.names(of_type))

    def _known(self, of_type: GraphQLObjectType) -> str:
        return self.name(f"known_{of_type.name}", self._kinds.known(of_type))


def _noting(made: ObjectPlan) -> tuple[list[str], str]:
    """What stands before the writing of objects, and the condition on which they are noted.

    They are where they have a step; where that only reads what a record came without, where one of them did.
    """
    unset = any(isinstance(one.declared, Attribute) for one in made.steps)
    alone = unset and all(isinstance(one.declared, Attribute) for one in made.steps)
    return ["unset = False"] if unset else [], "if unset: " if alone else ""


class _Place(Struct):
    """The names of a source, and of what is made of one of its fields."""

    source: str
    value: str


_PROLOGUE = ["context = run.context"]


class _Late(dict[str, Any]):
    """Functions by type name, found among the generated names when first needed."""

    def __init__(self, names: Mapping[str, Any], wanted: Mapping[str, str]) -> None:
        super().__init__()
        self._names = names
        self._wanted = wanted

    def __missing__(self, type_name: str) -> Any:
        found = self[type_name] = self._names[self._wanted[type_name]]
        return found
