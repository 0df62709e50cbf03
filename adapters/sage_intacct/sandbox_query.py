"""The query service's evaluation: a request body becomes a `Query`, and that answers from an object's rows.

It knows no HTTP and no storage: the caller says which columns an object has and hands over its rows, in key order.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from adapters.sage_intacct.sandbox_aggregates import Aggregate, group_rows, grouped_columns, split_aggregate
from adapters.sage_intacct.sandbox_catalogue import Kind, Record
from adapters.sage_intacct.sandbox_conditions import Column, Comparison, RowTest, comparable, compile_condition
from adapters.sage_intacct.sandbox_dates import day_of
from adapters.sage_intacct.sandbox_expression import Postfix, holds, parse_expression
from adapters.sage_intacct.sandbox_refusals import bad_request, invalid_fields, unknown_field

__all__ = ["MOST_ROWS", "Columns", "Query", "page_meta", "parse_query"]

Columns = Callable[[str], Column | None]
"""Finds the column of a dotted field name."""

PAGE_SIZE = 100
MOST_ROWS = 4000
_KEYS = {"object", "fields", "filters", "filterExpression", "filterParameters", "orderBy", "start", "size"}
_PARAMETERS: Mapping[str, type] = {
    "asOfDate": str,
    "includeHierarchyFields": bool,
    "caseSensitiveComparison": bool,
    "includePrivate": bool,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A request of the query service, known to be in order."""

    columns: Sequence[Column]
    aggregates: Sequence[Aggregate]
    shown: Sequence[Column]
    """The columns of the answer, as they are read off a row of it: with aggregates, off a grouped row."""
    conditions: Sequence[RowTest]
    expression: Postfix
    order: Sequence[tuple[Column, bool]]
    """What to sort by, and whether descending."""
    start: int
    size: int
    include_private: bool

    def answer(self, rows: Iterable[Record]) -> dict[str, Any]:
        """The page of the matching rows, and the meta that goes with it."""
        found = [row for row in rows if holds(self.expression, [test(row) for test in self.conditions])]
        if self.aggregates:
            found = group_rows(found, self.columns, self.aggregates)
        for column, descending in reversed(self.order):
            found = _sorted(found, column, descending=descending)
        page = found[self.start - 1 : self.start - 1 + self.size]
        return {
            "ia::result": [{column.name: column.read(row) for column in self.shown} for row in page],
            "ia::meta": page_meta(len(found), self.start, self.size),
        }


def page_meta(total: int, start: int, size: int) -> dict[str, int | None]:
    """The meta of a list; ``next`` and ``previous`` are the starts of those pages."""
    previous = max(1, start - size) if start > 1 else None
    if start > total and start > 1:
        previous = (total - 1) // size * size + 1 if total else None
    return {
        "totalCount": total,
        "start": start,
        "pageSize": size,
        "next": start + size if start + size <= total else None,
        "previous": previous,
    }


def parse_query(body: Mapping[str, Any], find: Columns, *, today: date, lenient: bool = False) -> Query:
    """The query that a body asks for; its ``object`` is the caller's to check. Raises a 400 for what is not in order.

    ``lenient`` takes null for any key that may be left out.
    """
    _refuse_unknown_keys(body, _KEYS)
    body = {key: value for key, value in body.items() if value is not None or not (lenient or _may_be_null(key))}
    parameters = _parameters(body.get("filterParameters", {}), lenient=lenient)
    comparison = Comparison(
        as_of=_as_of(parameters.get("asOfDate"), today),
        case_sensitive=parameters.get("caseSensitiveComparison", True),
    )
    columns, aggregates = _fields(body.get("fields"), find)
    shown = grouped_columns(columns, aggregates) if aggregates else columns
    filters = _array(body, "filters")
    column_of = _usable_columns(find)
    return Query(
        columns=columns,
        aggregates=aggregates,
        shown=shown,
        conditions=[compile_condition(item, column_of, comparison) for item in filters],
        expression=_expression(body.get("filterExpression", "and"), len(filters)),
        order=_order(_array(body, "orderBy"), column_of, shown if aggregates else None),
        start=_whole_number(body, "start", 1, None),
        size=_whole_number(body, "size", PAGE_SIZE, MOST_ROWS),
        include_private=parameters.get("includePrivate", False),
    )


def _may_be_null(key: str) -> bool:
    return key == "filterExpression"


def _refuse_unknown_keys(given: Mapping[str, Any], known: Iterable[str]) -> None:
    for key in given:
        if key not in known:
            raise bad_request(f"Unrecognized key {key[:50]} in query payload")


def _parameters(given: object, *, lenient: bool) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise bad_request("filterParameters must be an object")
    _refuse_unknown_keys(given, _PARAMETERS)
    parameters = {key: value for key, value in given.items() if value is not None or not lenient}
    for key, value in parameters.items():
        if not isinstance(value, _PARAMETERS[key]):
            raise bad_request(f"filterParameters.{key} must be a {_PARAMETERS[key].__name__}")
    return parameters


def _as_of(text: str | None, today: date) -> date:
    if text is None:
        return today
    try:
        return day_of(text)
    except ValueError:
        raise bad_request("filterParameters.asOfDate must be a date of the form yyyy-MM-dd") from None


def _fields(names: object, find: Columns) -> tuple[list[Column], list[Aggregate]]:
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise bad_request("fields must be an array of one field name or more")
    columns, aggregates, unknown = [], [], []
    for name in dict.fromkeys(names):
        function, field = split_aggregate(name)
        column = find(field)
        if column is None:
            unknown.append(unknown_field(f"/{field}"))
        elif function is None:
            columns.append(column)
        else:
            aggregates.append(Aggregate.of(name, function, column))
    if unknown:
        raise invalid_fields(unknown)
    return columns, aggregates


def _usable_columns(find: Columns) -> Callable[[str], Column]:
    """Columns that filters and orderBy may name: the known ones, links aside."""

    def column_of(name: str) -> Column:
        column = find(name)
        if column is None:
            raise invalid_fields([unknown_field(f"/{name}")])
        if column.kind is Kind.LINK:
            raise bad_request(f"{name} can be neither filtered nor ordered by")
        return column

    return column_of


def _expression(text: object, count: int) -> Postfix:
    if not isinstance(text, str):
        raise bad_request("filterExpression must be a string")
    return parse_expression(text, count)


def _order(
    items: Sequence[object], column_of: Callable[[str], Column], grouped: Sequence[Column] | None
) -> list[tuple[Column, bool]]:
    """What to sort by; of grouped rows only what they show."""
    order = []
    for item in items:
        if not isinstance(item, dict) or len(item) != 1:
            raise bad_request("each element of orderBy takes an object with exactly one key")
        name, direction = next(iter(item.items()))
        if direction not in {"asc", "desc"}:
            raise bad_request(f"orderBy.{name[:50]} must be asc or desc")
        column = column_of(name) if grouped is None else _shown_column(name, grouped)
        order.append((column, direction == "desc"))
    return order


def _shown_column(name: str, grouped: Sequence[Column]) -> Column:
    for column in grouped:
        if column.name == name and column.kind is not Kind.LINK:
            return column
    raise bad_request(f"with an aggregate, orderBy can name fields of the answer only; {name[:50]} is none")


def _array(body: Mapping[str, Any], key: str) -> Sequence[object]:
    value = body.get(key, [])
    if not isinstance(value, list):
        raise bad_request(f"{key} must be an array")
    return value


def _whole_number(body: Mapping[str, Any], key: str, default: int, most: int | None) -> int:
    value = body.get(key, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1 or (most is not None and value > most):
        raise bad_request(f"{key} must be a whole number from 1" + (f" to {most}" if most else ""))
    return value


def _sorted(rows: Sequence[Record], column: Column, *, descending: bool) -> list[Record]:
    """Stable, nulls last in either direction."""
    keyed = [(comparable(column.kind, column.read(row)), row) for row in rows]
    present = sorted((pair for pair in keyed if pair[0] is not None), key=lambda pair: pair[0], reverse=descending)
    return [row for _, row in present] + [row for value, row in keyed if value is None]
