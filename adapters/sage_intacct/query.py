"""What can be said to the query service: filter trees as ``filters`` and ``filterExpression``, and the whole body.

The service has no ``not``: negation is moved down to the comparisons first. How its negative operators treat nulls is
not documented, so each that may meet one says ``$ne null`` beside it, and means the same either way.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

from msgspec import Struct

from adapters.errors import UnsupportedByVendor
from adapters.filters import And, Compare, Filter, FilterOptions, Op, Or, RelativePeriod, without_not
from adapters.model import RecordStatus

__all__ = ["KEY", "Attribute", "Conditions", "conditions", "parameters", "query_body"]

KEY = re.compile(r"[1-9][0-9]{0,18}")
"""A record's key: digits. A leading zero would name another record's key a second time."""


class Attribute(Struct, frozen=True, kw_only=True):
    """A model attribute as a query field, which may be empty if ``nullable``. ``words`` are the vendor's per status."""

    field: str
    kind: Literal["text", "amount", "moment", "status", "key"] = "text"
    nullable: bool = True
    words: Mapping[RecordStatus, tuple[str, ...]] = {}


class Conditions(Struct, frozen=True, kw_only=True):
    """``filters`` with their ``expression`` (None: all of them). ``relative`` when a period is among them."""

    filters: tuple[dict[str, Any], ...] = ()
    expression: str | None = None
    relative: bool = False


class _Condition(Struct, frozen=True):
    operator: str
    field: str
    value: Any
    relative: bool = False


class _Group(Struct, frozen=True):
    word: Literal["and", "or"]
    terms: "tuple[_Node, ...]"


_Node = _Condition | _Group | bool

_MACROS = {
    RelativePeriod.TODAY: "today",
    RelativePeriod.YESTERDAY: "yesterday",
    RelativePeriod.CURRENT_WEEK: "currentWeek",
    RelativePeriod.LAST_WEEK: "lastWeek",
    RelativePeriod.CURRENT_MONTH: "currentMonth",
    RelativePeriod.PRIOR_MONTH: "priorMonth",
    RelativePeriod.CURRENT_QUARTER: "currentQuarter",
    RelativePeriod.PRIOR_QUARTER: "priorQuarter",
    RelativePeriod.CURRENT_YEAR: "currentYear",
    RelativePeriod.PRIOR_YEAR: "priorYear",
}
_NEGATIVE = {Op.NE, Op.NOT_IN, Op.NOT_BETWEEN, Op.NOT_CONTAINS, Op.NOT_STARTS_WITH, Op.NOT_ENDS_WITH}
_SET = {Op.EQ, Op.NE, Op.IN, Op.NOT_IN}
_ORDERED = _SET | {Op.LT, Op.LTE, Op.GT, Op.GTE, Op.BETWEEN, Op.NOT_BETWEEN}
_PERIOD = {Op.IN_PERIOD, Op.NOT_IN_PERIOD}
_NULL = {Op.IS_NULL, Op.IS_NOT_NULL}
_SAYABLE = {
    "text": set(Op) - _PERIOD,
    "amount": _ORDERED | _NULL,
    "moment": _ORDERED | _NULL | _PERIOD,
    "status": _SET | _NULL,
    "key": _SET | _NULL,
}


def conditions(tree: Filter | None, attributes: Mapping[str, Attribute]) -> Conditions | None:
    """The filter in the query service's terms, or None when it can match nothing.

    Raises `UnsupportedByVendor` for an attribute or a comparison that cannot be said.
    """
    node: _Node = True if tree is None else _lowered(without_not(tree), attributes)
    if node is False:
        return None
    found: list[_Condition] = []
    expression = _expression(node, found)
    if isinstance(node, _Group) and all(isinstance(term, _Condition) for term in node.terms):
        expression = node.word
    return Conditions(
        filters=tuple({one.operator: {one.field: one.value}} for one in found),
        expression=None if len(found) < 2 or expression == "and" else expression,
        relative=any(one.relative for one in found),
    )


def parameters(options: FilterOptions, *, relative: bool) -> dict[str, Any]:
    """``filterParameters`` that differ from their defaults.

    A relative period always names its day: the vendor's "current date" is in a time zone that it does not document,
    and would move between two pages of a list read over midnight.
    """
    chosen: dict[str, Any] = {}
    if relative or options.as_of is not None:
        chosen["asOfDate"] = options.reference_day.isoformat()
    if not options.case_sensitive:
        chosen["caseSensitiveComparison"] = False
    if options.include_private:
        chosen["includePrivate"] = True
    if options.include_hierarchy:
        chosen["includeHierarchyFields"] = True
    return chosen


def query_body(
    object_path: str,
    fields: Sequence[str],
    *,
    where: Conditions,
    parameters: dict[str, Any],
    order: Sequence[tuple[str, Literal["asc", "desc"]]],
    start: int,
    size: int,
) -> dict[str, Any]:
    """The body of one query. ``start`` counts from 1."""
    body: dict[str, Any] = {"object": object_path, "fields": list(fields)}
    if where.filters:
        body["filters"] = list(where.filters)
    if where.expression is not None:
        body["filterExpression"] = where.expression
    if parameters:
        body["filterParameters"] = parameters
    if order:
        body["orderBy"] = [{name: direction} for name, direction in order]
    return {**body, "start": start, "size": size}


# ── From tree to conditions ──────────────────────────────────────────────────────────────────────────────────────────


def _lowered(tree: Filter, attributes: Mapping[str, Attribute]) -> _Node:
    if isinstance(tree, Compare):
        attribute = attributes.get(tree.field)
        if attribute is None or tree.op not in _SAYABLE[attribute.kind]:
            raise _unsayable(tree.field)
        return _compared(tree, attribute)
    if isinstance(tree, And | Or):
        return _group("and" if isinstance(tree, And) else "or", [_lowered(term, attributes) for term in tree.terms])
    raise TypeError(f"{type(tree).__name__} is gone after without_not")


def _unsayable(field: str) -> UnsupportedByVendor:
    return UnsupportedByVendor("Sage Intacct's query service cannot be asked for this.", field=field, never_sent=True)


def _group(word: Literal["and", "or"], terms: Sequence[_Node]) -> _Node:
    """The terms in one group, flattened, without constants."""
    decisive = word == "or"
    flat: list[_Node] = []
    for term in terms:
        if term is decisive:
            return decisive
        if isinstance(term, _Group) and term.word == word:
            flat += term.terms
        elif not isinstance(term, bool):
            flat.append(term)
    if not flat:
        return not decisive
    return flat[0] if len(flat) == 1 else _Group(word, tuple(flat))


def _expression(node: _Node, found: list[_Condition]) -> str:
    """The expression, its conditions numbered from 1 in the order in which they are added to ``found``."""
    if isinstance(node, bool):
        return ""
    if isinstance(node, _Condition):
        found.append(node)
        return str(len(found))
    parts = [_expression(term, found) for term in node.terms]
    return f" {node.word} ".join(
        f"({part})" if isinstance(term, _Group) else part for term, part in zip(node.terms, parts, strict=True)
    )


def _compared(term: Compare, attribute: Attribute) -> _Node:
    if attribute.kind == "status":
        return _status(term, attribute)
    if term.op is Op.IS_NULL:
        return _Condition("$eq", attribute.field, None)
    if term.op is Op.IS_NOT_NULL:
        return _not_null(attribute)
    if attribute.kind == "moment":
        return _moment(term, attribute)
    if attribute.kind == "key":
        term = _among(term, [value for value in _values(term) if KEY.fullmatch(value)])
    return _said(term.op, term.value, attribute)


def _said(op: Op, value: Any, attribute: Attribute) -> _Node:
    """The comparison as one condition (the model's operators are called as the service's are)."""
    if op in (Op.IN, Op.NOT_IN) and not value:
        return False if op is Op.IN else _not_null(attribute)
    condition = _Condition(f"${op.value}", attribute.field, _json(value))
    return _group("and", [condition, _not_null(attribute)]) if op in _NEGATIVE else condition


def _not_null(attribute: Attribute) -> _Node:
    return _Condition("$ne", attribute.field, None) if attribute.nullable else True


def _values(term: Compare) -> tuple[Any, ...]:
    return tuple(term.value) if term.op in (Op.IN, Op.NOT_IN) else (term.value,)


def _among(term: Compare, values: Sequence[Any]) -> Compare:
    """An equality or membership as the membership in ``values``."""
    return Compare(term.field, Op.IN if term.op in (Op.EQ, Op.IN) else Op.NOT_IN, tuple(values))


def _status(term: Compare, attribute: Attribute) -> _Node:
    """A status is never null to us: a record without one is UNKNOWN, which differs from the others."""
    if term.op in _NULL:
        return term.op is Op.IS_NOT_NULL
    if any(value not in attribute.words for value in _values(term)):
        raise _unsayable(term.field)
    words = [word for value in _values(term) for word in attribute.words[value]]
    inside = _among(term, words).op is Op.IN
    if not words:
        return not inside
    if len(words) == 1:
        condition = _Condition("$eq" if inside else "$ne", attribute.field, words[0])
    else:
        condition = _Condition("$in" if inside else "$notIn", attribute.field, words)
    return condition if inside else _group("or", [condition, _Condition("$eq", attribute.field, None)])


def _moment(term: Compare, attribute: Attribute) -> _Node:
    """A comparison of a date-time: with a day, the day's bounds in UTC."""
    op, value = term.op, term.value
    if op in _PERIOD:
        condition = _Condition("$eq" if op is Op.IN_PERIOD else "$ne", attribute.field, _MACROS[value], relative=True)
        return condition if op is Op.IN_PERIOD else _group("and", [condition, _not_null(attribute)])
    parts = _parts(op, value)
    if parts is not None:
        word, comparisons = parts
        alone = [_not_null(attribute)] if word == "and" and not comparisons else []
        return _group(word, alone + [_moment(Compare(term.field, *one), attribute) for one in comparisons])
    return _said(op, value, attribute) if isinstance(value, datetime) else _day_bound(op, value, attribute)


def _parts(op: Op, value: Any) -> tuple[Literal["and", "or"], list[tuple[Op, Any]]] | None:
    """The simpler comparisons that a comparison of a date-time consists of, if it does."""
    match op:
        case Op.BETWEEN:
            return "and", [(Op.GTE, value[0]), (Op.LTE, value[1])]
        case Op.NOT_BETWEEN:
            return "or", [(Op.LT, value[0]), (Op.GT, value[1])]
        case Op.IN:
            return "or", [(Op.EQ, one) for one in value]
        case Op.NOT_IN:
            return "and", [(Op.NE, one) for one in value]
        case Op.EQ if not isinstance(value, datetime):
            return "and", [(Op.GTE, value), (Op.LTE, value)]
        case Op.NE if not isinstance(value, datetime):
            return "or", [(Op.LT, value), (Op.GT, value)]
    return None


def _day_bound(op: Op, day: date, attribute: Attribute) -> _Node:
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    if op in (Op.LT, Op.GTE):
        return _said(op, midnight, attribute)
    if day == date.max:
        return _not_null(attribute) if op is Op.LTE else False
    return _said(Op.LT if op is Op.LTE else Op.GTE, midnight + timedelta(days=1), attribute)


def _json(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_json(one) for one in value]
    if isinstance(value, Decimal):
        return format(value, "f")  # amounts are decimal strings
    if isinstance(value, datetime):
        moment = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        return moment.isoformat().replace("+00:00", "Z")
    return value
