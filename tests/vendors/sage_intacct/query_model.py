"""The query service's rules as plain Python, for comparing the emulator with: three-valued, one row at a time.

It shares nothing with the emulator: a condition on a null field is unknown (None) unless it asks for null, ``and`` and
``or`` are Kleene's, and a row is found when the whole is True.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from functools import cmp_to_key
from typing import Any

Row = Mapping[str, Any]
Tree = int | tuple[str, "Tree", "Tree"]

KINDS = {
    "key": "digits",
    "name": "text",
    "status": "enum",
    "totalDue": "amount",
    "creditLimit": "number",
    "isOnHold": "boolean",
    "lastInvoiceCreatedDate": "date",
    "audit.modifiedDateTime": "date-time",
}


COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "$eq": lambda stored, asked: bool(stored == asked),
    "$lt": lambda stored, asked: bool(stored < asked),
    "$lte": lambda stored, asked: not stored > asked,
    "$gt": lambda stored, asked: bool(stored > asked),
    "$gte": lambda stored, asked: not stored < asked,
    "$in": lambda stored, asked: any(stored == one for one in asked),
    "$between": lambda stored, asked: not (stored < asked[0] or stored > asked[1]),
    "$contains": lambda stored, asked: stored.find(asked) >= 0,
    "$startsWith": lambda stored, asked: bool(stored[: len(asked)] == asked),
    "$endsWith": lambda stored, asked: asked == "" or bool(stored[-len(asked) :] == asked),
}


def truth(operator: str, field: str, value: Any, row: Row, *, case_sensitive: bool) -> bool | None:
    """True, False, or None for unknown."""
    if value is None:
        return (row[field] is None) is (operator == "$eq")
    if row[field] is None:
        return None
    if operator == "$ne" or operator.startswith("$not"):
        opposite = "$eq" if operator == "$ne" else "$" + operator[4].lower() + operator[5:]
        return not truth(opposite, field, value, row, case_sensitive=case_sensitive)

    def plain(one: Any) -> Any:
        return plainly(field, one, case_sensitive=case_sensitive)

    asked = [plain(one) for one in value] if isinstance(value, list) else plain(value)
    return COMPARISONS[operator](plain(row[field]), asked)


def plainly(field: str, value: Any, *, case_sensitive: bool = True) -> Any:
    """A value as Python compares it."""
    match KINDS[field]:
        case "digits" | "amount" | "number":
            return Fraction(str(value))
        case "date":
            return date(*map(int, value.split("-")))
        case "date-time":
            return datetime.strptime(value, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        case "text" | "enum":
            return value if case_sensitive else value.casefold()
    return value


def combined(tree: Tree, truths: Sequence[bool | None]) -> bool | None:
    """Kleene's value of an expression tree."""
    if isinstance(tree, int):
        return truths[tree]
    operator, left, right = tree
    both = {combined(left, truths), combined(right, truths)}
    decisive = operator == "or"
    if decisive in both:
        return decisive
    return None if None in both else not decisive


def written(tree: Tree, *, generous: bool) -> str:
    """The tree as a filterExpression, with no more parentheses than needed or with all."""
    if isinstance(tree, int):
        return f"({tree + 1})" if generous else str(tree + 1)
    operator, left, right = tree
    parts = []
    for side, part in (("left", left), ("right", right)):
        text = written(part, generous=generous)
        needed = isinstance(part, tuple) and (side == "right" or (operator == "and" and part[0] == "or"))
        parts.append(f"({text})" if generous or needed else text)
    return f" {operator} ".join(parts)


def ordered(rows: Sequence[Row], order: Sequence[tuple[str, str]]) -> list[Row]:
    """Sorted by several fields, nulls last whichever way, and by key in the end."""

    def compare(one: Row, other: Row) -> int:
        for field, direction in (*order, ("key", "asc")):
            a, b = one[field], other[field]
            if a is None or b is None:
                if (a is None) != (b is None):
                    return 1 if a is None else -1
            elif plainly(field, a) != plainly(field, b):
                smaller = plainly(field, a) < plainly(field, b)
                return -1 if smaller == (direction == "asc") else 1
        return 0

    return sorted(rows, key=cmp_to_key(compare))


def summed_up(rows: Sequence[Row], function: str, field: str) -> Any:
    """One aggregate over rows."""
    values = [row[field] for row in rows if row[field] is not None]
    if function == "count":
        return len(values)
    if not values:
        return None
    if function in {"min", "max"}:
        by_value = sorted(values, key=lambda value: plainly(field, value))
        return by_value[0 if function == "min" else -1]
    exact = sum((Fraction(str(value)) for value in values), Fraction(0)) / (len(values) if function == "avg" else 1)
    if KINDS[field] == "amount":
        cents = Decimal(exact.numerator * 100) / Decimal(exact.denominator)
        return f"{int(cents.quantize(Decimal(1), ROUND_HALF_UP)) / Decimal(100):.2f}"
    return float(exact)
