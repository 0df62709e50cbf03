"""From a plan to Python source: for each kind of object a function that writes it, and one for what each step brings.

The functions know the common case alone: values of the exact types, nothing missing, nothing failed. For anything else
they raise, and `gateway.engine.completing` does the same work field by field.

All that gets into the source is response keys, by `repr`, and names: attributes', which the schema declares, and those
that are made here. What a document or a variable holds otherwise is reached through the names, never written.
"""

import keyword
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

from graphql import (
    GraphQLAbstractType,
    GraphQLEnumType,
    GraphQLLeafType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)
from msgspec import UNSET, Struct

from adapters.translating import Translated, Translation
from gateway.engine.kinds import Kinds
from gateway.engine.leaves import ALIKE, EXACT, OUTPUT, names_of, output
from gateway.engine.plan import FieldPlan, ObjectPlan, Plan
from gateway.record_types import NAMES
from gateway.schema.fields import Attribute, Derived

__all__ = ["Generated", "OddError", "generate"]


class OddError(Exception):
    """Something that the generated functions leave to `gateway.engine.completing`."""


class Generated:
    """The source of a plan, and its functions."""

    def __init__(self, source: str, names: dict[str, Any]) -> None:
        self.source = source
        exec(compile(source, "<plan>", "exec"), names)  # noqa: S102 - see the head of this file
        self._names = names

    def root(self) -> Any:
        """Writes the root object: ``(source, run, level)`` → its members."""
        return self._names["one_0"]

    def rows(self) -> Any:
        """Writes objects out of rows: ``(values)`` → what is answered, in their order."""
        return self._names["rows"]

    def values(self, field: FieldPlan) -> Any:
        """Writes what a step brought: ``(values, run, level)`` → what is answered, in their order."""
        return self._names[f"values_{field.number}"]


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
    return Generated(writer.source(), writer.names)


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


class _Writer:
    def __init__(
        self, kinds: Kinds, inlined: frozenset[int] = frozenset(), translation: Translation[Any] | None = None
    ) -> None:
        self._kinds = kinds
        self.inlined = inlined
        self._lines: list[str] = []
        self._translation = translation
        self.names: dict[str, Any] = {"Odd": OddError, "UNSET": UNSET, "LISTS": (list, tuple), **OUTPUT, **ALIKE}
        self.names["Translated"] = Translated

    def source(self) -> str:
        return "\n".join(self._lines) + "\n"

    def object(self, made: ObjectPlan, *, root: bool) -> None:
        """``one_N(s, run, level)`` writes an object, ``many_N(values, run, level)`` a list of them."""
        n = made.number
        body, literal = self._members(made)
        self._lines.append(f"# {made.type.name}")
        noted = [f"run.note(level, {n}, (s,), (d,))"] if made.steps else []
        check = [] if root else [f"if type(s) not in {self._known(made.type)}: raise Odd"]
        self._function(f"one_{n}(s, run, level)", [*check, *_PROLOGUE, *body, f"d = {literal}", *noted, "return d"])
        if root:
            return
        check = self._rows_first(made, "values", "return ")
        check += [
            f"if type(values) not in LISTS or not {self._known(made.type)}.issuperset(map(type, values)): raise Odd"
        ]
        loop = ["for s in values:", *_indented([*body, f"push({literal})"])]
        noted = [f"run.note(level, {n}, values, done)"] if made.steps else []
        begin = ["done = []", "push = done.append"]
        self._function(f"many_{n}(values, run, level)", [*check, *_PROLOGUE, *begin, *loop, *noted, "return done"])

    def rows(self, made: ObjectPlan, translation: Translation[Any]) -> None:
        """``rows(values)`` writes a list of objects out of rows that nobody has translated yet."""
        names = [one.declared.name for one in made.fields.values() if isinstance(one.declared, Attribute)]
        readable = all(translation.source(name, "s", "backend") is not None for name in names)
        self._translation = translation if readable else None
        body, literal = self._members(made)
        self.names |= translation.names
        begin = ["backend = values.backend", "done = []", "push = done.append"]
        loop = [f"for s in values.{'rows' if readable else 'records'}:", *_indented([*body, f"push({literal})"])]
        self._function("rows(values)", [*begin, *loop, "return done"])

    def _rows_first(self, made: ObjectPlan, v: str, result: str) -> list[str]:
        """What is done about rows that nobody has translated yet, where there can be such."""
        if made.type.name not in NAMES.values():
            return []
        if not _is_plain(made):
            return [f"if type({v}) is Translated: {v} = {v}.records"]
        by_translation = self._name(f"rows_{made.number}", _RowWriters(self._kinds, made))
        return [f"if type({v}) is Translated: {result}{by_translation}[{v}.translation]({v})"]

    def step(self, field: FieldPlan) -> None:
        """``values_N(values, run, level)`` writes what was loaded for a field, none of it null or an error."""
        of_type = _nullable(field.type)
        self._lines.append(f"# {field.key}")
        if isinstance(of_type, GraphQLObjectType):
            (made,) = field.objects.values()
            body = [f"return many_{made.number}(values, run, level)"]
        elif not is_list_type(of_type) and not is_leaf_type(of_type):
            body = [f"return {self._many_of(field, of_type)}(values, run, level)"]
        else:
            lines = self._completed("v", of_type, field)
            begin = ["done = []", "push = done.append"]
            body = [*begin, "for v in values:", *_indented([*lines, "push(v)"]), "return done"]
        self._function(f"values_{field.number}(values, run, level)", body)

    def _function(self, signature: str, body: Iterable[str]) -> None:
        self._lines += [f"def {signature}:", *_indented(body), ""]

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
            lines.append(f"{v} = {self._read(declared.name, s)}")
            if declared.fetch:
                complete = self._completed(v, field.type, field)
                lines += [f"if {v} is UNSET: {v} = None", "else:", *_indented(complete)]
            else:
                lines += self._completed(v, field.type, field)
            return v
        if isinstance(declared, Derived):
            function = self._name(f"derived_{field.number}", declared.function)
            given = "" if field.arguments is None else f", **run.arguments[{field.arguments}]"
            lines += [f"{v} = {function}({s}, context{given})", *self._completed(v, field.type, field)]
            return v
        return "None"  # until it is loaded

    def _read(self, name: str, s: str) -> str:
        """The expression that reads an attribute."""
        source = None if self._translation is None else self._translation.source(name, s, "backend")
        return source or f"{s}.{_attribute(name)}"

    def _completed(self, v: str, of_type: GraphQLOutputType, field: FieldPlan) -> list[str]:
        """Statements that make of a value what is answered for it."""
        if is_non_null_type(of_type):
            return self._not_null(v, of_type.of_type, field)
        inner = self._not_null(v, of_type, field)
        if len(inner) == 1 and inner[0].startswith("if "):  # what is most often false first
            return [inner[0].replace(": ", f" and {v} is not None: ", 1)]
        return [f"if {v} is not None:", *_indented(inner)]

    def _not_null(self, v: str, of_type: GraphQLOutputType, field: FieldPlan) -> list[str]:
        if is_list_type(of_type):
            return self._list(v, of_type, field)
        if is_leaf_type(of_type):
            return self._leaf(v, of_type)
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
        item = _nullable(of_type.of_type)
        if is_list_type(item):
            return ["raise Odd"]
        if is_leaf_type(item):
            return self._leaves(v, of_type, field)
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
            *_indented([*lines, f"{items}.append({literal})"]),
            f"{v} = {items}",
        ]
        first = self._rows_first(made, v, f"{v} = ")
        return [*first, "else:", *_indented(each)] if first and _is_plain(made) else [*first, *each]

    def _leaves(self, v: str, of_type: GraphQLList[Any], field: FieldPlan) -> list[str]:
        """A list of leaves: at once where all are of the type that is written as it is."""
        one = self._completed("item", of_type.of_type, field)
        alike = f"ALL_{_nullable(of_type.of_type).name}"  # type: ignore[union-attr]
        each = ["items = []", f"for item in {v}:", *_indented([*one, "items.append(item)"]), f"{v} = items"]
        check = f"if type({v}) not in LISTS: raise Odd"
        if alike not in ALIKE:
            return [check, *each]
        return [check, f"if {alike}.issuperset(map(type, {v})): {v} = [*{v}]", "else:", *_indented(each)]

    def _leaf(self, v: str, of_type: GraphQLLeafType) -> list[str]:
        if isinstance(of_type, GraphQLEnumType):
            return [f"{v} = {self._name(f'names_{of_type.name}', names_of(of_type))}[{v}]"]
        written = self._name(f"output_{of_type.name}", output(of_type))
        if of_type.name not in EXACT:
            return [f"{v} = {written}({v})"]
        exact, plain = (template.format(v=v) for template in EXACT[of_type.name])
        if plain == v:
            return [f"if not ({exact}): {v} = {written}({v})"]
        return [f"{v} = {plain} if {exact} else {written}({v})"]

    def _one_of(self, field: FieldPlan, of_type: Any) -> str:
        """The name of the function that writes an object at a field."""
        if isinstance(of_type, GraphQLObjectType):
            return f"one_{field.objects[of_type.name].number}"
        name = f"one_at_{field.number}"
        if name not in self.names:
            self.names[name] = None
            table, names = self._table("one", field), self._names_of(of_type)
            body = [f"return {table}[{names}[type(s)]](s, run, level)"]
            self._function(f"{name}(s, run, level)", body)
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
            self._function(f"{name}(values, run, level)", body)
        return name

    def _table(self, what: str, field: FieldPlan) -> str:
        """A name for the functions by type name; written beside its first use, but looked up when all are there."""
        name = f"{what}_by_type_{field.number}"
        if name not in self.names:
            self.names[name] = _Late(self.names, {one: f"{what}_{made.number}" for one, made in field.objects.items()})
        return name

    def _names_of(self, of_type: GraphQLAbstractType) -> str:
        return self._name(f"type_names_{of_type.name}", self._kinds.names(of_type))

    def _known(self, of_type: GraphQLObjectType) -> str:
        return self._name(f"known_{of_type.name}", self._kinds.known(of_type))

    def _name(self, name: str, value: Any) -> str:
        self.names.setdefault(name, value)
        return name


class _RowWriters(dict[Translation[Any], Any]):
    """What writes a plan's objects out of rows, by the rows' translation; each made when first needed.

    Translations are as many as the vendors' packages have: nothing here grows with requests.
    """

    def __init__(self, kinds: Kinds, made: ObjectPlan) -> None:
        super().__init__()
        self._kinds = kinds
        self._made = made

    def __missing__(self, translation: Translation[Any]) -> Any:
        if NAMES.get(translation.record) != self._made.type.name:
            raise OddError
        writer = _Writer(self._kinds)
        writer.rows(self._made, translation)
        found = self[translation] = Generated(writer.source(), writer.names).rows()
        return found


def _is_plain(made: ObjectPlan) -> bool:
    """Whether nothing is written of an object but attributes that are leaves."""
    return all(
        one.declared is None or (isinstance(one.declared, Attribute) and not one.is_step and not one.objects)
        for one in made.fields.values()
    )


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


def _nullable(of_type: GraphQLOutputType) -> GraphQLOutputType:
    return of_type.of_type if isinstance(of_type, GraphQLNonNull) else of_type


def _attribute(name: str) -> str:
    """A name that may stand after a dot."""
    if not name.isidentifier() or keyword.iskeyword(name):
        raise ValueError(f"{name!r} is no attribute's name.")
    return name


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"    {line}" for line in lines]
