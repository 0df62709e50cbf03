"""Aggregates at the query service."""

from collections import defaultdict
from decimal import Decimal
from typing import Any

import pytest

from adapters.contract import Adapter, AggregateRequest, Aggregates, Measure, Subject
from adapters.errors import InvalidInput, MalformedAnswer, ScanLimit
from adapters.filters import FilterOptions
from adapters.model import AggregateRow
from adapters.sage_intacct import vendor
from tests.connecting import NOW, RunningSandbox, asking, connected
from tests.vendors.sage_intacct.answering import adapter_over, answering, listing
from tests.vendors.sage_intacct.watching import QUERY, Watch

OPTIONS = FilterOptions(today=NOW.date())
ALL_FIVE = (
    Measure("count", "id"),
    Measure("avg", "totalDue"),
    Measure("sum", "totalDue"),
    Measure("min", "totalDue"),
    Measure("max", "totalDue"),
)


@pytest.fixture
def aggregate(adapter: Adapter) -> Aggregates:
    assert adapter.aggregate is not None
    return adapter.aggregate


def asked(*measures: Measure, **members: Any) -> AggregateRequest:
    return AggregateRequest(**{"subject": Subject.CUSTOMERS, "measures": measures, "options": OPTIONS, **members})


async def test_a_grouped_aggregate_is_one_query(sandbox: RunningSandbox, aggregate: Aggregates) -> None:
    watch = Watch(sandbox)
    options = FilterOptions(today=NOW.date(), include_private=True)
    await aggregate(asked(*ALL_FIVE, group_by=("currency", "status"), options=options))
    assert watch.lines == [f"POST {QUERY}"]
    assert watch.bodies == [
        {
            "object": "accounts-receivable/customer",
            "fields": [
                "currency",
                "status",
                "count:id",
                "avg:totalDue",
                "sum:totalDue",
                "min:totalDue",
                "max:totalDue",
            ],
            "filterParameters": {"includePrivate": True},
            "orderBy": [{"currency": "asc"}, {"status": "asc"}],
            "start": 1,
            "size": 4000,
        }
    ]


async def test_groups_add_up_to_what_the_list_says(adapter: Adapter, aggregate: Aggregates) -> None:
    assert adapter.customers is not None
    wanted = frozenset({"currency", "outstanding_balance"})
    listed: defaultdict[Any, list[Decimal]] = defaultdict(list)
    for one in (await adapter.customers.page(asking(4000, wanted=wanted))).records:
        if isinstance(one.outstanding_balance, Decimal):
            listed[one.currency].append(one.outstanding_balance)
    rows = await aggregate(asked(*ALL_FIVE[2:], group_by=("currency",)))
    assert {row.group["currency"]: [Decimal(value) for value in row.values.values()] for row in rows} == {
        currency: [sum(values), min(values), max(values)] for currency, values in listed.items()
    }


@pytest.mark.parametrize(
    ("subject", "count"), [(Subject.CUSTOMERS, 240), (Subject.TEMPLATES, 350), (Subject.MESSAGES, 12)]
)
async def test_without_groups_there_is_one_row(aggregate: Aggregates, subject: Subject, count: int) -> None:
    rows = await aggregate(asked(Measure("count", "key"), subject=subject))
    assert rows == (AggregateRow(group={}, values={"count:key": count}),)


async def test_groups_beyond_the_vendors_page_take_several_queries(sandbox: RunningSandbox) -> None:
    async with connected(vendor, sandbox, limits={"page_size": 50}) as adapter:
        await adapter.check()
        assert adapter.aggregate is not None
        watch = Watch(sandbox)
        rows = await adapter.aggregate(asked(Measure("count", "key"), group_by=("id",)))
        assert [body["start"] for body in watch.bodies] == [1, 51, 101, 151, 201]
        assert len({row.group["id"] for row in rows}) == 240


async def test_more_groups_than_may_be_read_are_not_cut_silently(sandbox: RunningSandbox) -> None:
    async with connected(vendor, sandbox, limits={"page_size": 50, "scan_budget": 100}) as adapter:
        assert adapter.aggregate is not None
        with pytest.raises(ScanLimit):
            await adapter.aggregate(asked(Measure("count", "key"), group_by=("id",)))


async def test_a_measure_is_needed(aggregate: Aggregates) -> None:
    with pytest.raises(InvalidInput) as raised:
        await aggregate(asked(group_by=("status",)))
    assert raised.value.field == "measures"


async def test_the_vendor_judges_field_names(aggregate: Aggregates) -> None:
    with pytest.raises(InvalidInput) as raised:
        await aggregate(asked(Measure("sum", "shoeSize")))
    assert raised.value.vendor_code == "REST-1064"


async def test_a_row_without_a_measure_is_not_believed() -> None:
    adapter = adapter_over(answering(listing({"status": "active"})))
    assert adapter.aggregate is not None
    with pytest.raises(MalformedAnswer):
        await adapter.aggregate(asked(Measure("count", "key"), group_by=("status",)))
