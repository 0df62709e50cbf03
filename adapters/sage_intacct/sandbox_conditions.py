"""One condition of a query, ``{"$operator": {"field": value}}``, made into a test of a row.

A value stands for a span, first to last: one point for most, a period for a date macro. A row whose field is null
passes no condition but ``$eq`` null; in particular ``$ne`` and the ``$not...`` operators leave it out.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from adapters.sage_intacct.sandbox_catalogue import Kind, Record
from adapters.sage_intacct.sandbox_dates import MACROS, day_of, days_of_macro, instant_of, instants_of_days
from adapters.sage_intacct.sandbox_refusals import RefusedError, bad_request

__all__ = ["Column", "Comparison", "RowTest", "comparable", "compile_condition"]

RowTest = Callable[[Record], bool]
Span = tuple[Any, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A field as the query reaches it: what it holds, and how to read it off a row."""

    name: str
    kind: Kind
    read: Callable[[Record], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What all conditions of a query share."""

    as_of: date
    case_sensitive: bool = True


_SPAN_OPERATORS: Mapping[str, Callable[[Any, Span], bool]] = {
    "$eq": lambda value, span: bool(span[0] <= value <= span[1]),
    "$lt": lambda value, span: bool(value < span[0]),
    "$lte": lambda value, span: bool(value <= span[1]),
    "$gt": lambda value, span: bool(value > span[1]),
    "$gte": lambda value, span: bool(value >= span[0]),
}
_TEXT_OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "$contains": lambda value, part: part in value,
    "$startsWith": str.startswith,
    "$endsWith": str.endswith,
}
_NEGATIONS = {
    "$ne": "$eq",
    "$notIn": "$in",
    "$notBetween": "$between",
    "$notContains": "$contains",
    "$notStartsWith": "$startsWith",
    "$notEndsWith": "$endsWith",
}
_OPERATORS = {*_SPAN_OPERATORS, *_TEXT_OPERATORS, *_NEGATIONS, "$in", "$between", "$has"}
_BOOLEAN_OPERATORS = {"$eq", "$in", "$lte", "$gte"}
_DECIMAL = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,10})?")


def compile_condition(condition: object, column_of: Callable[[str], Column], comparison: Comparison) -> RowTest:
    """The test of one element of ``filters``. Raises a 400 for an unknown operator or field, or an unfitting value."""
    operator, argument = _only_item(condition, "a filter")
    if operator not in _OPERATORS:
        raise bad_request(f"{operator[:50]} is not a valid operator")
    name, value = _only_item(argument, operator)
    column = column_of(name)
    if value is None and operator in {"$eq", "$ne"}:
        return _null_test(column, wanted=operator == "$eq")
    positive = _NEGATIONS.get(operator, operator)
    passes = _value_test(column, positive, value, comparison)
    negated = positive != operator
    read, kind, folded = column.read, column.kind, not comparison.case_sensitive

    def test(row: Record) -> bool:
        stored = comparable(kind, read(row), folded=folded)
        return stored is not None and passes(stored) != negated

    return test


def comparable(kind: Kind, value: Any, *, folded: bool = False) -> Any:
    """A stored value in the form in which its kind compares and sorts; None stays None."""
    if value is None:
        return None
    match kind:
        case Kind.DIGITS | Kind.AMOUNT | Kind.NUMBER:
            return Decimal(str(value))
        case Kind.DATE:
            return date.fromisoformat(value)
        case Kind.DATETIME:
            return datetime.fromisoformat(value)
        case Kind.TEXT | Kind.ENUM if folded:
            return value.casefold()
        case _:
            return value


def _null_test(column: Column, *, wanted: bool) -> RowTest:
    return lambda row: (column.read(row) is None) == wanted


def _value_test(column: Column, operator: str, value: object, comparison: Comparison) -> Callable[[Any], bool]:
    if operator == "$has":
        raise bad_request(f"$has is for fields that hold an array of strings; {column.name} does not")
    if operator in _TEXT_OPERATORS:
        part = _part_of_text(column, operator, value, comparison)
        holds_part = _TEXT_OPERATORS[operator]
        return lambda stored: holds_part(stored, part)
    if column.kind is Kind.BOOLEAN and operator not in _BOOLEAN_OPERATORS:
        raise bad_request(f"{operator} does not apply to {column.name}, which is a boolean")
    if operator == "$in":
        spans = [_span(column, item, comparison) for item in _items(operator, value, 1, None)]
        return lambda stored: any(first <= stored <= last for first, last in spans)
    if operator == "$between":
        first, last = (_span(column, item, comparison) for item in _items(operator, value, 2, 2))
        return lambda stored: bool(first[0] <= stored <= last[1])
    span = _span(column, value, comparison)
    compare = _SPAN_OPERATORS[operator]
    return lambda stored: compare(stored, span)


def _span(column: Column, value: object, comparison: Comparison) -> Span:
    """What a filter's value stands for in a column; a 400 where it does not fit."""
    match column.kind:
        case Kind.BOOLEAN:
            if isinstance(value, bool):
                return value, value
        case Kind.DIGITS | Kind.AMOUNT | Kind.NUMBER:
            if isinstance(value, str) and _DECIMAL.fullmatch(value):
                return Decimal(value), Decimal(value)
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                return Decimal(str(value)), Decimal(str(value))
        case Kind.DATE | Kind.DATETIME:
            if isinstance(value, str):
                return _span_of_date(column, value, comparison)
        case _:
            if isinstance(value, str):
                text = value if comparison.case_sensitive else value.casefold()
                return text, text
    raise _unfitting(column, value)


def _span_of_date(column: Column, text: str, comparison: Comparison) -> Span:
    try:
        if column.kind is Kind.DATETIME and text not in MACROS and len(text) > len("yyyy-MM-dd"):
            return instant_of(text), instant_of(text)
        days = days_of_macro(text, comparison.as_of) if text in MACROS else (day_of(text), day_of(text))
    except (ValueError, OverflowError):
        raise _unfitting(column, text) from None
    return days if column.kind is Kind.DATE else instants_of_days(days)


def _part_of_text(column: Column, operator: str, value: object, comparison: Comparison) -> str:
    if column.kind not in {Kind.TEXT, Kind.ENUM}:
        raise bad_request(f"{operator} does not apply to {column.name}, which is a {column.kind}")
    if not isinstance(value, str):
        raise _unfitting(column, value)
    return value if comparison.case_sensitive else value.casefold()


def _items(operator: str, value: object, least: int, most: int | None) -> Sequence[object]:
    if not isinstance(value, list) or len(value) < least or (most is not None and len(value) > most):
        count = f"of {most} values" if most else "of one value or more"
        raise bad_request(f"{operator} takes an array {count}")
    return value


def _only_item(value: object, what: str) -> tuple[str, object]:
    if not isinstance(value, dict) or len(value) != 1:
        raise bad_request(f"{what} takes an object with exactly one key")
    return next(iter(value.items()))


def _unfitting(column: Column, value: object) -> RefusedError:
    return bad_request(f"{str(value)[:50]!r} does not fit {column.name}, which is a {column.kind}")
