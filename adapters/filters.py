"""Filters as trees, and what they mean.

A comparison with a null is neither true nor false but unknown, and only what is true passes: ``ne: "x"`` leaves out
nulls, and so does its negation. These are SQL's three-valued rules. Strings compare by code point, and with
``case_sensitive`` off after case folding. A vendor that is told a filter and the evaluation here mean the same.
"""

from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from msgspec import Struct

__all__ = [
    "And",
    "Compare",
    "Filter",
    "FilterOptions",
    "Not",
    "Op",
    "Or",
    "RelativePeriod",
    "Scalar",
    "conjunction",
    "conjuncts",
    "evaluate",
    "fields_of",
    "period_bounds",
    "without_not",
]

Scalar = str | int | bool | Decimal | date | datetime


class Op(StrEnum):
    """The comparisons. Each has its negation (`NEGATED`), so that a tree can be rid of `Not`."""

    EQ = "eq"
    NE = "ne"
    LT = "lt"
    GTE = "gte"
    GT = "gt"
    LTE = "lte"
    IN = "in"
    NOT_IN = "notIn"
    BETWEEN = "between"
    NOT_BETWEEN = "notBetween"
    CONTAINS = "contains"
    NOT_CONTAINS = "notContains"
    STARTS_WITH = "startsWith"
    NOT_STARTS_WITH = "notStartsWith"
    ENDS_WITH = "endsWith"
    NOT_ENDS_WITH = "notEndsWith"
    IS_NULL = "isNull"
    IS_NOT_NULL = "isNotNull"
    IN_PERIOD = "period"
    NOT_IN_PERIOD = "notPeriod"


_OPPOSITES = (
    (Op.EQ, Op.NE),
    (Op.LT, Op.GTE),
    (Op.GT, Op.LTE),
    (Op.IN, Op.NOT_IN),
    (Op.BETWEEN, Op.NOT_BETWEEN),
    (Op.CONTAINS, Op.NOT_CONTAINS),
    (Op.STARTS_WITH, Op.NOT_STARTS_WITH),
    (Op.ENDS_WITH, Op.NOT_ENDS_WITH),
    (Op.IS_NULL, Op.IS_NOT_NULL),
    (Op.IN_PERIOD, Op.NOT_IN_PERIOD),
)
NEGATED = dict(_OPPOSITES) | {b: a for a, b in _OPPOSITES}


class RelativePeriod(StrEnum):
    """A span of days around the day of reference. Weeks begin on Monday (ISO 8601), quarters in January."""

    TODAY = "TODAY"
    YESTERDAY = "YESTERDAY"
    CURRENT_WEEK = "CURRENT_WEEK"
    LAST_WEEK = "LAST_WEEK"
    CURRENT_MONTH = "CURRENT_MONTH"
    PRIOR_MONTH = "PRIOR_MONTH"
    CURRENT_QUARTER = "CURRENT_QUARTER"
    PRIOR_QUARTER = "PRIOR_QUARTER"
    CURRENT_YEAR = "CURRENT_YEAR"
    PRIOR_YEAR = "PRIOR_YEAR"


class Compare(Struct, frozen=True):
    """One comparison of a record's attribute ``field``.

    ``value`` is a tuple for IN and BETWEEN (low, high, both inclusive), a `RelativePeriod` for IN_PERIOD, None for
    IS_NULL, else a scalar of the attribute's type. A date compares with a date-time by the date-time's UTC day.
    """

    field: str
    op: Op
    value: Any = None


class And(Struct, frozen=True):
    """True when every term is; without terms, true."""

    terms: "tuple[Filter, ...]"


class Or(Struct, frozen=True):
    """True when a term is; without terms, false."""

    terms: "tuple[Filter, ...]"


class Not(Struct, frozen=True):
    """Turns true and false round, and leaves unknown unknown."""

    term: "Filter"


Filter = Compare | And | Or | Not


class FilterOptions(Struct, frozen=True, kw_only=True):
    """How filters are read. ``today`` is the day of reference; ``as_of`` is it too where the caller named one."""

    today: date
    as_of: date | None = None
    case_sensitive: bool = True
    include_private: bool = False
    include_hierarchy: bool = False

    @property
    def reference_day(self) -> date:
        """The day that relative periods are relative to."""
        return self.as_of or self.today


def without_not(tree: Filter) -> Filter:
    """The same filter without `Not`: negation moves down to the comparisons (De Morgan); unknown stays unknown."""
    if isinstance(tree, Not):
        return _negation(tree.term)
    if isinstance(tree, And | Or):
        return type(tree)(tuple(without_not(term) for term in tree.terms))
    return tree


def _negation(tree: Filter) -> Filter:
    if isinstance(tree, Not):
        return without_not(tree.term)
    if isinstance(tree, And):
        return Or(tuple(_negation(term) for term in tree.terms))
    if isinstance(tree, Or):
        return And(tuple(_negation(term) for term in tree.terms))
    return Compare(tree.field, NEGATED[tree.op], tree.value)


def conjuncts(tree: Filter | None) -> tuple[Filter, ...]:
    """The terms that must all be true, nested `And`s flattened; none for no filter."""
    if tree is None:
        return ()
    if isinstance(tree, And):
        return tuple(inner for term in tree.terms for inner in conjuncts(term))
    return (tree,)


def conjunction(terms: Iterable[Filter]) -> Filter | None:
    """One filter that is true when all terms are, or None for no terms."""
    terms = tuple(terms)
    if not terms:
        return None
    return terms[0] if len(terms) == 1 else And(terms)


def fields_of(tree: Filter | None) -> frozenset[str]:
    """The attributes that a filter looks at."""
    if tree is None:
        return frozenset()
    if isinstance(tree, Compare):
        return frozenset((tree.field,))
    if isinstance(tree, Not):
        return fields_of(tree.term)
    return frozenset(name for term in tree.terms for name in fields_of(term))


def period_bounds(period: RelativePeriod, day: date) -> tuple[date, date]:  # noqa: C901 - one case a period
    """The first and the last day of a period, seen from ``day``."""
    month = day.replace(day=1)
    quarter = month.replace(month=(month.month - 1) // 3 * 3 + 1)
    week = day - timedelta(days=day.weekday())
    one = timedelta(days=1)
    match period:
        case RelativePeriod.TODAY:
            return day, day
        case RelativePeriod.YESTERDAY:
            return day - one, day - one
        case RelativePeriod.CURRENT_WEEK:
            return week, week + 6 * one
        case RelativePeriod.LAST_WEEK:
            return week - 7 * one, week - one
        case RelativePeriod.CURRENT_MONTH:
            return month, _months_later(month, 1) - one
        case RelativePeriod.PRIOR_MONTH:
            return _months_later(month, -1), month - one
        case RelativePeriod.CURRENT_QUARTER:
            return quarter, _months_later(quarter, 3) - one
        case RelativePeriod.PRIOR_QUARTER:
            return _months_later(quarter, -3), quarter - one
        case RelativePeriod.CURRENT_YEAR:
            return date(day.year, 1, 1), date(day.year, 12, 31)
        case RelativePeriod.PRIOR_YEAR:
            return date(day.year - 1, 1, 1), date(day.year - 1, 12, 31)


def _months_later(first: date, months: int) -> date:
    index = first.year * 12 + first.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)


def evaluate(tree: Filter, value_of: Callable[[str], Any], options: FilterOptions) -> bool | None:
    """True, False or None (unknown); a record passes when it is True. ``value_of`` gives its attributes by name."""
    if isinstance(tree, Compare):
        return _compare(tree, value_of(tree.field), options)
    if isinstance(tree, Not):
        inner = evaluate(tree.term, value_of, options)
        return None if inner is None else not inner
    results = [evaluate(term, value_of, options) for term in tree.terms]
    decisive = isinstance(tree, Or)
    if decisive in results:
        return decisive
    return None if None in results else not decisive


def _compare(term: Compare, actual: Any, options: FilterOptions) -> bool | None:
    if term.op is Op.IS_NULL:
        return actual is None
    if term.op is Op.IS_NOT_NULL:
        return actual is not None
    if actual is None:
        return None
    if term.op in (Op.IN_PERIOD, Op.NOT_IN_PERIOD):
        low, high = period_bounds(term.value, options.reference_day)
        inside = low <= _like(actual, low, options) <= high
        return inside if term.op is Op.IN_PERIOD else not inside
    return _COMPARISONS[term.op](actual, term.value, options)


def _like(actual: Any, expected: Any, options: FilterOptions) -> Any:
    """``actual`` in a form that compares with ``expected``."""
    if isinstance(actual, datetime) and not isinstance(expected, datetime):
        return actual.date()
    return _folded(actual, options)


def _folded(value: Any, options: FilterOptions) -> Any:
    if isinstance(value, str) and not options.case_sensitive:
        return value.casefold()
    return value


def _two(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any, FilterOptions], bool]:
    def compare(actual: Any, expected: Any, options: FilterOptions) -> bool:
        return test(_like(actual, expected, options), _folded(expected, options))

    return compare


def _any_of(test: Callable[[bool], bool]) -> Callable[[Any, Any, FilterOptions], bool]:
    def compare(actual: Any, expected: Any, options: FilterOptions) -> bool:
        return test(any(_like(actual, one, options) == _folded(one, options) for one in expected))

    return compare


def _between(test: Callable[[bool], bool]) -> Callable[[Any, Any, FilterOptions], bool]:
    def compare(actual: Any, expected: Any, options: FilterOptions) -> bool:
        low, high = (_folded(bound, options) for bound in expected)
        return test(low <= _like(actual, low, options) <= high)

    return compare


def _same(found: bool) -> bool:  # noqa: FBT001
    return found


def _opposite(found: bool) -> bool:  # noqa: FBT001
    return not found


_COMPARISONS: dict[Op, Callable[[Any, Any, FilterOptions], bool]] = {
    Op.EQ: _two(lambda a, b: bool(a == b)),
    Op.NE: _two(lambda a, b: bool(a != b)),
    Op.LT: _two(lambda a, b: bool(a < b)),
    Op.LTE: _two(lambda a, b: bool(a <= b)),
    Op.GT: _two(lambda a, b: bool(a > b)),
    Op.GTE: _two(lambda a, b: bool(a >= b)),
    Op.IN: _any_of(_same),
    Op.NOT_IN: _any_of(_opposite),
    Op.BETWEEN: _between(_same),
    Op.NOT_BETWEEN: _between(_opposite),
    Op.CONTAINS: _two(lambda a, b: b in a),
    Op.NOT_CONTAINS: _two(lambda a, b: b not in a),
    Op.STARTS_WITH: _two(lambda a, b: bool(a.startswith(b))),
    Op.NOT_STARTS_WITH: _two(lambda a, b: not a.startswith(b)),
    Op.ENDS_WITH: _two(lambda a, b: bool(a.endswith(b))),
    Op.NOT_ENDS_WITH: _two(lambda a, b: not a.endswith(b)),
}
