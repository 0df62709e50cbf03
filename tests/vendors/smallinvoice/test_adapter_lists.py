"""Lists through the adapter: the wire, orders, filters, paging, budgets."""

import datetime
from functools import partial
from typing import Any

import pytest

from adapters.contract import Adapter, Order
from adapters.errors import InvalidInput, MalformedAnswer, Rejected, ScanLimit, UnsupportedByVendor
from adapters.filters import And, Compare, Filter, FilterOptions, Not, Op, Or, RelativePeriod, evaluate
from adapters.model import DocumentState, Letter
from adapters.smallinvoice import vendor
from tests.connecting import NOW, RunningSandbox, asking, connected
from tests.vendors.smallinvoice.adapting import answering, calls, customers, enveloped, letters, walk

OLDEST, NEWEST = Order("date"), Order("date", descending=True)


def on(day: str) -> datetime.date:
    return datetime.date.fromisoformat(day)


AFTER_MAY = And((Compare("date", Op.GT, on("2020-01-01")), Compare("date", Op.GTE, on("2026-06-01"))))
BEFORE_SEPTEMBER = And((Compare("date", Op.LTE, on("2030-01-01")), Compare("date", Op.LT, on("2024-09-01"))))


async def all_letters(adapter: Adapter, **members: Any) -> list[Letter]:
    page = await letters(adapter).page(asking(2000, **members))
    assert page.end is None
    return list(page.records)


@pytest.mark.parametrize(
    ("error", "kind"),
    [(True, Rejected), ("false", MalformedAnswer), (0, MalformedAnswer), (None, MalformedAnswer)],
)
async def test_a_list_without_error_false_is_none_whatever_rows_it_has(error: object, kind: type[Exception]) -> None:
    async with answering(enveloped({"id": 1}, error=error)) as adapter:
        with pytest.raises(kind):
            await customers(adapter).page(asking(10))


class TestWire:
    @pytest.mark.parametrize(
        ("order", "pairs"),
        [
            (None, ""),
            (Order("name"), "sort/name/sorttype/asc/"),
            (Order("code", descending=True), "sort/number/sorttype/desc/"),
        ],
    )
    async def test_customers(self, sandbox: RunningSandbox, adapter: Adapter, order: Order | None, pairs: str) -> None:
        since = sandbox.count()
        page = await customers(adapter).page(asking(240, order=order))
        assert calls(sandbox, since) == [f"GET /client/list/limit/240/page/1/{pairs}"]
        assert (len(page.records), page.end, page.total) == (240, None, 240)
        if order is not None:
            values = [getattr(record, order.field) for record in page.records]
            assert values == sorted(values, reverse=order.descending)

    @pytest.mark.parametrize(("order", "direction"), [(None, "desc"), (NEWEST, "desc"), (OLDEST, "asc")])
    async def test_letters(
        self, sandbox: RunningSandbox, adapter: Adapter, order: Order | None, direction: str
    ) -> None:
        since = sandbox.count()
        page = await letters(adapter).page(asking(960, order=order))
        assert calls(sandbox, since) == [f"GET /letter/list/limit/960/page/1/sort/date/sorttype/{direction}/"]
        dates = [letter.date for letter in page.records if letter.date]
        assert (len(dates), dates) == (960, sorted(dates, reverse=direction == "desc"))

    async def test_reads_carry_no_body_and_the_credential_in_no_header(
        self, sandbox: RunningSandbox, adapter: Adapter
    ) -> None:
        since = sandbox.count()
        await letters(adapter).page(asking(1))
        (entry,) = sandbox.journal(since)
        assert entry["body"] == ""
        assert {name for name, _ in entry["headers"]} == {"host", "accept-encoding"}


class TestUnsupported:
    @pytest.mark.parametrize("field", ["status", "outstanding_balance", "external_reference"])
    async def test_filters_of_customers(self, sandbox: RunningSandbox, adapter: Adapter, field: str) -> None:
        since = sandbox.count()
        tree = Or((Compare("code", Op.EQ, "1"), Not(Compare(field, Op.IS_NULL))))
        with pytest.raises(UnsupportedByVendor) as caught:
            await customers(adapter).page(asking(filter=tree))
        assert (caught.value.field, sandbox.count()) == (field, since)

    @pytest.mark.parametrize("field", ["type", "delivered", "created_since"])
    async def test_filters_of_letters(self, sandbox: RunningSandbox, adapter: Adapter, field: str) -> None:
        since = sandbox.count()
        request = asking(filter=And((Compare("title", Op.EQ, "x"), Compare(field, Op.EQ, "x"))))
        for read in (letters(adapter).page(request), letters(adapter).of_customers(["1"], request)):
            with pytest.raises(UnsupportedByVendor) as caught:
                await read
            assert (caught.value.field, sandbox.count()) == (field, since)

    async def test_orders(self, sandbox: RunningSandbox, adapter: Adapter) -> None:
        since = sandbox.count()
        for read in (
            customers(adapter).page(asking(order=Order("outstanding_balance"))),
            letters(adapter).page(asking(order=Order("title"))),
            letters(adapter).of_customers(["1"], asking(order=Order("title"))),
        ):
            with pytest.raises(UnsupportedByVendor):
                await read
        assert sandbox.count() == since


class TestPaging:
    @pytest.mark.parametrize("size", [1, 7, 100, 239, 240, 1000])
    async def test_every_customer_is_met_once(self, adapter: Adapter, size: int) -> None:
        seen = await walk(lambda position: customers(adapter).page(asking(size, position=position)))
        assert (len(seen), len(set(seen))) == (240, 240)

    @pytest.mark.parametrize("order", [None, OLDEST, NEWEST])
    @pytest.mark.parametrize(("size", "page_size"), [(17, 1000), (100, 30), (400, 250)])
    async def test_every_letter_is_met_once(
        self, sandbox: RunningSandbox, size: int, page_size: int, order: Order | None
    ) -> None:
        async with connected(vendor, sandbox, limits={"page_size": page_size}) as adapter:
            seen = await walk(lambda at: letters(adapter).page(asking(size, position=at, order=order)))
        assert (len(seen), len(set(seen))) == (960, 960)

    async def test_a_filtered_list_is_met_once_whatever_the_budget(self, sandbox: RunningSandbox) -> None:
        tree = Compare("state", Op.EQ, DocumentState.DRAFT)
        async with connected(vendor, sandbox) as adapter:
            expected = [letter.native_id for letter in await all_letters(adapter, filter=tree)]
        limits = {"page_size": 50, "scan_budget": 70}
        async with connected(vendor, sandbox, limits=limits) as adapter:
            seen = await walk(lambda at: letters(adapter).page(asking(9, position=at, filter=tree)))
        assert 0 < len(expected) < 960
        assert seen == expected

    async def test_the_scan_budget_ends_a_page_and_says_so(self, sandbox: RunningSandbox) -> None:
        async with connected(vendor, sandbox, limits={"page_size": 100, "scan_budget": 200}) as adapter:
            page = await letters(adapter).page(asking(5, filter=Compare("title", Op.EQ, "nothing")))
        assert (page.records, isinstance(page.problem, ScanLimit), page.end is not None) == ((), True, True)

    @pytest.mark.parametrize("position", ["", "x", "[1]", '["1",null]', "[-1,null]", '{"a":1}'])
    async def test_another_lists_position_is_refused(
        self, sandbox: RunningSandbox, adapter: Adapter, position: str
    ) -> None:
        since = sandbox.count()
        request = asking(position=position)
        for read in (customers(adapter).page(request), letters(adapter).page(request)):
            with pytest.raises(InvalidInput):
                await read
        own = await letters(adapter).of_customers(["1"], asking(), {"1": position})
        assert (type(own["1"]), sandbox.count()) == (InvalidInput, since)


class TestFilters:
    @pytest.mark.parametrize(
        "tree",
        [
            Compare("code", Op.STARTS_WITH, "1000"),
            Compare("name", Op.CONTAINS, "zephyr"),
            Not(Compare("name", Op.LT, "M")),
        ],
    )
    @pytest.mark.parametrize("case_sensitive", [True, False])
    async def test_customers_are_filtered_here(
        self, sandbox: RunningSandbox, adapter: Adapter, tree: Filter, case_sensitive: bool
    ) -> None:
        options = FilterOptions(today=NOW.date(), case_sensitive=case_sensitive)
        everyone = (await customers(adapter).page(asking(240))).records
        since = sandbox.count()
        page = await customers(adapter).page(asking(240, filter=tree, options=options))
        assert calls(sandbox, since) == ["GET /client/list/limit/1000/page/1/"]
        expected = tuple(one for one in everyone if evaluate(tree, partial(getattr, one), options) is True)
        assert page.records == expected
        assert page.total is None

    @pytest.mark.parametrize("order", [None, OLDEST])
    @pytest.mark.parametrize(
        ("tree", "count"),
        [
            (Compare("date", Op.GTE, on("2026-06-01")), {None: 1, OLDEST: 10}),
            (Compare("date", Op.LT, on("2024-09-01")), {None: 10, OLDEST: 1}),
            (Compare("date", Op.EQ, on("2026-06-30")), {None: 1, OLDEST: 10}),
            (Compare("date", Op.IN_PERIOD, RelativePeriod.CURRENT_MONTH), {None: 1, OLDEST: 10}),
            (AFTER_MAY, {None: 1, OLDEST: 10}),
            (BEFORE_SEPTEMBER, {None: 10, OLDEST: 1}),
            (Compare("date", Op.BETWEEN, (on("2026-06-01"), on("2026-06-10"))), {None: 1, OLDEST: 10}),
        ],
    )
    async def test_reading_ends_where_no_letter_can_pass_any_more(
        self, sandbox: RunningSandbox, tree: Filter, count: dict[Order | None, int], order: Order | None
    ) -> None:
        async with connected(vendor, sandbox, limits={"page_size": 100}) as adapter:
            since = sandbox.count()
            found = await all_letters(adapter, filter=tree, order=order)
        assert len(calls(sandbox, since)) == count[order]
        assert found

    async def test_a_vendor_that_does_not_sort_is_read_to_the_end(self) -> None:
        rows = [{"id": at, "client_id": 9, "date": f"2026-06-{day:02}"} for at, day in ((1, 20), (2, 1), (3, 19))]
        tree = Compare("date", Op.GTE, on("2026-06-15"))
        async with answering(enveloped(*rows)) as adapter:
            assert [letter.native_id for letter in await all_letters(adapter, filter=tree)] == ["1", "3"]
