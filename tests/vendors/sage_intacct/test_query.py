"""Filter trees in the query service's terms."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from adapters.errors import UnsupportedByVendor
from adapters.filters import And, Compare, Filter, FilterOptions, Not, Op, Or, RelativePeriod
from adapters.model import RecordStatus
from adapters.sage_intacct.objects import CUSTOMERS, MESSAGES, TEMPLATES
from adapters.sage_intacct.query import Conditions, conditions, parameters, query_body

TODAY = date(2026, 6, 30)
A = Compare("code", Op.EQ, "a")
B = Compare("code", Op.EQ, "b")
C = Compare("name", Op.EQ, "c")
EQ_A, EQ_B, EQ_C = {"$eq": {"id": "a"}}, {"$eq": {"id": "b"}}, {"$eq": {"name": "c"}}
ALL = Conditions()
NOTHING = None


def customers(tree: Filter | None) -> Conditions | None:
    return conditions(tree, CUSTOMERS.filters)


@pytest.mark.parametrize(
    ("tree", "filters", "expression"),
    [
        (None, (), None),
        (A, (EQ_A,), None),
        (And((A, B)), (EQ_A, EQ_B), None),
        (And((A, And((B, C)))), (EQ_A, EQ_B, EQ_C), None),
        (Or((A, B, A)), (EQ_A, EQ_B, EQ_A), "or"),
        (Or((And((A, B)), C)), (EQ_A, EQ_B, EQ_C), "(1 and 2) or 3"),
        (And((A, Or((B, C)))), (EQ_A, EQ_B, EQ_C), "1 and (2 or 3)"),
        (And((Or((A, B)), Or((B, C)))), (EQ_A, EQ_B, EQ_B, EQ_C), "(1 or 2) and (3 or 4)"),
        (Or((A, And((B, Or((C, A)))))), (EQ_A, EQ_B, EQ_C, EQ_A), "1 or (2 and (3 or 4))"),
        (And((Or((A,)), B)), (EQ_A, EQ_B), None),
        (Not(And((A, B))), ({"$ne": {"id": "a"}}, {"$ne": {"id": "b"}}), "or"),
    ],
)
def test_conditions_are_numbered_in_order_and_grouped(tree: Filter, filters: tuple[Any, ...], expression: str) -> None:
    assert customers(tree) == Conditions(filters=filters, expression=expression)


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        (And(()), ALL),
        (Or(()), NOTHING),
        (Not(And(())), NOTHING),
        (Not(Or(())), ALL),
        (Or((A, And(()))), ALL),
        (And((A, Or(()))), NOTHING),
        (Compare("code", Op.IN, ()), NOTHING),
        (Compare("code", Op.NOT_IN, ()), ALL),
        (Or((A, Compare("name", Op.IN, ()))), Conditions(filters=(EQ_A,))),
        (Compare("outstanding_balance", Op.NOT_IN, ()), Conditions(filters=({"$ne": {"totalDue": None}},))),
    ],
)
def test_what_is_always_true_or_never_is_not_said(tree: Filter, expected: Conditions | None) -> None:
    assert customers(tree) == expected


@pytest.mark.parametrize(
    ("op", "value", "said"),
    [
        (Op.EQ, "x", {"$eq": {"name": "x"}}),
        (Op.NE, "x", {"$ne": {"name": "x"}}),
        (Op.LT, "x", {"$lt": {"name": "x"}}),
        (Op.LTE, "x", {"$lte": {"name": "x"}}),
        (Op.GT, "x", {"$gt": {"name": "x"}}),
        (Op.GTE, "x", {"$gte": {"name": "x"}}),
        (Op.IN, ("x", "y"), {"$in": {"name": ["x", "y"]}}),
        (Op.NOT_IN, ("x", "y"), {"$notIn": {"name": ["x", "y"]}}),
        (Op.BETWEEN, ("x", "y"), {"$between": {"name": ["x", "y"]}}),
        (Op.NOT_BETWEEN, ("x", "y"), {"$notBetween": {"name": ["x", "y"]}}),
        (Op.CONTAINS, "x", {"$contains": {"name": "x"}}),
        (Op.NOT_CONTAINS, "x", {"$notContains": {"name": "x"}}),
        (Op.STARTS_WITH, "x", {"$startsWith": {"name": "x"}}),
        (Op.NOT_STARTS_WITH, "x", {"$notStartsWith": {"name": "x"}}),
        (Op.ENDS_WITH, "x", {"$endsWith": {"name": "x"}}),
        (Op.NOT_ENDS_WITH, "x", {"$notEndsWith": {"name": "x"}}),
        (Op.IS_NULL, None, {"$eq": {"name": None}}),
    ],
)
def test_each_operator_has_its_documented_name(op: Op, value: object, said: dict[str, Any]) -> None:
    assert customers(Compare("name", op, value)) == Conditions(filters=(said,))


def test_a_negative_comparison_of_what_may_be_empty_says_that_it_is_not() -> None:
    assert conditions(Compare("template_type", Op.NE, "contract"), TEMPLATES.filters) == Conditions(
        filters=({"$ne": {"emailTemplate.templateType": "contract"}}, {"$ne": {"emailTemplate.templateType": None}})
    )


def test_amounts_are_decimal_strings() -> None:
    assert customers(Compare("outstanding_balance", Op.BETWEEN, (Decimal("1E+3"), Decimal("10.50")))) == Conditions(
        filters=({"$between": {"totalDue": ["1000", "10.50"]}},)
    )


@pytest.mark.parametrize(
    ("op", "value", "expected"),
    [
        (Op.EQ, RecordStatus.ACTIVE, Conditions(filters=({"$in": {"status": ["active", "activeNonPosting"]}},))),
        (Op.EQ, RecordStatus.INACTIVE, Conditions(filters=({"$eq": {"status": "inactive"}},))),
        (
            Op.NE,
            RecordStatus.ACTIVE,
            Conditions(
                filters=({"$notIn": {"status": ["active", "activeNonPosting"]}}, {"$eq": {"status": None}}),
                expression="or",
            ),
        ),
        (
            Op.NOT_IN,
            (RecordStatus.INACTIVE,),
            Conditions(filters=({"$ne": {"status": "inactive"}}, {"$eq": {"status": None}}), expression="or"),
        ),
        (Op.IN, (), NOTHING),
        (Op.NOT_IN, (), ALL),
        (Op.IS_NULL, None, NOTHING),
        (Op.IS_NOT_NULL, None, ALL),
    ],
)
def test_a_status_is_said_in_the_vendors_words_and_never_null(op: Op, value: object, expected: object) -> None:
    assert customers(Compare("status", op, value)) == expected


@pytest.mark.parametrize(
    ("op", "value", "expected"),
    [
        (Op.EQ, "7", Conditions(filters=({"$in": {"customer.key": ["7"]}},))),
        (Op.IN, ("7", "../1", "007"), Conditions(filters=({"$in": {"customer.key": ["7"]}},))),
        (Op.IN, ("x",), NOTHING),
        (Op.NE, "x", ALL),
    ],
)
def test_what_is_no_key_matches_no_key(op: Op, value: object, expected: object) -> None:
    assert conditions(Compare("customer_id", op, value), TEMPLATES.filters) == expected


CREATED = "audit.createdDateTime"
DAY, NEXT = "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z"


def created(tree: Filter) -> Conditions | None:
    return conditions(tree, MESSAGES.filters)


@pytest.mark.parametrize(
    ("op", "value", "filters", "expression"),
    [
        (Op.EQ, date(2026, 3, 1), ({"$gte": {CREATED: DAY}}, {"$lt": {CREATED: NEXT}}), None),
        (Op.NE, date(2026, 3, 1), ({"$lt": {CREATED: DAY}}, {"$gte": {CREATED: NEXT}}), "or"),
        (Op.LT, date(2026, 3, 1), ({"$lt": {CREATED: DAY}},), None),
        (Op.LTE, date(2026, 3, 1), ({"$lt": {CREATED: NEXT}},), None),
        (Op.GT, date(2026, 3, 1), ({"$gte": {CREATED: NEXT}},), None),
        (Op.GTE, date(2026, 3, 1), ({"$gte": {CREATED: DAY}},), None),
        (
            Op.BETWEEN,
            (date(2026, 2, 1), date(2026, 3, 1)),
            ({"$gte": {CREATED: "2026-02-01T00:00:00Z"}}, {"$lt": {CREATED: NEXT}}),
            None,
        ),
        (
            Op.NOT_BETWEEN,
            (date(2026, 3, 1), date(2026, 3, 1)),
            ({"$lt": {CREATED: DAY}}, {"$gte": {CREATED: NEXT}}),
            "or",
        ),
        (Op.IN, (date(2026, 3, 1),), ({"$gte": {CREATED: DAY}}, {"$lt": {CREATED: NEXT}}), None),
        (Op.NOT_IN, (), ({"$ne": {CREATED: None}},), None),
        (Op.LTE, date.max, ({"$ne": {CREATED: None}},), None),
        (Op.LT, datetime(2026, 3, 1, tzinfo=UTC), ({"$lt": {CREATED: DAY}},), None),
        (
            Op.EQ,
            datetime.fromisoformat("2026-03-01T02:00:00+02:00"),
            ({"$eq": {CREATED: DAY}},),
            None,
        ),
    ],
)
def test_a_day_is_its_bounds_in_utc(op: Op, value: object, filters: tuple[Any, ...], expression: str) -> None:
    assert created(Compare("created_at", op, value)) == Conditions(filters=filters, expression=expression)


def test_nothing_is_after_the_last_day() -> None:
    assert created(Compare("created_at", Op.GT, date.max)) is NOTHING


@pytest.mark.parametrize(
    ("period", "macro"),
    [
        (RelativePeriod.TODAY, "today"),
        (RelativePeriod.YESTERDAY, "yesterday"),
        (RelativePeriod.CURRENT_WEEK, "currentWeek"),
        (RelativePeriod.LAST_WEEK, "lastWeek"),
        (RelativePeriod.CURRENT_MONTH, "currentMonth"),
        (RelativePeriod.PRIOR_MONTH, "priorMonth"),
        (RelativePeriod.CURRENT_QUARTER, "currentQuarter"),
        (RelativePeriod.PRIOR_QUARTER, "priorQuarter"),
        (RelativePeriod.CURRENT_YEAR, "currentYear"),
        (RelativePeriod.PRIOR_YEAR, "priorYear"),
    ],
)
def test_a_period_is_a_macro(period: RelativePeriod, macro: str) -> None:
    assert created(Compare("created_at", Op.IN_PERIOD, period)) == Conditions(
        filters=({"$eq": {CREATED: macro}},), relative=True
    )


def test_outside_a_period_is_the_macro_negated() -> None:
    assert created(Not(Compare("created_at", Op.IN_PERIOD, RelativePeriod.PRIOR_MONTH))) == Conditions(
        filters=({"$ne": {CREATED: "priorMonth"}}, {"$ne": {CREATED: None}}), relative=True
    )


@pytest.mark.parametrize(
    ("field", "op", "value"),
    [
        ("external_reference", Op.EQ, "x"),
        ("status", Op.EQ, RecordStatus.UNKNOWN),
        ("status", Op.NOT_IN, (RecordStatus.ACTIVE, RecordStatus.UNKNOWN)),
        ("status", Op.CONTAINS, "act"),
        ("outstanding_balance", Op.STARTS_WITH, "1"),
        ("name", Op.IN_PERIOD, RelativePeriod.TODAY),
    ],
)
def test_what_cannot_be_said_is_unsupported_and_names_its_field(field: str, op: Op, value: object) -> None:
    with pytest.raises(UnsupportedByVendor) as raised:
        customers(And((A, Not(Compare(field, op, value)))))
    assert raised.value.field == field


@pytest.mark.parametrize(
    ("options", "relative", "expected"),
    [
        (FilterOptions(today=TODAY), False, {}),
        (FilterOptions(today=TODAY), True, {"asOfDate": "2026-06-30"}),
        (FilterOptions(today=TODAY, as_of=date(2022, 4, 1)), False, {"asOfDate": "2022-04-01"}),
        (FilterOptions(today=TODAY, as_of=date(2022, 4, 1)), True, {"asOfDate": "2022-04-01"}),
        (FilterOptions(today=TODAY, case_sensitive=False), False, {"caseSensitiveComparison": False}),
        (FilterOptions(today=TODAY, include_private=True), False, {"includePrivate": True}),
        (FilterOptions(today=TODAY, include_hierarchy=True), False, {"includeHierarchyFields": True}),
    ],
)
def test_options_are_filter_parameters(options: FilterOptions, relative: bool, expected: dict[str, Any]) -> None:
    assert parameters(options, relative=relative) == expected


def test_a_body_says_only_what_differs_from_the_defaults() -> None:
    assert query_body("a/b", ("key",), where=ALL, parameters={}, order=(("key", "asc"),), start=1, size=50) == {
        "object": "a/b",
        "fields": ["key"],
        "orderBy": [{"key": "asc"}],
        "start": 1,
        "size": 50,
    }
