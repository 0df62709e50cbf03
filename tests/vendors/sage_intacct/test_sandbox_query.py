"""The query evaluation against a plain Python model of the rules."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.sage_intacct.sandbox_catalogue import Kind, Record
from adapters.sage_intacct.sandbox_conditions import Column
from adapters.sage_intacct.sandbox_expression import holds, parse_expression
from adapters.sage_intacct.sandbox_query import Query, page_meta, parse_query
from adapters.sage_intacct.sandbox_refusals import RefusedError
from tests.vendors.sage_intacct.query_model import KINDS, Tree, combined, ordered, plainly, summed_up, truth, written

TODAY = date(2026, 7, 1)
SPAN_OPERATORS = ["$eq", "$ne", "$lt", "$lte", "$gt", "$gte", "$in", "$notIn", "$between", "$notBetween"]
TEXT_OPERATORS = [
    f"${word}" for word in ("contains", "notContains", "startsWith", "notStartsWith", "endsWith", "notEndsWith")
]
AGGREGATES = [
    *[("count", field) for field in KINDS],
    *[(function, field) for function in ("avg", "sum", "min", "max") for field in ("totalDue", "creditLimit")],
    *[(function, field) for function in ("min", "max") for field in ("key", "name", "lastInvoiceCreatedDate")],
]
BOOLEAN_OPERATORS = ["$eq", "$ne", "$in", "$notIn", "$lte", "$gte"]

texts = st.text("aAbBßé ", max_size=3)
cents = st.integers(-3000, 3000).map(lambda count: f"{count // 100}.{count % 100:02}" if count >= 0 else f"-{-count}")
days = st.dates(date(2025, 12, 28), date(2026, 1, 4)).map(date.isoformat)
instants = st.builds(lambda day, hour: f"{day}T{hour:02}:00:00Z", days, st.integers(0, 23))
numbers = st.integers(-5, 5) | st.sampled_from([0.5, 2.25, 1e3])
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "digits": st.integers(1, 30).map(str),
    "text": texts,
    "enum": st.sampled_from(["active", "Active", "inactive"]),
    "amount": cents,
    "number": numbers,
    "boolean": st.booleans(),
    "date": days,
    "date-time": instants,
}


def nullable(field: str) -> st.SearchStrategy[Any]:
    return st.none() | VALUES[KINDS[field]]


def operators_of(kind: str) -> list[str]:
    if kind == "boolean":
        return BOOLEAN_OPERATORS
    return SPAN_OPERATORS + (TEXT_OPERATORS if kind in {"text", "enum"} else [])


@st.composite
def tables(draw: st.DrawFn) -> list[Record]:
    """Rows with distinct keys, in key order; everything else may be null."""
    keys = sorted(draw(st.sets(st.integers(1, 120), max_size=12)))
    return [{"key": str(key)} | {name: draw(nullable(name)) for name in KINDS if name != "key"} for key in keys]


@st.composite
def conditions(draw: st.DrawFn) -> tuple[str, str, Any]:
    field = draw(st.sampled_from(list(KINDS)))
    operator = draw(st.sampled_from(operators_of(KINDS[field])))
    values = VALUES[KINDS[field]]
    if KINDS[field] in {"amount", "number", "digits"}:
        values = values | numbers  # as a JSON number or as a string
    if operator in {"$in", "$notIn"}:
        return operator, field, draw(st.lists(values, min_size=1, max_size=4))
    if operator in {"$between", "$notBetween"}:
        return operator, field, [draw(values), draw(values)]
    return operator, field, draw(st.none() | values if operator in {"$eq", "$ne"} else values)


@st.composite
def expressions(draw: st.DrawFn) -> tuple[int, Tree]:
    """A number of filters, and a tree that names each of them."""
    count = draw(st.integers(1, 6))
    parts: list[Tree] = list(draw(st.permutations(range(count))))
    while len(parts) > 1:
        place = draw(st.integers(0, len(parts) - 2))
        parts[place : place + 2] = [(draw(st.sampled_from(["and", "or"])), parts[place], parts[place + 1])]
    return count, parts[0]


def column(name: str) -> Column | None:
    return Column(name=name, kind=Kind(KINDS[name]), read=lambda row: row[name]) if name in KINDS else None


def parsed(**body: Any) -> Query:
    return parse_query({"object": "any", "fields": ["key"], **body}, column, today=TODAY)


def keys_of(answer: dict[str, Any]) -> list[str]:
    return [row["key"] for row in answer["ia::result"]]


@given(tables(), expressions(), st.data(), st.booleans(), st.booleans())
def test_finds_the_rows_that_the_model_calls_true(
    rows: list[Record], expression: tuple[int, Tree], data: st.DataObject, case_sensitive: bool, generous: bool
) -> None:
    count, tree = expression
    chosen = [data.draw(conditions()) for _ in range(count)]
    query = parsed(
        filters=[{operator: {field: value}} for operator, field, value in chosen],
        filterExpression=written(tree, generous=generous),
        filterParameters={"caseSensitiveComparison": case_sensitive},
    )

    def is_true(row: Record) -> bool:
        truths = [truth(*condition, row, case_sensitive=case_sensitive) for condition in chosen]
        return combined(tree, truths) is True

    assert [row["key"] for row in rows if is_true(row)] == keys_of(query.answer(rows))


@given(tables(), st.lists(st.tuples(st.sampled_from(list(KINDS)), st.sampled_from(["asc", "desc"])), max_size=3))
def test_sorts_as_the_model_does(rows: list[Record], order: list[tuple[str, str]]) -> None:
    query = parsed(orderBy=[{field: direction} for field, direction in order])
    assert [row["key"] for row in ordered(rows, order)] == keys_of(query.answer(rows))


@given(tables(), st.integers(1, 5), st.sampled_from(list(KINDS)))
def test_following_next_visits_every_row_once(rows: list[Record], size: int, field: str) -> None:
    whole = keys_of(parsed(orderBy=[{field: "desc"}]).answer(rows))
    seen: list[str] = []
    start: int | None = 1
    while start is not None:
        page = parsed(orderBy=[{field: "desc"}], start=start, size=size).answer(rows)
        seen += keys_of(page)
        start = page["ia::meta"]["next"]
    assert whole == seen


@given(
    tables(),
    st.lists(st.sampled_from(["name", "status", "isOnHold", "totalDue"]), unique=True, max_size=2),
    st.sampled_from(AGGREGATES),
)
def test_groups_and_aggregates_as_the_model_does(
    rows: list[Record], groups: list[str], aggregate: tuple[str, str]
) -> None:
    function, field = aggregate
    name = f"{function}:{field}"
    by_group: dict[tuple[Any, ...], list[Record]] = {} if groups else {(): []}
    for row in rows:
        by_group.setdefault(tuple(row[group] for group in groups), []).append(row)
    expected = [
        dict(zip(groups, values, strict=True)) | {name: summed_up(members, function, field)}
        for values, members in by_group.items()
    ]
    answered = parsed(fields=[*groups, name]).answer(rows)
    by_text = sorted(answered["ia::result"], key=repr)
    assert [approximately(row) for row in sorted(expected, key=repr)] == by_text
    assert len(expected) == answered["ia::meta"]["totalCount"]


def approximately(row: dict[str, Any]) -> Any:
    """A mean of binary fractions may end differently in its last place."""
    return {name: pytest.approx(value) if isinstance(value, float) else value for name, value in row.items()}


@pytest.mark.parametrize(
    ("function", "amounts", "expected"),
    [
        ("avg", ["0.01", "0.00"], "0.01"),
        ("avg", ["-0.01", "0.00"], "-0.01"),
        ("avg", ["-0.01", "0.00", "0.00"], "0.00"),
        ("avg", ["1.00", "1.00", "2.00", None], "1.33"),
        ("sum", ["0.10", "0.20", None], "0.30"),
        ("min", ["10.00", "9.00"], "9.00"),
        ("max", ["10.00", "9.00"], "10.00"),
        ("sum", [None], None),
    ],
)
def test_an_amount_is_summed_up_to_the_cent(function: str, amounts: list[str | None], expected: str | None) -> None:
    rows = [{"key": str(number), "totalDue": amount} for number, amount in enumerate(amounts)]
    name = f"{function}:totalDue"
    assert [{name: expected}] == parsed(fields=[name]).answer(rows)["ia::result"]


@given(tables(), st.sampled_from(["name", "status", "totalDue"]))
def test_groups_come_by_their_fields_nulls_last(rows: list[Record], field: str) -> None:
    found = {row[field] for row in rows}
    expected = sorted(found - {None}, key=lambda value: plainly(field, value)) + [None] * (None in found)
    answered = [row[field] for row in parsed(fields=[field, "count:key"]).answer(rows)["ia::result"]]
    assert [plainly(field, value) if value is not None else None for value in expected] == [
        plainly(field, value) if value is not None else None for value in answered
    ]


@given(expressions(), st.data(), st.booleans())
def test_an_expression_holds_as_its_tree_does(
    expression: tuple[int, Tree], data: st.DataObject, generous: bool
) -> None:
    count, tree = expression
    verdicts = data.draw(st.lists(st.booleans(), min_size=count, max_size=count))
    assert combined(tree, verdicts) is holds(parse_expression(written(tree, generous=generous), count), verdicts)


@pytest.mark.parametrize(
    ("text", "verdicts", "expected"),
    [
        ("and", [], True),
        ("or", [], True),
        ("and", [True, False], False),
        ("or", [True, False], True),
        ("1 or 2 and 3", [True, False, False], True),
        ("(1 or 2) and 3", [True, False, False], False),
        ("(1 and 2) or 3", [False, True, True], True),
        ("  ( 1 and 2 )or(3) ", [True, True, False], True),
        ("(" * 5000 + "1" + ")" * 5000, [True], True),
    ],
)
def test_and_binds_closer_than_or(text: str, verdicts: list[bool], expected: bool) -> None:
    assert expected is holds(parse_expression(text, len(verdicts)), verdicts)


@pytest.mark.parametrize(
    "text",
    ["", " ", "1 and", "and 1", "1 2", "(1 and 2", "1 and 2)", "()", "1 xor 2", "1 AND 2", "1 and 3", "0 and 1 and 2",
     "1", "1andor2", "1and 2", " and", "not 1 and 2", "1 and 2;", "-1 and 2", "1.5 and 2", "1 and 2222222222"],
)  # fmt: skip
def test_a_broken_expression_is_refused(text: str) -> None:
    with pytest.raises(RefusedError) as refusal:
        parse_expression(text, 2)
    assert (refusal.value.status, refusal.value.code) == (400, "invalidRequest")


@pytest.mark.parametrize(
    ("macro", "first", "last"),
    [
        ("today", "2022-04-01", "2022-04-01"),
        ("yesterday", "2022-03-31", "2022-03-31"),
        ("currentWeek", "2022-03-28", "2022-04-03"),
        ("lastWeek", "2022-03-21", "2022-03-27"),
        ("currentMonth", "2022-04-01", "2022-04-30"),
        ("priorMonth", "2022-03-01", "2022-03-31"),
        ("currentQuarter", "2022-04-01", "2022-06-30"),
        ("priorQuarter", "2022-01-01", "2022-03-31"),
        ("currentYear", "2022-01-01", "2022-12-31"),
        ("priorYear", "2021-01-01", "2021-12-31"),
    ],
)
def test_a_date_macro_is_its_period_around_as_of_date(macro: str, first: str, last: str) -> None:
    before, after = (
        date.fromordinal(date.fromisoformat(first).toordinal() - 1),
        date.fromisoformat(last).toordinal() + 1,
    )
    days = [before.isoformat(), first, last, date.fromordinal(after).isoformat()]
    found = {}
    for field, suffix in (("lastInvoiceCreatedDate", ""), ("audit.modifiedDateTime", "T23:59:59Z")):
        rows = [{"key": str(number), field: day + suffix} for number, day in enumerate(days, 1)]
        for operator in ("$eq", "$ne", "$lt", "$lte", "$gt", "$gte"):
            query = parsed(filters=[{operator: {field: macro}}], filterParameters={"asOfDate": "2022-04-01"})
            found[field, operator] = "".join(keys_of(query.answer(rows)))
    by_operator = {"$eq": "23", "$ne": "14", "$lt": "1", "$lte": "123", "$gt": "4", "$gte": "234"}
    assert {(field, operator): keys for field, _ in found for operator, keys in by_operator.items()} == found


def test_without_as_of_date_macros_are_relative_to_today() -> None:
    rows = [{"key": "1", "lastInvoiceCreatedDate": "2026-07-01"}, {"key": "2", "lastInvoiceCreatedDate": "2026-06-30"}]
    query = parsed(filters=[{"$in": {"lastInvoiceCreatedDate": ["today", "2020-01-01"]}}])
    assert keys_of(query.answer(rows)) == ["1"]


def test_between_macros_spans_from_the_first_of_one_to_the_last_of_the_other() -> None:
    days = ["2026-05-31", "2026-06-01", "2026-07-31", "2026-08-01"]
    rows = [{"key": str(number), "lastInvoiceCreatedDate": day} for number, day in enumerate(days)]
    query = parsed(filters=[{"$between": {"lastInvoiceCreatedDate": ["priorMonth", "currentMonth"]}}])
    assert keys_of(query.answer(rows)) == ["1", "2"]


@pytest.mark.parametrize(
    ("total", "start", "size", "next_start", "previous"),
    [
        (240, 1, 100, 101, None),
        (240, 101, 100, 201, 1),
        (240, 201, 100, None, 101),
        (240, 31, 100, 131, 1),
        (240, 301, 100, None, 201),
        (200, 501, 100, None, 101),
        (100, 1, 100, None, None),
        (101, 1, 100, 101, None),
        (0, 1, 100, None, None),
        (0, 5, 100, None, None),
    ],
)
def test_next_and_previous_are_the_starts_of_those_pages(
    total: int, start: int, size: int, next_start: int | None, previous: int | None
) -> None:
    expected = {"totalCount": total, "start": start, "pageSize": size, "next": next_start, "previous": previous}
    assert expected == page_meta(total, start, size)
