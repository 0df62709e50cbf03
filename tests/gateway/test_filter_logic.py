"""What filter trees mean: SQL's three-valued rules, and periods of days."""

import calendar
import datetime
import itertools
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.filters import (
    NEGATED,
    And,
    Compare,
    Filter,
    FilterOptions,
    Not,
    Op,
    Or,
    RelativePeriod,
    conjunction,
    conjuncts,
    evaluate,
    fields_of,
    period_bounds,
    without_not,
)

PROPERTY = settings(max_examples=60, deadline=None)
DAYS = st.dates(datetime.date(2, 1, 1), datetime.date(9998, 12, 31))
NEAR = st.dates(datetime.date(2025, 1, 1), datetime.date(2026, 12, 31))
TEXTS = st.sampled_from(["", "a", "A", "ab", "AB", "ß", "SS", "b"])
AMOUNTS = st.sampled_from([Decimal(0), Decimal("1.5"), Decimal("1.50"), Decimal(-2)])
VALUES = {"text": TEXTS, "amount": AMOUNTS, "day": NEAR, "time": st.datetimes(timezones=st.just(datetime.UTC))}
OPERANDS = {**VALUES, "time": NEAR}
PLAIN = (Op.EQ, Op.NE, Op.LT, Op.LTE, Op.GT, Op.GTE)
TEXTUAL = (
    Op.CONTAINS,
    Op.NOT_CONTAINS,
    Op.STARTS_WITH,
    Op.NOT_STARTS_WITH,
    Op.ENDS_WITH,
    Op.NOT_ENDS_WITH,
)
OPTIONS = st.builds(FilterOptions, today=NEAR, as_of=st.none() | NEAR, case_sensitive=st.booleans())
RECORDS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries({n: st.none() | v for n, v in VALUES.items()})


@st.composite
def comparisons(draw: st.DrawFn) -> Compare:
    name = draw(st.sampled_from(sorted(VALUES)))
    value = OPERANDS[name]
    kinds = [
        st.builds(Compare, st.just(name), st.sampled_from(PLAIN), value),
        st.builds(Compare, st.just(name), st.sampled_from((Op.IN, Op.NOT_IN)), st.lists(value, max_size=3).map(tuple)),
        st.builds(Compare, st.just(name), st.sampled_from((Op.BETWEEN, Op.NOT_BETWEEN)), st.tuples(value, value)),
        st.builds(Compare, st.just(name), st.sampled_from((Op.IS_NULL, Op.IS_NOT_NULL))),
    ]
    if name == "text":
        kinds.append(st.builds(Compare, st.just(name), st.sampled_from(TEXTUAL), value))
    if name in ("day", "time"):
        periods = st.sampled_from(RelativePeriod)
        kinds.append(st.builds(Compare, st.just(name), st.sampled_from((Op.IN_PERIOD, Op.NOT_IN_PERIOD)), periods))
    return draw(st.one_of(kinds))


def of_terms(terms: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
    several = st.lists(terms, max_size=3).map(tuple)
    return st.builds(And, several) | st.builds(Or, several) | st.builds(Not, terms)


TREES: st.SearchStrategy[Filter] = st.recursive(comparisons(), of_terms, max_leaves=8)


def holds(tree: Filter, record: dict[str, Any], options: FilterOptions) -> bool | None:
    return evaluate(tree, record.__getitem__, options)


def contains_not(tree: Filter) -> bool:
    if isinstance(tree, Compare):
        return False
    return isinstance(tree, Not) or any(map(contains_not, tree.terms))


@PROPERTY
@given(TREES, RECORDS, OPTIONS)
def test_negation_moved_inwards_means_the_same(tree: Filter, record: dict[str, Any], options: FilterOptions) -> None:
    moved = without_not(tree)
    assert not contains_not(moved)
    assert holds(moved, record, options) is holds(tree, record, options)


CONSTANTS: tuple[Filter, ...] = (
    Compare("text", Op.IS_NULL),
    Compare("text", Op.IS_NOT_NULL),
    Compare("text", Op.EQ, "a"),
)
"""True, false and unknown, of a record whose text is null."""


@pytest.mark.parametrize("terms", list(itertools.product(CONSTANTS, repeat=2)))
@pytest.mark.parametrize("kind", [And, Or])
def test_de_morgan_holds_for_all_pairs_of_truth_values(kind: type[And | Or], terms: tuple[Filter, Filter]) -> None:
    options = FilterOptions(today=datetime.date(2026, 6, 30))
    inside = kind(terms)
    for tree in (Not(inside), Not(Not(inside)), kind((Not(inside), terms[0])), Not(kind((inside, Not(terms[1]))))):
        assert holds(without_not(tree), {"text": None}, options) is holds(tree, {"text": None}, options)


# A truth value as a number, by which and is the minimum and or the maximum.
RANK = {False: 0, None: 1, True: 2}
TRUTH = {rank: value for value, rank in RANK.items()}


@PROPERTY
@given(st.lists(TREES, max_size=3).map(tuple), RECORDS, OPTIONS)
def test_and_is_the_least_true_of_its_terms_and_or_the_most(
    terms: tuple[Filter, ...], record: dict[str, Any], options: FilterOptions
) -> None:
    ranks = [RANK[holds(term, record, options)] for term in terms]
    assert holds(And(terms), record, options) is TRUTH[min(ranks, default=2)]
    assert holds(Or(terms), record, options) is TRUTH[max(ranks, default=0)]


@PROPERTY
@given(TREES, RECORDS, OPTIONS)
def test_not_turns_round_and_leaves_unknown(tree: Filter, record: dict[str, Any], options: FilterOptions) -> None:
    assert holds(Not(tree), record, options) is TRUTH[2 - RANK[holds(tree, record, options)]]


@PROPERTY
@given(comparisons(), OPTIONS)
def test_a_comparison_with_null_is_unknown_unless_it_asks_for_null(term: Compare, options: FilterOptions) -> None:
    expected = {Op.IS_NULL: True, Op.IS_NOT_NULL: False}.get(term.op)
    assert holds(term, {term.field: None}, options) is expected


@PROPERTY
@given(comparisons(), RECORDS, OPTIONS)
def test_opposites_disagree_wherever_there_is_a_value(
    term: Compare, record: dict[str, Any], options: FilterOptions
) -> None:
    opposite = Compare(term.field, NEGATED[term.op], term.value)
    if record[term.field] is not None:
        assert holds(term, record, options) is not holds(opposite, record, options)


def test_every_comparison_has_an_opposite_that_is_its_own() -> None:
    assert {op: NEGATED[NEGATED[op]] for op in Op} == {op: op for op in Op}


@PROPERTY
@given(TREES, RECORDS, OPTIONS)
def test_conjuncts_together_are_the_filter(tree: Filter, record: dict[str, Any], options: FilterOptions) -> None:
    together = conjunction(conjuncts(tree)) or And(())
    assert holds(together, record, options) is holds(tree, record, options)


@PROPERTY
@given(TREES, RECORDS, OPTIONS)
def test_a_filter_looks_at_its_fields_only(tree: Filter, record: dict[str, Any], options: FilterOptions) -> None:
    seen = {name: record[name] for name in fields_of(tree)}
    assert holds(tree, seen, options) is holds(tree, record, options)


@pytest.mark.parametrize(
    ("op", "operand", "actual", "expected"),
    [
        (Op.EQ, "A", "a", False),
        (Op.LT, "a", "B", True),
        (Op.CONTAINS, "B", "abc", False),
        (Op.EQ, Decimal("1.5"), Decimal("1.50"), True),
        (Op.BETWEEN, ("a", "c"), "c", True),
        (Op.NOT_BETWEEN, ("a", "c"), "c", False),
        (Op.EQ, datetime.date(2026, 1, 1), datetime.datetime(2026, 1, 1, 23, 59, tzinfo=datetime.UTC), True),
        (Op.LTE, datetime.date(2026, 1, 1), datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC), False),
    ],
)
def test_comparisons_mean_what_they_say(op: Op, operand: Any, actual: Any, expected: bool) -> None:
    options = FilterOptions(today=datetime.date(2026, 6, 30))
    assert holds(Compare("x", op, operand), {"x": actual}, options) is expected


@pytest.mark.parametrize(
    ("op", "operand", "actual", "expected"),
    [
        (Op.EQ, "STRASSE", "Straße", True),
        (Op.IN, ("X", "A"), "a", True),
        (Op.STARTS_WITH, "AB", "abc", True),
        (Op.NOT_ENDS_WITH, "BC", "abc", False),
        (Op.BETWEEN, ("A", "C"), "b", True),
        (Op.LT, "a", "B", False),
    ],
)
def test_without_case_texts_compare_folded(op: Op, operand: Any, actual: str, expected: bool) -> None:
    options = FilterOptions(today=datetime.date(2026, 6, 30), case_sensitive=False)
    assert holds(Compare("x", op, operand), {"x": actual}, options) is expected


def independent_bounds(period: RelativePeriod, day: datetime.date) -> tuple[datetime.date, datetime.date]:
    """All days that belong to the period by its own definition, the first and the last of them."""

    def quarter(one: datetime.date) -> tuple[int, int]:
        return one.year, (one.month + 2) // 3

    def months_back(count: int) -> tuple[int, int]:
        year, month = day.year, day.month
        for _ in range(count):
            year, month = (year, month - 1) if month > 1 else (year - 1, 12)
        return year, month

    year_of = {RelativePeriod.CURRENT_YEAR: day.year, RelativePeriod.PRIOR_YEAR: day.year - 1}
    if period in year_of:
        return datetime.date(year_of[period], 1, 1), datetime.date(year_of[period], 12, 31)
    back = {RelativePeriod.CURRENT_MONTH: 0, RelativePeriod.PRIOR_MONTH: 1}
    if period in back:
        year, month = months_back(back[period])
        return datetime.date(year, month, 1), datetime.date(year, month, calendar.monthrange(year, month)[1])
    weeks = {RelativePeriod.CURRENT_WEEK: 0, RelativePeriod.LAST_WEEK: 7}
    if period in weeks:
        year, week, _ = (day - datetime.timedelta(days=weeks[period])).isocalendar()
        return datetime.date.fromisocalendar(year, week, 1), datetime.date.fromisocalendar(year, week, 7)
    days = {RelativePeriod.TODAY: 0, RelativePeriod.YESTERDAY: 1}
    if period in days:
        one = day - datetime.timedelta(days=days[period])
        return one, one
    wanted = quarter(day)
    if period is RelativePeriod.PRIOR_QUARTER:
        wanted = (day.year, wanted[1] - 1) if wanted[1] > 1 else (day.year - 1, 4)
    year, number = wanted
    return datetime.date(year, number * 3 - 2, 1), datetime.date(year, number * 3, 30 + (number in (1, 4)))


@PROPERTY
@given(st.sampled_from(RelativePeriod), DAYS)
def test_periods_have_these_bounds(period: RelativePeriod, day: datetime.date) -> None:
    assert period_bounds(period, day) == independent_bounds(period, day)


@PROPERTY
@given(st.sampled_from(RelativePeriod), NEAR, NEAR, NEAR)
def test_periods_are_relative_to_the_day_named_else_to_today(
    period: RelativePeriod, today: datetime.date, as_of: datetime.date, actual: datetime.date
) -> None:
    term = Compare("day", Op.IN_PERIOD, period)
    for options, day in (
        (FilterOptions(today=today), today),
        (FilterOptions(today=today, as_of=as_of), as_of),
    ):
        low, high = independent_bounds(period, day)
        assert holds(term, {"day": actual}, options) is (low <= actual <= high)
