"""Counts, sums and averages over records, grouped: what is asked for."""

from enum import StrEnum
from typing import Literal

from msgspec import Struct

from adapters.filters import FilterOptions

__all__ = ["AggregateRequest", "Measure", "Subject"]


class Subject(StrEnum):
    """What is aggregated."""

    CUSTOMERS = "CUSTOMERS"
    TEMPLATES = "TEMPLATES"
    MESSAGES = "MESSAGES"


class Measure(Struct, frozen=True):
    """``count``, ``avg``, ``sum``, ``min`` or ``max`` of one of the vendor's own fields."""

    function: Literal["count", "avg", "sum", "min", "max"]
    field: str


class AggregateRequest(Struct, frozen=True, kw_only=True):
    """Measures over all records of a subject, grouped by the vendor's own fields. At least one measure."""

    subject: Subject
    measures: tuple[Measure, ...]
    group_by: tuple[str, ...] = ()
    options: FilterOptions
