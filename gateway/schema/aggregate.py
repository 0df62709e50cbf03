"""Measures over a backend's records, computed by the vendor."""

import strawberry
from strawberry.scalars import JSON

from adapters.contract import Subject
from gateway.schema.enums import AggregateFunction
from gateway.schema.fields import attribute
from gateway.schema.filters import FilterOptionsInput

__all__ = ["AggregateInput", "AggregateRow", "MeasureInput"]


@strawberry.input(description="One thing to compute of each group.")
class MeasureInput:
    """One thing to compute."""

    function: AggregateFunction = strawberry.field(description="What to compute.")
    field: str = strawberry.field(description="Of which of the vendor's own fields, such as `totalDue`.")


@strawberry.input(description="What to compute.")
class AggregateInput:
    """What to compute."""

    of: Subject = strawberry.field(description="Over which records.")
    group_by: list[str] | None = strawberry.field(
        default=None, description="The vendor's own fields to group by; one group of all when absent."
    )
    measures: list[MeasureInput] = strawberry.field(description="What to compute of each group; at least one.")
    options: FilterOptionsInput | None = strawberry.field(default=None, description="How the vendor is to look.")


@strawberry.type(description="One group, and what was computed of it.")
class AggregateRow:
    """One group."""

    group: JSON = attribute("group", "The values that it was grouped by, by field.")
    values: JSON = attribute("values", "What was computed, each under `function:field`.")
