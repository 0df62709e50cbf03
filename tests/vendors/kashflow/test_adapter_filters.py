"""Customers' filters and orders: what the vendor is told of them, and that it makes no difference."""

from collections.abc import Iterator
from decimal import Decimal
from urllib.parse import parse_qsl

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from adapters.contract import Order
from adapters.errors import MalformedAnswer, Unavailable, UnsupportedByVendor
from adapters.filters import And, Compare, Filter, FilterOptions, Not, Op, Or, evaluate
from adapters.kashflow import vendor
from adapters.kashflow.listing import plan
from adapters.model import RecordStatus
from tests.connecting import NOW, RunningSandbox, asking, connected, running_sandbox
from tests.vendors.kashflow.wired import answering, calls, page_of, walk


@pytest.fixture(scope="module")
def shared() -> Iterator[RunningSandbox]:
    with running_sandbox(vendor) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(shared: RunningSandbox) -> Iterator[RunningSandbox]:
    yield shared
    shared.clear_faults()


FILTERS: list[Filter] = [
    Compare("code", Op.EQ, "10005"),
    Compare("code", Op.EQ, "nobody"),
    Compare("code", Op.EQ, "../10001"),
    Compare("code", Op.IN, ("10007", "10002", "nobody")),
    Compare("code", Op.IN, tuple(str(number) for number in range(10003, 10053))),
    Compare("code", Op.GTE, "10200"),
    And((Compare("code", Op.IN, ("10002", "10011")), Compare("status", Op.EQ, RecordStatus.ACTIVE))),
    Or((Compare("code", Op.EQ, "10005"), Compare("code", Op.EQ, "10006"))),
    Not(Compare("code", Op.EQ, "10005")),
    Compare("name", Op.STARTS_WITH, "C"),
    Compare("name", Op.STARTS_WITH, "c"),
    Compare("name", Op.EQ, "Zephyr Furniture Ltd"),
    Compare("name", Op.EQ, "zephyr furniture ltd"),
    Compare("name", Op.ENDS_WITH, "GmbH"),
    Compare("status", Op.EQ, RecordStatus.ACTIVE),
    Compare("status", Op.EQ, RecordStatus.INACTIVE),
    Compare("status", Op.IN, (RecordStatus.ACTIVE, RecordStatus.INACTIVE)),
    Compare("status", Op.NE, RecordStatus.ACTIVE),
    Compare("outstanding_balance", Op.BETWEEN, (Decimal(100), Decimal("2000.50"))),
    And((Compare("name", Op.STARTS_WITH, "S"), Compare("outstanding_balance", Op.GT, Decimal(0)))),
]


class TestFilters:
    @pytest.mark.parametrize("case_sensitive", [True, False])
    @pytest.mark.parametrize("tree", FILTERS, ids=str)
    async def test_a_filter_means_the_same_pushed_down_or_applied_here(
        self, sandbox: RunningSandbox, tree: Filter, case_sensitive: bool
    ) -> None:
        options = FilterOptions(today=NOW.date(), case_sensitive=case_sensitive)
        async with connected(vendor, sandbox) as adapter:
            asked = await walk(adapter, 20, filter=tree, options=options)
            whole = await walk(adapter, 1000)
        passing = [r.code for r in whole if evaluate(tree, lambda name, r=r: getattr(r, name), options) is True]  # type: ignore[misc]
        assert [record.code for record in asked] == passing

    @pytest.mark.parametrize(
        ("tree", "expected"),
        [
            (Compare("code", Op.EQ, "10005"), ["/v2/customers/10005"]),
            (Compare("code", Op.IN, ("10006", "10005")), ["/v2/customers/10005", "/v2/customers/10006"]),
            (And((Compare("code", Op.EQ, "10005"), Compare("code", Op.IN, ("10006",)))), []),
        ],
    )
    async def test_customers_that_a_filter_names_are_read_by_code(
        self, sandbox: RunningSandbox, tree: Filter, expected: list[str]
    ) -> None:
        async with connected(vendor, sandbox) as adapter:
            since = sandbox.count()
            await page_of(adapter, 20, filter=tree)
        assert sorted(path for _, path, _ in calls(sandbox, since)) == expected

    async def test_named_customers_are_paged_like_any_list(self, sandbox: RunningSandbox) -> None:
        tree = Compare("code", Op.IN, ("10003", "10001", "10002"))
        async with connected(vendor, sandbox) as adapter:
            seen = [record.code for record in await walk(adapter, 1, filter=tree)]
            total = (await page_of(adapter, 1, filter=tree)).total
        assert (seen, total) == (["10001", "10002", "10003"], 3)

    async def test_a_named_customer_that_cannot_be_read_fails_the_list(self, sandbox: RunningSandbox) -> None:
        sandbox.fault(kind="status", status=503, route="GET /v2/customers/10001")
        async with connected(vendor, sandbox) as adapter:
            with pytest.raises(Unavailable):
                await page_of(adapter, 1, filter=Compare("code", Op.IN, ("10001", "10002")))

    async def test_a_name_is_told_to_the_vendor_as_a_prefix(self, sandbox: RunningSandbox) -> None:
        tree = And((Compare("name", Op.STARTS_WITH, "C"), Compare("name", Op.EQ, "Copper Engineering AG")))
        async with connected(vendor, sandbox) as adapter:
            since = sandbox.count()
            page = await page_of(adapter, 20, filter=tree)
        [(_, _, query)] = calls(sandbox, since)
        assert dict(parse_qsl(query))["namestartswith"] == "Copper Engineering AG"
        assert [record.name for record in page.records] == ["Copper Engineering AG"]

    async def test_active_customers_are_asked_for_without_the_archived(self, sandbox: RunningSandbox) -> None:
        async with connected(vendor, sandbox) as adapter:
            since = sandbox.count()
            await page_of(adapter, 20, filter=Compare("status", Op.EQ, RecordStatus.ACTIVE))
        [(_, _, query)] = calls(sandbox, since)
        assert "filterarchived" not in query

    @pytest.mark.parametrize("field", ["external_reference", "emails", "currency"])
    async def test_a_filter_that_customers_here_lack_is_unsupported(self, sandbox: RunningSandbox, field: str) -> None:
        async with connected(vendor, sandbox) as adapter:
            since = sandbox.count()
            with pytest.raises(UnsupportedByVendor) as caught:
                await page_of(adapter, 1, filter=Or((Compare("code", Op.EQ, "1"), Compare(field, Op.EQ, "x"))))
        assert (caught.value.field, calls(sandbox, since)) == (field, [])

    async def test_an_order_that_the_vendor_lacks_is_unsupported(self, sandbox: RunningSandbox) -> None:
        async with connected(vendor, sandbox) as adapter:
            with pytest.raises(UnsupportedByVendor, match="status"):
                await page_of(adapter, 1, order=Order("status"))

    async def test_a_filter_by_what_the_rows_lack_is_no_silent_empty_list(self) -> None:
        adapter = answering({"MetaData": {"TotalRecords": 1}, "Data": [{"Id": 1, "Code": "1"}]})
        with pytest.raises(MalformedAnswer):
            await page_of(adapter, 1, filter=Compare("outstanding_balance", Op.GT, Decimal(0)))


@pytest.mark.parametrize("field", ["code", "name"])
def test_regardless_of_case_the_vendor_is_told_nothing_since_its_rules_are_not_known(field: str) -> None:
    request = asking(
        filter=Compare(field, Op.EQ, "Acme"), options=FilterOptions(today=NOW.date(), case_sensitive=False)
    )
    listing = plan(request, backend="test", most_codes=4)
    assert (listing.codes, "namestartswith" in dict(listing.parameters)) == (None, False)


@given(st.text(max_size=12), st.text(max_size=12))
@example("Acme ", "Ltd")
@example("50%_[x]", "")
def test_the_prefix_told_to_the_vendor_finds_every_name_that_the_filter_does(value: str, rest: str) -> None:
    told = dict(plan(asking(filter=Compare("name", Op.STARTS_WITH, value)), backend="test", most_codes=4).parameters)
    prefix = told.get("namestartswith", "")
    assert (value + rest).startswith(prefix)
    assert prefix == prefix.strip()
    assert not set(prefix) & set("%[]^*?")
