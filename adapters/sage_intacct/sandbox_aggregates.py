"""The aggregates of the query service, ``function:field``; the plain fields beside them group the rows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from adapters.sage_intacct.sandbox_catalogue import Kind, Record
from adapters.sage_intacct.sandbox_conditions import Column, comparable
from adapters.sage_intacct.sandbox_refusals import bad_request

__all__ = ["Aggregate", "group_rows", "grouped_columns", "split_aggregate"]

_MEASURED = {Kind.AMOUNT, Kind.NUMBER}
_FUNCTIONS: Mapping[str, set[Kind]] = {
    "count": set(Kind) - {Kind.LINK},
    "avg": _MEASURED,
    "sum": _MEASURED,
    "min": set(Kind) - {Kind.LINK, Kind.BOOLEAN, Kind.ENUM},
    "max": set(Kind) - {Kind.LINK, Kind.BOOLEAN, Kind.ENUM},
}
"""Each function, and the kinds of field it takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregate:
    """One aggregate: the function, the column it is taken of, and the column of its result in the grouped rows."""

    function: str
    source: Column
    column: Column

    @classmethod
    def of(cls, name: str, function: str, source: Column) -> "Aggregate":
        """The aggregate under the name it was asked by; a 400 where the function does not suit the field."""
        if source.kind not in _FUNCTIONS[function]:
            raise bad_request(f"{function} does not apply to {source.name}, which is a {source.kind}")
        kind = Kind.NUMBER if function == "count" else source.kind
        return cls(function=function, source=source, column=Column(name=name, kind=kind, read=_reader(name)))

    def result(self, rows: Sequence[Record]) -> Any:
        """The function's result over the rows' values; nulls do not count, and of nothing it is null (a count: 0)."""
        values = [value for value in map(self.source.read, rows) if value is not None]
        if self.function == "count":
            return len(values)
        if not values:
            return None
        if self.function in {"min", "max"}:
            choose = min if self.function == "min" else max
            return choose(values, key=lambda value: comparable(self.source.kind, value))
        total = sum((Decimal(str(value)) for value in values), Decimal(0))
        return _as_stored(self.source.kind, total if self.function == "sum" else total / len(values))


def split_aggregate(name: str) -> tuple[str | None, str]:
    """A field's function, if it has one, and the rest; a custom field (``nsp::name``) has none."""
    function, colon, field = name.partition(":")
    if not colon or field.startswith(":"):
        return None, name
    if function not in _FUNCTIONS:
        raise bad_request(f"{function[:50]} is not an aggregate function")
    return function, field


def grouped_columns(columns: Sequence[Column], aggregates: Sequence[Aggregate]) -> list[Column]:
    """The columns of the rows that `group_rows` makes."""
    plain = [Column(name=column.name, kind=column.kind, read=_reader(column.name)) for column in columns]
    return [*plain, *(aggregate.column for aggregate in aggregates)]


def group_rows(rows: Sequence[Record], columns: Sequence[Column], aggregates: Sequence[Aggregate]) -> list[Record]:
    """One row per combination of the columns' values, in their order, nulls last; without columns a single row."""
    groups: dict[tuple[Any, ...], list[Record]] = {} if columns else {(): []}
    for row in rows:
        groups.setdefault(tuple(column.read(row) for column in columns), []).append(row)

    def position(values: tuple[Any, ...]) -> list[tuple[bool, Any]]:
        pairs = zip(columns, values, strict=True)
        return [(value is None, 0 if value is None else comparable(column.kind, value)) for column, value in pairs]

    return [_grouped_row(groups[values], columns, aggregates) for values in sorted(groups, key=position)]


def _grouped_row(rows: Sequence[Record], columns: Sequence[Column], aggregates: Sequence[Aggregate]) -> Record:
    plain = {column.name: column.read(rows[0]) for column in columns}
    return plain | {aggregate.column.name: aggregate.result(rows) for aggregate in aggregates}


def _reader(name: str) -> Callable[[Record], Any]:
    return lambda row: row[name]


def _as_stored(kind: Kind, value: Decimal) -> str | int | float:
    if kind is Kind.AMOUNT:
        return str(value.quantize(Decimal("0.01"), ROUND_HALF_UP) + 0)  # no "-0.00"
    return int(value) if value == value.to_integral_value() else float(value)
