"""Pages over real sockets: what is asked on the wire, how often, and what comes of it."""

from typing import Any

import pytest
from msgspec import UNSET

from adapters.contract import Adapter, Customers, Messages, Order, Templates
from adapters.errors import InvalidInput, UnsupportedByVendor
from adapters.filters import Compare, FilterOptions, Op, Or
from adapters.model import Page
from adapters.sage_intacct import vendor
from tests.connecting import NOW, RunningSandbox, asking, connected
from tests.contract.walking import ENOUGH
from tests.vendors.sage_intacct.watching import OBJECTS, QUERY, Watch

BASE_FIELDS = ["key", "id", "name", "status", "customerMessage.key"]
BY_KEY = [{"key": "asc"}]
NOTHING: frozenset[str] = frozenset()


async def walked(part: Any, first: int, **members: Any) -> list[str]:
    """All keys of a list, page after page."""
    keys: list[str] = []
    position = None
    while True:
        page = await part.page(asking(first, position=position, **members))
        keys += [record.native_id for record in page.records]
        position = page.end
        if position is None:
            return keys
        assert len(keys) < ENOUGH, "the list has no end"


# ── Pages ────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_page_of_customers_is_one_query_of_just_its_rows(sandbox: RunningSandbox, customers: Customers) -> None:
    watch = Watch(sandbox)
    page = await customers.page(asking(50, wanted=frozenset({"name", "outstanding_balance", "currency", "emails"})))
    assert watch.lines == [f"POST {QUERY}"]
    assert watch.bodies == [
        {
            "object": "accounts-receivable/customer",
            "fields": [*BASE_FIELDS, "totalDue", "currency"],
            "orderBy": BY_KEY,
            "start": 1,
            "size": 50,
        }
    ]
    assert watch.headers[0]["content-type"] == "application/json"
    assert (len(page.records), page.total) == (50, 240)
    assert {record.emails for record in page.records} == {UNSET}


async def test_going_on_reads_one_row_again(sandbox: RunningSandbox, customers: Customers) -> None:
    position = (await customers.page(asking(50))).end
    watch = Watch(sandbox)
    await customers.page(asking(50, position=position))
    assert [(body["start"], body["size"]) for body in watch.bodies] == [(50, 51)]


async def test_filter_order_and_options_are_said_in_full(sandbox: RunningSandbox, customers: Customers) -> None:
    watch = Watch(sandbox)
    await customers.page(
        asking(
            5,
            filter=Or((Compare("code", Op.STARTS_WITH, "100"), Compare("name", Op.CONTAINS, "ltd"))),
            order=Order("outstanding_balance", descending=True),
            options=FilterOptions(
                today=NOW.date(), as_of=NOW.date(), case_sensitive=False, include_private=True, include_hierarchy=True
            ),
        )
    )
    assert watch.bodies == [
        {
            "object": "accounts-receivable/customer",
            "fields": BASE_FIELDS,
            "filters": [{"$startsWith": {"id": "100"}}, {"$contains": {"name": "ltd"}}],
            "filterExpression": "or",
            "filterParameters": {
                "asOfDate": "2026-06-30",
                "caseSensitiveComparison": False,
                "includePrivate": True,
                "includeHierarchyFields": True,
            },
            "orderBy": [{"totalDue": "desc"}, {"key": "asc"}],
            "start": 1,
            "size": 5,
        }
    ]


@pytest.mark.parametrize("first", [1, 7, 100, 239, 240, 241])
async def test_paging_visits_every_customer_once(customers: Customers, first: int) -> None:
    keys = await walked(customers, first, order=Order("outstanding_balance"))
    assert (len(keys), len(set(keys))) == (240, 240)


async def test_a_page_beyond_the_vendors_largest_takes_several_queries(sandbox: RunningSandbox) -> None:
    async with connected(vendor, sandbox, limits={"page_size": 100}) as adapter:
        await adapter.check()
        assert adapter.customers is not None
        watch = Watch(sandbox)
        page = await adapter.customers.page(asking(240))
        assert [body["start"] for body in watch.bodies] == [1, 101, 201]
        assert (len({record.native_id for record in page.records}), page.end) == (240, None)


async def test_a_filter_that_nothing_passes_costs_no_call(sandbox: RunningSandbox, customers: Customers) -> None:
    watch = Watch(sandbox)
    page = await customers.page(asking(50, filter=Compare("code", Op.IN, ())))
    assert (page, watch.lines) == (Page(records=(), positions=(), end=None, total=0), [])


@pytest.mark.parametrize("part", ["customers", "templates", "messages"])
async def test_what_cannot_be_said_costs_no_call(sandbox: RunningSandbox, adapter: Adapter, part: str) -> None:
    watch = Watch(sandbox)
    for request in (
        asking(filter=Compare("shoe_size", Op.EQ, "9")),
        asking(order=Order("shoe_size")),
    ):
        with pytest.raises(UnsupportedByVendor) as raised:
            await getattr(adapter, part).page(request)
        assert (raised.value.field, raised.value.backend) == ("shoe_size", "test")
        assert raised.value.operation == f"{part.removesuffix('s')}.list"
    assert watch.lines == []


async def test_a_cursor_of_another_list_is_invalid(customers: Customers) -> None:
    with pytest.raises(InvalidInput) as raised:
        await customers.page(asking(position="list:nonsense"))
    assert raised.value.field == "after"


# ── Lists of which only ids are wanted ───────────────────────────────────────────────────────────────────────────────


async def test_where_only_ids_are_wanted_the_plain_list_does(sandbox: RunningSandbox, messages: Messages) -> None:
    watch = Watch(sandbox)
    page = await messages.page(asking(50, wanted=frozenset({"native_id", "code"})))
    assert watch.lines == [f"GET {OBJECTS}accounts-receivable/customer-message"]
    assert (len(page.records), page.total, page.end) == (12, 12, None)
    assert {record.code for record in page.records} >= {"Welcome", "Thank you"}
    assert {record.text for record in page.records} == {UNSET}


@pytest.mark.parametrize("first", [1, 5, 12])
async def test_paging_a_plain_list_visits_every_record_once(messages: Messages, first: int) -> None:
    assert await walked(messages, first, wanted=frozenset({"native_id"})) == await walked(messages, 50)


async def test_a_list_goes_on_where_it_was_when_more_or_less_is_wanted(messages: Messages) -> None:
    ids, texts = frozenset({"native_id"}), frozenset({"text"})
    everything = await walked(messages, 50)
    for one, other in ((ids, texts), (texts, ids)):
        page = await messages.page(asking(5, wanted=one))
        rest = await messages.page(asking(50, wanted=other, position=page.end))
        assert [record.native_id for record in (*page.records, *rest.records)] == everything


async def test_a_plain_list_too_long_for_one_page_is_queried(sandbox: RunningSandbox, templates: Templates) -> None:
    watch = Watch(sandbox)
    keys = await walked(templates, 100, wanted=frozenset({"native_id"}))
    assert watch.lines == [f"GET {OBJECTS}accounts-receivable/customer-email-template", *[f"POST {QUERY}"] * 4]
    assert len(set(keys)) == len(keys) == 350


@pytest.mark.parametrize(
    "members",
    [
        {"wanted": frozenset({"native_id", "text"})},
        {"wanted": frozenset({"native_id"}), "filter": Compare("code", Op.EQ, "Welcome")},
        {"wanted": frozenset({"native_id"}), "options": FilterOptions(today=NOW.date(), include_private=True)},
        {"wanted": frozenset({"native_id"}), "first": 101},
        {"wanted": NOTHING},
    ],
)
async def test_otherwise_the_list_is_queried(
    sandbox: RunningSandbox, messages: Messages, members: dict[str, Any]
) -> None:
    watch = Watch(sandbox)
    await messages.page(asking(**{"first": 50, **members}))
    assert watch.lines == [f"POST {QUERY}"]
