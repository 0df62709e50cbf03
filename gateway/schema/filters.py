"""The filter inputs, and the trees that they are read into. What a tree means is said in `adapters.filters`."""

import dataclasses
import datetime
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

import strawberry
from strawberry import UNSET

from adapters.contract import Order
from adapters.filters import And, Compare, Filter, FilterOptions, Not, Op, Or, RelativePeriod
from adapters.model import DocumentState, RecordStatus
from gateway.context import RequestContext
from gateway.narrowing import CUSTOMER_IDS
from gateway.problems import Problem, ProblemCode, ProblemError
from gateway.schema.enums import CustomerOrderField, Direction, DocumentOrderField, TemplateOrderField

__all__ = [
    "CustomerFilter",
    "CustomerOrder",
    "DocumentFilter",
    "DocumentOrder",
    "FilterOptionsInput",
    "MessageFilter",
    "TemplateFilter",
    "TemplateOrder",
    "aware",
    "read_filter",
    "read_options",
    "read_order",
]


def _operand(description: str, **options: Any) -> Any:
    return strawberry.field(description=description, default=UNSET, **options)


@strawberry.input(
    description="Comparisons of a text; all that are given must hold. No value passes only `isNull: true`."
)
class StringFilter:
    """Comparisons of a text."""

    eq: str | None = _operand("Equal.")
    ne: str | None = _operand("Not equal.")
    in_: list[str] | None = _operand("One of these.", name="in")
    not_in: list[str] | None = _operand("None of these.")
    lt: str | None = _operand("Before, by code point.")
    lte: str | None = _operand("Before or equal.")
    gt: str | None = _operand("After.")
    gte: str | None = _operand("After or equal.")
    between: list[str] | None = _operand("From the first to the second, both included.")
    not_between: list[str] | None = _operand("Before the first or after the second.")
    contains: str | None = _operand("Contains.")
    not_contains: str | None = _operand("Does not contain.")
    starts_with: str | None = _operand("Starts with.")
    not_starts_with: str | None = _operand("Does not start with.")
    ends_with: str | None = _operand("Ends with.")
    not_ends_with: str | None = _operand("Does not end with.")
    is_null: bool | None = _operand("Has no value (true), has one (false).")


@strawberry.input(description="Comparisons of a date; all that are given must hold.")
class DateFilter:
    """Comparisons of a date."""

    eq: datetime.date | None = _operand("On this day.")
    ne: datetime.date | None = _operand("On another day.")
    lt: datetime.date | None = _operand("Before this day.")
    lte: datetime.date | None = _operand("On or before this day.")
    gt: datetime.date | None = _operand("After this day.")
    gte: datetime.date | None = _operand("On or after this day.")
    between: list[datetime.date] | None = _operand("From the first to the second day, both included.")
    not_between: list[datetime.date] | None = _operand("Before the first or after the second day.")
    period: RelativePeriod | None = _operand("Within a span relative to `options.asOf`, or to today (UTC).")
    is_null: bool | None = _operand("Has no date (true), has one (false).")


@strawberry.input(description="Comparisons of an amount; all that are given must hold.")
class DecimalFilter:
    """Comparisons of an amount."""

    eq: Decimal | None = _operand("Equal in value: 1.5 equals 1.50.")
    ne: Decimal | None = _operand("Not equal.")
    lt: Decimal | None = _operand("Less.")
    lte: Decimal | None = _operand("Less or equal.")
    gt: Decimal | None = _operand("Greater.")
    gte: Decimal | None = _operand("Greater or equal.")
    between: list[Decimal] | None = _operand("From the first to the second, both included.")
    not_between: list[Decimal] | None = _operand("Less than the first or greater than the second.")
    is_null: bool | None = _operand("Has no value (true), has one (false).")


@strawberry.input(description="Which customers. Everything that is given must hold.")
class CustomerFilter:
    """Which customers."""

    and_: "list[CustomerFilter] | None" = _operand("All of these hold.", name="and")
    or_: "list[CustomerFilter] | None" = _operand("At least one of these holds.", name="or")
    not_: "CustomerFilter | None" = _operand("This is false; what is unknown stays unknown.", name="not")
    code: StringFilter | None = _operand("The account number, customer code, client number or customer id.")
    name: StringFilter | None = _operand("The name.")
    status: RecordStatus | None = _operand("The status.")
    outstanding_balance: DecimalFilter | None = _operand("What the customer owes.")
    external_reference: StringFilter | None = _operand(
        "A reference of another system that the vendor keeps, such as a CRM's."
    )


@strawberry.input(description="Which documents. Everything that is given must hold.")
class DocumentFilter:
    """Which documents."""

    and_: "list[DocumentFilter] | None" = _operand("All of these hold.", name="and")
    or_: "list[DocumentFilter] | None" = _operand("At least one of these holds.", name="or")
    not_: "DocumentFilter | None" = _operand("This is false; what is unknown stays unknown.", name="not")
    type: StringFilter | None = _operand("The type of correspondence, in the vendor's words.")
    title: StringFilter | None = _operand("The title.")
    date: DateFilter | None = _operand("The document's date.")
    state: DocumentState | None = _operand("The normalised state.")
    delivered: bool | None = _operand("Delivered or not by the vendor's own measure. Not inside `or` and `not`.")
    created_since: datetime.datetime | None = _operand(
        "Recorded at the vendor at or after this time; without an offset, UTC. Not inside `or` and `not`."
    )


@strawberry.input(description="Which customers' e-mail templates. Everything that is given must hold.")
class TemplateFilter:
    """Which customers' e-mail templates."""

    and_: "list[TemplateFilter] | None" = _operand("All of these hold.", name="and")
    or_: "list[TemplateFilter] | None" = _operand("At least one of these holds.", name="or")
    not_: "TemplateFilter | None" = _operand("This is false; what is unknown stays unknown.", name="not")
    customer: list[strawberry.ID] | None = _operand("Of one of these customers, by id.")
    customer_code: StringFilter | None = _operand("The customer's code.")
    customer_name: StringFilter | None = _operand("The customer's name.")
    template_name: StringFilter | None = _operand("The e-mail template's name.")
    template_type: StringFilter | None = _operand("The e-mail template's type, in the vendor's words.")
    transaction_definition: StringFilter | None = _operand("The kind of transaction.")


@strawberry.input(description="Which messages. Everything that is given must hold.")
class MessageFilter:
    """Which messages."""

    and_: "list[MessageFilter] | None" = _operand("All of these hold.", name="and")
    or_: "list[MessageFilter] | None" = _operand("At least one of these holds.", name="or")
    not_: "MessageFilter | None" = _operand("This is false; what is unknown stays unknown.", name="not")
    code: StringFilter | None = _operand("The message's own id at the vendor.")
    text: StringFilter | None = _operand("The text.")
    status: RecordStatus | None = _operand("The status.")
    created_at: DateFilter | None = _operand("The day it was created (UTC).")
    modified_at: DateFilter | None = _operand("The day it was last changed (UTC).")


@strawberry.input(name="FilterOptions", description="How filters are read.")
class FilterOptionsInput:
    """How filters are read."""

    as_of: datetime.date | None = strawberry.field(
        default=None, description="The day that relative periods are relative to; today (UTC) when absent."
    )
    case_sensitive: bool = strawberry.field(default=True, description="Whether texts compare by case.")
    include_private: bool = strawberry.field(
        default=False,
        description="Asks a vendor that has such also for what is private to an entity. The others have nothing of the "
        "kind and ignore it.",
    )
    include_hierarchy: bool = strawberry.field(
        default=False,
        description="Asks a vendor that has such for hierarchy fields too. The others have nothing of the kind and "
        "ignore it.",
    )


@strawberry.input(description="The order of customers.")
class CustomerOrder:
    """The order of customers."""

    field: CustomerOrderField = strawberry.field(description="What to order by.")
    direction: Direction = strawberry.field(default=Direction.ASC, description="Which way.")


@strawberry.input(description="The order of documents.")
class DocumentOrder:
    """The order of documents."""

    field: DocumentOrderField = strawberry.field(description="What to order by.")
    direction: Direction = strawberry.field(default=Direction.DESC, description="Which way.")


@strawberry.input(description="The order of customers' e-mail templates.")
class TemplateOrder:
    """The order of customers' e-mail templates."""

    field: TemplateOrderField = strawberry.field(description="What to order by.")
    direction: Direction = strawberry.field(default=Direction.ASC, description="Which way.")


_OPERATORS: dict[str, Op] = {
    "eq": Op.EQ, "ne": Op.NE, "in_": Op.IN, "not_in": Op.NOT_IN, "lt": Op.LT, "lte": Op.LTE, "gt": Op.GT, "gte": Op.GTE,
    "between": Op.BETWEEN, "not_between": Op.NOT_BETWEEN, "contains": Op.CONTAINS, "not_contains": Op.NOT_CONTAINS,
    "starts_with": Op.STARTS_WITH, "not_starts_with": Op.NOT_STARTS_WITH, "ends_with": Op.ENDS_WITH,
    "not_ends_with": Op.NOT_ENDS_WITH, "period": Op.IN_PERIOD,
}  # fmt: skip
_ONLY_AMONG_CONJUNCTS = frozenset(("delivered", "created_since"))
_NESTING = ("and_", "or_", "not_")


MOST_OPERANDS: Final = 500
"""Values and conditions in one filter. Each may be compared with every record that is read: of so many and a thousand
records that takes about a second."""


def read_filter(given: Any, context: RequestContext) -> Filter | None:
    """The tree of a filter input, None for no filter. Raises INVALID_INPUT, naming the operator at fault."""
    if given is None or given is UNSET:
        return None
    operands = _operands(given)
    if operands > MOST_OPERANDS:
        message = f"A filter has at most {MOST_OPERANDS} values and conditions; this one has {operands}."
        raise ProblemError(Problem(code=ProblemCode.INVALID_INPUT, message=message, path=("filter",)))
    terms = tuple(_terms(given, context, conjunct=True))
    return terms[0] if len(terms) == 1 else And(terms)


def _operands(given: Any) -> int:
    """How many values and conditions are in a filter input; an empty condition counts, too."""
    if isinstance(given, list):
        return sum(map(_operands, given))
    if not dataclasses.is_dataclass(given):
        return 1
    return max(1, sum(_operands(value) for value in vars(given).values() if value is not UNSET))


def _terms(given: Any, context: RequestContext, *, conjunct: bool) -> Iterator[Filter]:
    for name, value in vars(given).items():
        if value is UNSET:
            continue
        if value is None:
            raise _wrong(name, "null is no operand: leave it out, or use isNull.")
        if name in _NESTING:
            yield _nested(name, value, context, conjunct=conjunct)
        elif name in _ONLY_AMONG_CONJUNCTS and not conjunct:
            raise _wrong(name, "cannot stand inside `or` or `not`: no vendor can say it there.")
        else:
            yield from _comparisons(name, value, context)


def _nested(name: str, value: Any, context: RequestContext, *, conjunct: bool) -> Filter:
    if name == "not_":
        return Not(And(tuple(_terms(value, context, conjunct=False))))
    conjunct = conjunct and name == "and_"
    parts = tuple(And(tuple(_terms(part, context, conjunct=conjunct))) for part in value)
    return And(parts) if name == "and_" else Or(parts)


def _comparisons(name: str, value: Any, context: RequestContext) -> Iterator[Filter]:
    if isinstance(value, StringFilter | DateFilter | DecimalFilter):
        for operator, operand in vars(value).items():
            if operand is UNSET:
                continue
            if operand is None:
                raise _wrong(name, f"{operator.rstrip('_')}: null is no operand: leave it out, or use isNull.")
            yield _comparison(name, operator, operand)
    elif isinstance(value, list):
        located = (context.backends.locate(one, "Customer") for one in value)
        yield Compare(
            CUSTOMER_IDS, Op.IN, tuple(f"{ref.backend}:{ref.native_id}" for ref in located if ref is not None)
        )
    elif isinstance(value, datetime.datetime):
        yield Compare(name, Op.GTE, aware(value))
    else:
        yield Compare(name, Op.EQ, value)


def _comparison(name: str, operator: str, operand: Any) -> Filter:
    if operator == "is_null":
        return Compare(name, Op.IS_NULL if operand else Op.IS_NOT_NULL)
    if operator in ("between", "not_between") and len(operand) != 2:
        raise _wrong(name, f"{operator}: give two values, the lower first.")
    if isinstance(operand, list):
        operand = tuple(operand)
    return Compare(name, _OPERATORS[operator], operand)


def _wrong(name: str, message: str) -> ProblemError:
    first, *rest = name.rstrip("_").split("_")
    field = first + "".join(word.capitalize() for word in rest)
    problem = Problem(code=ProblemCode.INVALID_INPUT, message=f"{field}: {message}", path=("filter", field))
    return ProblemError(problem)


def read_options(given: FilterOptionsInput | None, context: RequestContext) -> FilterOptions:
    """The options of a filter input."""
    given = given or FilterOptionsInput()
    return FilterOptions(
        today=context.today,
        as_of=given.as_of,
        case_sensitive=given.case_sensitive,
        include_private=given.include_private,
        include_hierarchy=given.include_hierarchy,
    )


def aware(given: datetime.datetime | None) -> datetime.datetime | None:
    """The time given; one without an offset is UTC."""
    return given.replace(tzinfo=datetime.UTC) if given is not None and given.tzinfo is None else given


def read_order(given: CustomerOrder | DocumentOrder | TemplateOrder | None) -> Order | None:
    """The order of an order input."""
    return None if given is None else Order(given.field.value, descending=given.direction is Direction.DESC)
