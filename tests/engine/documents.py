"""Documents over our schema, as hypothesis draws them: fragments, aliases, directives, variables, invalid values."""

import json
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
    is_required_argument,
)
from hypothesis import strategies as st

from gateway.schema.build import build_schema
from tests.gateway.asking import gid

__all__ = ["Asked", "asked"]

CORE = build_schema().core
DEEPEST = 6
WIDEST = 3
FRAGMENTS = 3
CONDITIONS = ("yes", "no", "maybe")

Composite = GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType

IDS = (
    gid("Customer", "a", "0"), gid("Customer", "a", "1"), gid("Customer", "b", "1"), gid("Customer", "c", "1"),
    gid("Letter", "a", "l1"), gid("Letter", "c", "none"), gid("Correspondence", "a", "c1"), gid("Backend", "a", "a"),
    gid("CustomerMessage", "b", "m1"), gid("CustomerEmailTemplate", "a", "t1"), gid("EmailTemplate", "a", "Tt1"),
    "nonsense", "",
)  # fmt: skip

VALUES: Mapping[str, Sequence[Any]] = {
    "first": (1, 2, 3, 9, 0, -1, 101, None, 2**31),
    "after": (None, "", "bm9uc2Vuc2U"),
    "id": IDS,
    "ids": ((), IDS[:3], IDS[2:5], IDS, (None,)),
    "backends": (None, (), ("a",), ("c", "b"), ("nowhere",)),
    "backend": ("a", "nowhere"),
    "customers": (None, (), IDS[:2], IDS[:4], IDS[4:6]),
    "withCounterparts": (True, False),
    "page": (1, 0, -3),
    "by": (
        {"id": IDS[0]},
        {"id": "x"},
        {"code": {"backend": "a", "code": "C-1"}},
        {"code": {"backend": "nowhere", "code": "1"}},
        {"nativeId": {"backend": "b", "nativeId": "2"}},
        {"nativeId": {"backend": "b", "nativeId": "none"}, "id": None},
        {},
    ),
    "representations": (
        (),
        ({"__typename": "Customer", "id": IDS[0]}, {"__typename": "Letter", "id": IDS[4]}),
        ({"__typename": "Customer", "backendKey": "a", "nativeId": "1"}, {"__typename": "Nothing"}, {"id": 5}),
        ({"__typename": "Customer", "backendKey": "b", "code": "C-1"}, {"__typename": "Backend", "id": IDS[7]}),
    ),
}
"""What is given for arguments, by name; numbers, texts, lists and objects as GraphQL and JSON both have them."""

BY_VARIABLE: Sequence[Any] = (None, 2**31, (None,), {"nativeId": {"backend": "b", "nativeId": "none"}, "id": None}, {})
"""Those that no valid document holds."""

LITERALS: Mapping[str, Sequence[str]] = {
    "CustomerFilter": (
        '{name: {contains: "1"}}',
        "{status: ACTIVE}",
        '{or: [{code: {eq: "C-0"}}, {not: {name: {isNull: true}}}]}',
        "{name: {eq: null}}",
        "{}",
        "null",
    ),
    "DocumentFilter": ('{title: {startsWith: "L"}}', "{date: {period: TODAY}}", "{state: SENT}", "null", "{}"),
    "TemplateFilter": ('{templateName: {eq: "Invoice"}}', "{}"),
    "MessageFilter": ("{status: ACTIVE}", '{text: {contains: "you"}}'),
    "CustomerOrder": ("{field: NAME}", "{field: CODE, direction: DESC}", "null"),
    "DocumentOrder": ("{field: DATE}", "{field: DATE, direction: ASC}"),
    "TemplateOrder": ("{field: TEMPLATE_NAME}", "{field: CUSTOMER_CODE}"),
    "FilterOptions": ("{caseSensitive: false}", '{asOf: "2026-06-30"}', "{}"),
    "PreviewSize": ("W240", "W1240"),
    "DispatchFilter": ('{backends: ["a"]}', "{states: []}", '{customer: "x"}'),
    "AggregateInput": (
        '{of: TEMPLATES, measures: [{function: COUNT, field: "x"}]}',
        "{of: CUSTOMERS, measures: []}",
    ),
    "ItemState": ("[ACCEPTED]", "[]"),
}
"""Literals, by the type of the argument: those that JSON has not."""


class Asked(NamedTuple):
    """A request: the document, which may turn out not to be valid, and its variables."""

    text: str
    variables: dict[str, Any]


@dataclass
class _Written:
    """What a document needs beside its selections."""

    declared: dict[str, str] = field(default_factory=dict)
    """Variables and their types."""
    given: dict[str, Any] = field(default_factory=dict)
    fragments: dict[str, str] = field(default_factory=dict)
    """The fragments that may be spread, and their types."""


@st.composite
def asked(draw: st.DrawFn) -> Asked:
    """A query."""
    written = _Written()
    texts: dict[str, str] = {}
    for number in range(draw(st.integers(0, FRAGMENTS))):
        of_type = draw(st.sampled_from([*_composites()]))
        body = _selections(draw, written, of_type, DEEPEST - 2)
        texts[f"F{number}"] = f"fragment F{number} on {of_type.name} {body}"
        written.fragments[f"F{number}"] = of_type.name
    assert CORE.query_type is not None
    body = _selections(draw, written, CORE.query_type, DEEPEST)
    used = _used(body, texts)
    whole = "\n".join([body, *used])
    declared = [f"${name}: {of_type}" for name, of_type in written.declared.items() if _names(whole, name)]
    head = f"query Q({', '.join(declared)})" if declared else "query Q"
    return Asked(f"{head} {whole}", written.given)


def _names(text: str, variable: str) -> bool:
    """Whether a text uses a variable."""
    return re.search(rf"\${variable}\b", text) is not None


def _used(text: str, fragments: Mapping[str, str]) -> list[str]:
    """The fragments that a text spreads, directly or not."""
    names: list[str] = []
    todo = [text]
    while todo:
        for name in re.findall(r"\.\.\.(F[0-9])", todo.pop()):
            if name not in names:
                names.append(name)
                todo.append(fragments[name])
    return [fragments[name] for name in names]


def _composites() -> Iterator[Composite]:
    for of_type in CORE.type_map.values():
        left_out = of_type.name.startswith("_") or of_type.name in ("Mutation", "Subscription")
        if isinstance(of_type, GraphQLObjectType | GraphQLInterfaceType) and not left_out:
            yield of_type


def _selections(draw: st.DrawFn, written: _Written, of_type: Composite, depth: int) -> str:
    parts = [_selection(draw, written, of_type, depth) for _ in range(draw(st.integers(1, WIDEST if depth > 1 else 2)))]
    return "{ " + " ".join(parts) + " }"


def _selection(draw: st.DrawFn, written: _Written, of_type: Composite, depth: int) -> str:
    kind = draw(st.integers(0, 9))
    fitting = [name for name, other in written.fragments.items() if _overlap(of_type, CORE.type_map[other])]
    if kind == 0 and fitting:
        return f"...{draw(st.sampled_from(fitting))}{_directive(draw, written)}"
    if kind in (1, 2):
        others = [other for other in _composites() if _overlap(of_type, other)]
        other = draw(st.sampled_from([of_type, *others]))
        condition = "" if other is of_type and draw(st.booleans()) else f" on {other.name}"
        return f"...{condition}{_directive(draw, written)} {_selections(draw, written, other, depth - 1)}"
    fields = {} if isinstance(of_type, GraphQLUnionType) else of_type.fields
    names = [name for name, one in fields.items() if depth > 0 or is_leaf_type(get_named_type(one.type))]
    name = draw(st.sampled_from(["__typename", *names]))
    if name == "__typename":
        return draw(st.sampled_from(("__typename", "kind: __typename"))) + _directive(draw, written)
    return _field(draw, written, name, fields[name], depth)


def _field(draw: st.DrawFn, written: _Written, name: str, one: GraphQLField, depth: int) -> str:
    arguments = ", ".join(_arguments(draw, written, one))
    alias = ""
    if arguments:
        alias = f"{name}_{zlib.crc32(arguments.encode()):x}: "
    elif draw(st.integers(0, 5)) == 0:
        alias = f"other_{name}: "
    given = f"({arguments})" if arguments else ""
    named = get_named_type(one.type)
    below = "" if is_leaf_type(named) else " " + _below(draw, written, named, depth)
    return f"{alias}{name}{given}{_directive(draw, written)}{below}"


def _below(draw: st.DrawFn, written: _Written, of_type: GraphQLNamedType, depth: int) -> str:
    assert isinstance(of_type, GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType)
    return _selections(draw, written, of_type, depth - 1)


def _arguments(draw: st.DrawFn, written: _Written, one: GraphQLField) -> Iterator[str]:
    for name, argument in one.args.items():
        if not is_required_argument(argument) and draw(st.integers(0, 3)):
            continue
        of_type = str(argument.type)
        literals = LITERALS.get(get_named_type(argument.type).name)
        if literals is not None:
            yield f"{name}: {draw(st.sampled_from(literals))}"
            continue
        value = draw(st.sampled_from(VALUES[name]))
        if draw(st.booleans()) or value in BY_VARIABLE:
            variable = f"v{len(written.declared)}"
            written.declared[variable] = of_type if draw(st.integers(0, 20)) else of_type.rstrip("!")
            if draw(st.integers(0, 7)) or of_type.endswith("!"):
                written.given[variable] = value
            yield f"{name}: ${variable}"
        else:
            yield f"{name}: {_literal(value)}"


def _directive(draw: st.DrawFn, written: _Written) -> str:
    kind = draw(st.integers(0, 7))
    if kind > 1:
        return ""
    condition = draw(st.sampled_from(("true", "false", *(f"${name}" for name in CONDITIONS))))
    if condition.startswith("$"):
        name = condition[1:]
        if name == "maybe":
            written.declared[name] = "Boolean = true"
            if draw(st.booleans()):
                written.given[name] = draw(st.sampled_from((True, False, None)))
        else:
            written.declared[name] = "Boolean!"
            written.given.setdefault(name, name == "yes")
    return f" @{('skip', 'include')[kind]}(if: {condition})"


def _overlap(one: GraphQLNamedType, other: GraphQLNamedType) -> bool:
    return bool(_possible(one) & _possible(other))


def _possible(of_type: GraphQLNamedType) -> frozenset[str]:
    if isinstance(of_type, GraphQLInterfaceType | GraphQLUnionType):
        return frozenset(possible.name for possible in CORE.get_possible_types(of_type))
    return frozenset((of_type.name,))


def _literal(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_literal(member)}" for name, member in value.items()) + "}"
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_literal, value)) + "]"
    return json.dumps(value)
