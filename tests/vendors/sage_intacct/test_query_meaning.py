"""What is said to the query service means what the filter means, by an independent reading of what is said."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from adapters.filters import Filter, FilterOptions, evaluate
from adapters.model import RecordStatus
from adapters.sage_intacct.objects import CUSTOMERS, MESSAGES
from adapters.sage_intacct.query import Conditions, conditions
from tests.vendors.sage_intacct.filter_trees import EQUALITIES, ORDERED, TEXTUAL, comparisons, trees

OPTIONS = FilterOptions(today=date(2026, 6, 30))
CREATED = "audit.createdDateTime"

TEXTS = ("", "a", "A", "ab", "Ba", "b", "ß", "10%")
AMOUNTS = (Decimal(-1), Decimal("0.00"), Decimal("1.50"), Decimal(1000))
STATUS_WORDS = {
    "active": RecordStatus.ACTIVE,
    "activeNonPosting": RecordStatus.ACTIVE,
    "inactive": RecordStatus.INACTIVE,
    None: RecordStatus.UNKNOWN,
}
WIRE_NAMES = {"code": "id", "name": "name", "outstanding_balance": "totalDue", "status": "status"}


LEAVES = st.one_of(
    comparisons("code", TEXTUAL, st.sampled_from(TEXTS)),
    comparisons("name", TEXTUAL, st.sampled_from(TEXTS)),
    comparisons("outstanding_balance", ORDERED, st.sampled_from(AMOUNTS)),
    comparisons("status", EQUALITIES, st.sampled_from([RecordStatus.ACTIVE, RecordStatus.INACTIVE])),
)
RECORDS = st.fixed_dictionaries(
    {
        "id": st.sampled_from(TEXTS),
        "name": st.sampled_from(TEXTS),
        "totalDue": st.sampled_from((None, *AMOUNTS)),
        "status": st.sampled_from(sorted(STATUS_WORDS, key=str)),
    }
)


def holds(condition: dict[str, dict[str, Any]], record: dict[str, Any], nulls_pass: bool) -> bool:
    """One condition; what a negative operator makes of a null is up to ``nulls_pass``."""
    ((operator, comparison),) = condition.items()
    ((field, expected),) = comparison.items()
    actual = record[field]
    if expected is None:
        return (actual is None) is (operator == "$eq")
    negative = operator == "$ne" or operator.startswith("$not")
    if actual is None:
        return negative and nulls_pass
    if field == "totalDue":
        expected = [Decimal(one) for one in expected] if isinstance(expected, list) else Decimal(expected)
    positive = {"$ne": "eq"}.get(operator, operator[1:].removeprefix("not"))
    positive = positive[0].lower() + positive[1:]
    found: dict[str, bool] = {
        "eq": actual == expected,
        "in": isinstance(expected, list) and actual in expected,
    }
    if positive not in found:
        found["between"] = isinstance(expected, list) and expected[0] <= actual <= expected[-1]
    if positive not in found:
        found |= {
            "lt": actual < expected,
            "lte": actual <= expected,
            "gt": actual > expected,
            "gte": actual >= expected,
        }
    if positive not in found:
        found["contains"] = expected in actual
        found["startsWith"] = actual.startswith(expected)
        found["endsWith"] = actual.endswith(expected)
    return found[positive] is not negative


def passes(said: Conditions | None, record: dict[str, Any], nulls_pass: bool) -> bool:
    """Whether a record passes ``filters`` under ``filterExpression``, read as Python's own and/or."""
    if said is None:
        return False
    expression = said.expression or "and"
    if expression in ("and", "or"):
        expression = f" {expression} ".join(str(n + 1) for n in range(len(said.filters))) or "True"
    truths = [holds(condition, record, nulls_pass) for condition in said.filters]
    assert sorted(map(int, re.findall(r"\d+", expression))) == list(range(1, len(truths) + 1))
    return bool(eval(re.sub(r"\d+", lambda n: str(truths[int(n[0]) - 1]), expression)))  # noqa: S307 - our own text


@given(tree=trees(LEAVES), record=RECORDS, nulls_pass=st.booleans())
def test_what_is_said_means_what_the_filter_means(tree: Filter, record: dict[str, Any], nulls_pass: bool) -> None:
    def value_of(attribute: str) -> Any:
        value = record[WIRE_NAMES[attribute]]
        return STATUS_WORDS[value] if attribute == "status" else value

    assert passes(conditions(tree, CUSTOMERS.filters), record, nulls_pass) is (
        evaluate(tree, value_of, OPTIONS) is True
    )


FIRST = datetime(2026, 2, 26, tzinfo=UTC)
MOMENTS = st.one_of(st.none(), st.integers(0, 6 * 86_400).map(lambda seconds: FIRST + timedelta(seconds=seconds)))
DAYS = st.dates(date(2026, 2, 27), date(2026, 3, 3))
DATED = comparisons("created_at", ORDERED, DAYS)


@given(tree=trees(DATED), moment=MOMENTS, nulls_pass=st.booleans())
def test_bounds_of_days_mean_what_days_mean(tree: Filter, moment: datetime | None, nulls_pass: bool) -> None:
    said = conditions(tree, MESSAGES.filters)
    if said is not None:
        said = Conditions(filters=tuple(read(one) for one in said.filters), expression=said.expression)
    assert passes(said, {CREATED: moment}, nulls_pass) is (evaluate(tree, lambda _name: moment, OPTIONS) is True)


def read(condition: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The condition with its moment as one again."""
    ((operator, comparison),) = condition.items()
    ((field, value),) = comparison.items()
    return {operator: {field: value and datetime.fromisoformat(value)}}
