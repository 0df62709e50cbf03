"""Lists in parts: every record once, whatever the page, the server's cap or the scan budget."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.billing_platform import vendor
from adapters.contract import Adapter, Order
from adapters.errors import Conflict, InvalidInput, MalformedAnswer, ScanLimit
from adapters.filters import And, Compare, Filter, Not, Op, Or, RelativePeriod, evaluate
from adapters.model import Correspondence, Customer, DocumentState, Page, RecordStatus
from adapters.sandboxing import SandboxOptions
from tests.connecting import NOW, RunningSandbox, asking, connected, running_sandbox
from tests.vendors.billing_platform.connections import Call, calls
from tests.vendors.billing_platform.tenant import Tenant, adapter_over, answering, letter

TODAY = NOW.date()
NEWEST_FIRST = Order("date", descending=True)
CAP = 90


@pytest.fixture(scope="module")
def capped() -> Iterator[RunningSandbox]:
    """The sample company behind a server that caps its answers."""
    with running_sandbox(vendor, SandboxOptions(clock=lambda: NOW, settings={"page_cap": CAP})) as sandbox:
        yield sandbox


async def all_customers(adapter: Adapter, first: int, **members: Any) -> list[Customer]:
    assert adapter.customers is not None
    seen: list[Customer] = []
    position: str | None = None
    while True:
        page = await adapter.customers.page(asking(first, position=position, **members))
        seen += page.records
        if page.end is None:
            return seen
        position = page.end


async def all_correspondence(adapter: Adapter, first: int, **members: Any) -> list[Correspondence]:
    assert adapter.correspondence is not None
    seen: list[Correspondence] = []
    position: str | None = None
    while True:
        page = await adapter.correspondence.page(asking(first, position=position, **members))
        seen += page.records
        if page.end is None:
            return seen
        position = page.end


def ids(records: Sequence[Any]) -> list[str]:
    return [record.native_id for record in records]


@pytest.mark.parametrize("first", [30, 89, 90, 91, 240, 1000])
async def test_pages_visit_every_customer_once(company: RunningSandbox, capped: RunningSandbox, first: int) -> None:
    async with connected(vendor, company) as whole, connected(vendor, capped, page_cap=CAP) as parts:
        expected = ids(await all_customers(whole, 1000))

        assert ids(await all_customers(whole, first)) == expected
        assert ids(await all_customers(parts, first)) == expected


@pytest.mark.parametrize("cap", [None, 3])
async def test_a_page_that_ends_with_the_list_says_so(cap: int | None) -> None:
    adapter = adapter_over(Tenant([letter(n, TODAY) for n in range(1, 6)], cap), page_cap=cap)
    assert adapter.correspondence is not None

    page = await adapter.correspondence.page(asking(5))

    assert (ids(page.records), page.end) == (["1", "2", "3", "4", "5"], None)


async def test_a_row_without_a_place_in_the_list_makes_it_malformed() -> None:
    adapter = adapter_over(answering(200, b'[{"id": "1"}, {"id": "0"}]'))
    assert adapter.correspondence is not None

    with pytest.raises(MalformedAnswer):
        await adapter.correspondence.page(asking(5))


async def test_a_capped_list_is_read_on_by_the_last_id(capped: RunningSandbox) -> None:
    async with connected(vendor, capped, page_cap=CAP) as adapter:
        since = capped.count()
        everyone = ids(await all_customers(adapter, 1000))

    assert calls(capped, since) == [
        Call("GET", "/customers/"),
        Call("GET", "/customers/", f"idAfter={everyone[CAP - 1]}"),
        Call("GET", "/customers/", f"idAfter={everyone[2 * CAP - 1]}"),
    ]


async def test_the_timeline_is_the_same_behind_a_cap(company: RunningSandbox, capped: RunningSandbox) -> None:
    async with connected(vendor, company) as whole, connected(vendor, capped, page_cap=CAP) as parts:
        expected = ids(await all_correspondence(whole, 5000, order=NEWEST_FIRST))

        assert ids(await all_correspondence(whole, 400, order=NEWEST_FIRST)) == expected
        assert ids(await all_correspondence(parts, 400, order=NEWEST_FIRST)) == expected
        assert sorted(expected) == sorted(ids(await all_correspondence(parts, 5000)))


rows = st.lists(
    st.builds(
        lambda ago, kind, names, customer: {
            "correspondenceDate": None if ago is None else (TODAY - timedelta(days=ago)).isoformat(),
            "correspondenceType": kind,
            "status": names,
            "customerID": customer,
        },
        st.one_of(st.none(), st.integers(-3, 60)),
        st.sampled_from(["Welcome", "welcome", "Final Notice", None]),
        st.sampled_from([["Ready"], ["Ready", "Emailed"], [], ["Delivered"]]),
        st.sampled_from(["1", "2", "3"]),
    ),
    max_size=20,
).map(
    lambda fields: [
        {key: value for key, value in (row | {"id": str(n)}).items() if value is not None}
        for n, row in enumerate(fields, 1)
    ]
)

days = st.integers(-3, 60).map(lambda ago: TODAY - timedelta(days=ago))
texts = st.sampled_from(["Welcome", "welcome", "Final Notice", ""])
comparisons = st.one_of(
    st.builds(Compare, st.just("date"), st.sampled_from([Op.EQ, Op.NE, Op.LT, Op.LTE, Op.GT, Op.GTE]), days),
    st.builds(Compare, st.just("date"), st.sampled_from([Op.IN, Op.NOT_IN]), st.tuples(days, days)),
    st.builds(Compare, st.just("date"), st.sampled_from([Op.BETWEEN, Op.NOT_BETWEEN]), st.tuples(days, days)),
    st.builds(Compare, st.just("date"), st.just(Op.IN_PERIOD), st.sampled_from(list(RelativePeriod))),
    st.builds(Compare, st.just("date"), st.sampled_from([Op.IS_NULL, Op.IS_NOT_NULL])),
    st.builds(Compare, st.sampled_from(["type", "title"]), st.sampled_from([Op.EQ, Op.NE, Op.CONTAINS]), texts),
    st.builds(Compare, st.just("state"), st.sampled_from([Op.EQ, Op.NE]), st.sampled_from(list(DocumentState))),
)
filters: st.SearchStrategy[Filter] = st.recursive(
    comparisons,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(And, st.lists(inner, max_size=3).map(tuple)),
        st.builds(Or, st.lists(inner, max_size=3).map(tuple)),
    ),
    max_leaves=5,
)


class StrictTenant(Tenant):
    """Also keeps to ``correspondenceType``, by exact name."""

    def __call__(self, request: Any) -> Any:
        kind = request.url.params.get("correspondenceType")
        everything = self.rows
        try:
            if kind is not None:
                self.rows = [row for row in everything if row.get("correspondenceType") == kind]
            return super().__call__(request)
        finally:
            self.rows = everything


@settings(max_examples=200, deadline=None)
@given(
    rows=rows,
    tree=filters,
    first=st.integers(1, 8),
    case_sensitive=st.booleans(),
    cap=st.one_of(st.none(), st.integers(1, 7)),
    budget=st.one_of(st.just(10_000), st.integers(1, 9)),
    order=st.sampled_from([None, NEWEST_FIRST]),
)
async def test_a_filter_means_the_same_told_to_the_vendor_and_applied_here(
    rows: list[dict[str, Any]],
    tree: Filter,
    first: int,
    case_sensitive: bool,
    cap: int | None,
    budget: int,
    order: Order | None,
) -> None:
    request = asking(1000, filter=tree)
    options = type(request.options)(today=TODAY, case_sensitive=case_sensitive)
    plain = adapter_over(StrictTenant(rows))
    meant = [
        record.native_id
        for record in await all_correspondence(plain, 1000)
        if evaluate(tree, lambda name, record=record: getattr(record, name), options) is True  # type: ignore[misc]
    ]

    asked = adapter_over(StrictTenant(rows, cap), {"scan_budget": budget}, page_cap=cap)
    found = ids(await all_correspondence(asked, first, filter=tree, options=options, order=order))

    assert sorted(found, key=int) == meant
    assert len(found) == len(set(found))


async def test_a_scan_that_finds_nothing_stops_at_its_budget_and_goes_on() -> None:
    tenant = Tenant([letter(n, TODAY) for n in range(1, 31)], cap=10)
    adapter = adapter_over(tenant, {"scan_budget": 20}, page_cap=10)
    assert adapter.correspondence is not None
    nowhere = Compare("type", Op.CONTAINS, "nowhere")

    page = await adapter.correspondence.page(asking(5, filter=nowhere))
    rest = await adapter.correspondence.page(asking(5, filter=nowhere, position=page.end))

    assert (page.records, page.end, type(page.problem), page.total) == ((), "20", ScanLimit, None)
    assert (rest.records, rest.end, rest.problem) == ((), None, None)
    assert [query.get("idAfter") for query in tenant.queries] == [None, "10", "20", "30"]


async def test_a_server_that_ignores_the_id_to_go_on_from_is_found_out() -> None:
    adapter = adapter_over(answering(200, b'[{"id": "1"}, {"id": "2"}]'), page_cap=2)
    assert adapter.customers is not None

    with pytest.raises(MalformedAnswer):
        await adapter.customers.page(asking(5))


async def test_a_server_without_a_cap_may_ignore_the_id_to_go_on_from() -> None:
    adapter = adapter_over(answering(200, b'[{"id": "3"}, {"id": "1"}, {"id": "2"}]'))

    assert ids(await all_customers(adapter, 2)) == ["1", "2", "3"]


@pytest.mark.parametrize("position", ["", "x", "-1", "1.5", "[1]", "٣", "9" * 30])
async def test_another_lists_position_is_refused(reader: Adapter, company: RunningSandbox, position: str) -> None:
    assert reader.customers is not None
    since = company.count()

    with pytest.raises(InvalidInput) as caught:
        await reader.customers.page(asking(position=position))

    assert (caught.value.field, company.count()) == ("after", since)


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("field", ["name", "code"])
async def test_customers_listed_whole_can_be_ordered(company: RunningSandbox, field: str, descending: bool) -> None:
    async with connected(vendor, company, list_whole=True) as adapter:
        everyone = await all_customers(adapter, 1000)
        ordered = await all_customers(adapter, 70, order=Order(field, descending))

    assert ids(ordered) == ids(sorted(everyone, key=lambda c: str(getattr(c, field)), reverse=descending))


async def test_a_prefix_and_a_null_have_their_places_in_an_order() -> None:
    body = b'[{"id":1,"name":"ab"},{"id":2},{"id":3,"name":"abc"},{"id":4,"name":"ab"},{"id":5,"name":"b"}]'
    adapter = adapter_over(answering(200, body), list_whole=True)

    assert ids(await all_customers(adapter, 2, order=Order("name"))) == ["1", "4", "3", "5", "2"]
    assert ids(await all_customers(adapter, 2, order=Order("name", descending=True))) == ["5", "3", "1", "4", "2"]


async def test_correspondence_listed_whole_can_be_ordered_oldest_first() -> None:
    tenant = Tenant([letter(1, None), letter(2, TODAY), letter(3, date(2020, 1, 1)), letter(4, TODAY)])

    adapter = adapter_over(tenant, list_whole=True)

    assert ids(await all_correspondence(adapter, 2, order=Order("date"))) == ["3", "2", "4", "1"]


@pytest.mark.parametrize(
    ("order", "expected"), [(NEWEST_FIRST, ["4", "2", "3", "1"]), (Order("date"), ["3", "2", "4", "1"])]
)
async def test_a_customers_list_is_ordered_by_date_either_way(order: Order, expected: list[str]) -> None:
    tenant = Tenant([letter(1, None), letter(2, TODAY), letter(3, date(2020, 1, 1)), letter(4, TODAY)], cap=3)
    adapter = adapter_over(tenant, page_cap=3)
    assert adapter.correspondence is not None
    found: list[str] = []
    position: str | None = None

    while True:
        positions = {} if position is None else {"1": position}
        pages = await adapter.correspondence.of_customers(["1"], asking(1, order=order), positions)
        page = pages["1"]
        assert isinstance(page, Page)
        found += ids(page.records)
        if page.end is None:
            break
        position = page.end

    assert found == expected


async def test_rows_that_do_not_say_whose_they_are_are_asked_for_by_customer() -> None:
    asked: list[str] = []

    def handler(request: Any) -> Any:
        asked.append(request.url.path.removeprefix("/backend/api/v1"))
        return answering(200, b'[{"id":"1"},{"id":"2","customerID":"7"}]' if len(asked) == 1 else b"[]")(request)

    adapter = adapter_over(handler, list_whole=True)
    assert adapter.correspondence is not None
    pages = await adapter.correspondence.of_customers(["7", "8"], asking())

    assert asked == ["/correspondence/", "/customers/7/correspondence/", "/customers/8/correspondence/"]
    assert [isinstance(page, Page) for page in pages.values()] == [True, True]


async def test_an_account_number_that_two_customers_have_is_a_conflict() -> None:
    adapter = adapter_over(answering(200, b'[{"id":1,"accountNumber":"A"},{"id":2,"accountNumber":"A"}]'))
    assert adapter.customers is not None

    found = await adapter.customers.by_code(["A"], frozenset())

    assert type(found["A"]) is Conflict


@pytest.mark.parametrize("rows", [b"[]", b'[{"id":1,"accountNumber":"b"}]'])
async def test_an_account_number_that_nobody_has_unless_in_another_case_is_nobodys(rows: bytes) -> None:
    adapter = adapter_over(answering(200, rows))
    assert adapter.customers is not None

    assert await adapter.customers.by_code(["B"], frozenset()) == {"B": None}


@pytest.mark.parametrize("number", [b'"A"', b"1", b"null"])
async def test_customers_of_another_account_number_are_malformed(number: bytes) -> None:
    adapter = adapter_over(answering(200, b'[{"id":1,"accountNumber":%s}]' % number))
    assert adapter.customers is not None

    found = await adapter.customers.by_code(["B"], frozenset())

    assert type(found["B"]) is MalformedAnswer


@pytest.mark.parametrize("status", [RecordStatus.ACTIVE, RecordStatus.INACTIVE])
async def test_customers_asked_for_by_status_have_it(reader: Adapter, status: RecordStatus) -> None:
    found = await all_customers(reader, 1000, filter=Compare("status", Op.EQ, status))

    assert {customer.status for customer in found} == {status}
    assert len(found) == {RecordStatus.ACTIVE: 220, RecordStatus.INACTIVE: 20}[status]


async def test_external_references_are_filtered_by_what_the_rows_show(reader: Adapter) -> None:
    found = await all_customers(reader, 1000, filter=Compare("external_reference", Op.IN, ("CRM-10001", "CRM-10003")))

    assert [customer.code for customer in found] == ["10001", "10003"]


@pytest.mark.parametrize(
    ("terms", "many"),
    [
        (Compare("delivered", Op.EQ, True), True),
        (Compare("delivered", Op.EQ, False), True),
        (Compare("created_since", Op.GTE, datetime(2026, 6, 1, tzinfo=UTC)), True),
        (Compare("created_since", Op.GTE, datetime(2027, 1, 1, tzinfo=UTC)), False),
    ],
)
async def test_what_only_the_vendor_knows_is_left_to_it(reader: Adapter, terms: Filter, many: bool) -> None:
    found = await all_correspondence(reader, 5000, filter=terms)
    everything = await all_correspondence(reader, 5000)

    assert (0 < len(found) < len(everything)) == many


async def test_delivered_and_undelivered_share_the_whole_between_them(reader: Adapter) -> None:
    delivered = ids(await all_correspondence(reader, 5000, filter=Compare("delivered", Op.EQ, True)))
    undelivered = ids(await all_correspondence(reader, 5000, filter=Compare("delivered", Op.EQ, False)))

    assert sorted(delivered + undelivered) == ids(await all_correspondence(reader, 5000))
