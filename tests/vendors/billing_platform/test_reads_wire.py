"""What each read looks like on the wire, and how many calls it is."""

import asyncio
from datetime import UTC, date, datetime, timedelta, timezone

import httpx
import pytest

from adapters.billing_platform import vendor
from adapters.contract import Adapter, Order
from adapters.errors import FileNotAvailable, MalformedAnswer, UnsupportedByVendor
from adapters.filters import And, Compare, Filter, Not, Op, Or
from adapters.model import Correspondence, Customer, DocumentState, Page, RecordStatus
from tests.connecting import RunningSandbox, asking, connected
from tests.vendors.billing_platform.connections import Call, calls, header
from tests.vendors.billing_platform.tenant import adapter_over, answering

NEWEST_FIRST = Order("date", descending=True)


async def test_customers_are_one_call(reader: Adapter, company: RunningSandbox) -> None:
    assert reader.customers is not None
    since = company.count()

    page = await reader.customers.page(asking(50, wanted=frozenset(("emails",))))

    assert calls(company, since) == [Call("GET", "/customers/")]
    assert (len(page.records), page.total, page.end) == (50, 240, page.records[-1].native_id)


async def test_the_next_page_is_asked_for_by_the_last_id(reader: Adapter, company: RunningSandbox) -> None:
    assert reader.customers is not None
    first = await reader.customers.page(asking(50))
    since = company.count()

    second = await reader.customers.page(asking(50, position=first.end))

    assert calls(company, since) == [Call("GET", "/customers/", f"idAfter={first.end}")]
    assert second.total is None
    assert int(second.records[0].native_id) == int(first.end or "") + 1


async def test_a_total_asked_for_with_a_position_is_still_one_call(reader: Adapter, company: RunningSandbox) -> None:
    assert reader.customers is not None
    first = await reader.customers.page(asking(50))
    since = company.count()

    second = await reader.customers.page(asking(50, position=first.end, count=True))

    assert calls(company, since) == [Call("GET", "/customers/")]
    assert (second.total, int(second.records[0].native_id)) == (240, int(first.end or "") + 1)


@pytest.mark.parametrize(
    ("terms", "query"),
    [
        (Compare("code", Op.EQ, "10007"), "accountNumber=10007"),
        (Compare("external_reference", Op.EQ, "CRM-10001"), "CRMReference=CRM-10001"),
        (Compare("status", Op.EQ, RecordStatus.ACTIVE), "active=true"),
        (Compare("status", Op.EQ, RecordStatus.INACTIVE), "dropped=true"),
        (Not(Compare("status", Op.EQ, RecordStatus.ACTIVE)), "dropped=true"),
        (
            And((Compare("code", Op.EQ, "10007"), Compare("status", Op.EQ, RecordStatus.ACTIVE))),
            "accountNumber=10007&active=true",
        ),
        (Compare("code", Op.EQ, "a b&c=d"), "accountNumber=a%20b%26c%3Dd"),
        (Compare("name", Op.CONTAINS, "Bakery"), ""),
        (Compare("code", Op.EQ, ""), ""),
    ],
)
async def test_a_customer_filter_is_asked_in_the_vendors_parameters(
    reader: Adapter, company: RunningSandbox, terms: Filter, query: str
) -> None:
    assert reader.customers is not None
    since = company.count()

    await reader.customers.page(asking(filter=terms))

    assert calls(company, since) == [Call("GET", "/customers/", query)]


@pytest.mark.parametrize(
    ("terms", "query"),
    [
        (Compare("type", Op.EQ, "Final Notice"), "correspondenceType=Final%20Notice"),
        (Compare("title", Op.EQ, "Welcome"), "correspondenceType=Welcome"),
        (Compare("delivered", Op.EQ, True), "delivered=true"),
        (Compare("delivered", Op.EQ, False), "undelivered=true"),
        (Not(Compare("delivered", Op.EQ, True)), "undelivered=true"),
        (
            And((Compare("delivered", Op.EQ, True), Compare("delivered", Op.EQ, False))),
            "delivered=true&undelivered=true",
        ),
        (Compare("date", Op.GTE, date(2026, 1, 1)), "minDate=2026-01-01"),
        (Compare("date", Op.GT, date(2026, 1, 1)), "minDate=2026-01-02"),
        (Compare("date", Op.LTE, date(2026, 1, 1)), "maxDate=2026-01-01"),
        (Compare("date", Op.LT, date(2026, 1, 1)), "maxDate=2025-12-31"),
        (Compare("date", Op.EQ, date(2026, 1, 1)), "minDate=2026-01-01&maxDate=2026-01-01"),
        (
            And((Compare("date", Op.GTE, date(2026, 1, 1)), Compare("date", Op.GTE, date(2026, 2, 1)))),
            "minDate=2026-02-01",
        ),
        (
            And((Compare("date", Op.LTE, date(2026, 1, 1)), Compare("date", Op.LTE, date(2026, 2, 1)))),
            "maxDate=2026-01-01",
        ),
        (Compare("date", Op.GT, date.max), ""),
        (Compare("date", Op.LT, date.min), ""),
        (
            Compare("created_since", Op.GTE, datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=1)))),
            "createdSince=2026-01-01T11%3A00%3A00Z",
        ),
        (Compare("created_since", Op.EQ, datetime(2026, 1, 1, 12)), "createdSince=2026-01-01T12%3A00%3A00Z"),  # noqa: DTZ001
        (Compare("state", Op.EQ, DocumentState.SENT), ""),
    ],
)
async def test_a_correspondence_filter_is_asked_in_the_vendors_parameters(
    reader: Adapter, company: RunningSandbox, terms: Filter, query: str
) -> None:
    assert reader.correspondence is not None
    since = company.count()

    await reader.correspondence.page(asking(filter=terms))

    assert calls(company, since) == [Call("GET", "/correspondence/", query)]


async def test_delivered_and_undelivered_together_find_nothing_in_one_call(
    reader: Adapter, company: RunningSandbox
) -> None:
    assert reader.correspondence is not None
    both = And((Compare("delivered", Op.EQ, True), Compare("delivered", Op.EQ, False)))
    since = company.count()

    page = await reader.correspondence.page(asking(filter=both, order=NEWEST_FIRST))

    assert (page.records, page.end) == ((), None)
    assert calls(company, since) == [Call("GET", "/correspondence/", "delivered=true&undelivered=true")]


@pytest.mark.parametrize("order", [None, NEWEST_FIRST, Order("date")])
async def test_the_correspondence_of_customers_is_one_call_each(
    reader: Adapter, company: RunningSandbox, order: Order | None
) -> None:
    assert reader.correspondence is not None
    since = company.count()

    pages = await reader.correspondence.of_customers(["501", "502", "503"], asking(5, order=order))

    assert sorted(calls(company, since)) == [
        Call("GET", f"/customers/{customer}/correspondence/") for customer in (501, 502, 503)
    ]
    assert all(isinstance(page, Page) and page.records for page in pages.values())


@pytest.mark.parametrize("order", [None, NEWEST_FIRST, Order("date")])
async def test_where_the_tenant_may_be_listed_whole_it_is_one_call_with_the_same_answer(
    reader: Adapter, company: RunningSandbox, order: Order | None
) -> None:
    ids = [str(number) for number in range(501, 541)]
    request = asking(5, order=order, filter=Compare("type", Op.NE, "Welcome"))
    async with connected(vendor, company, list_whole=True) as whole:
        assert whole.correspondence is not None
        assert reader.correspondence is not None
        since = company.count()
        together = await whole.correspondence.of_customers(ids, request)
        asked = calls(company, since)
        apart = await reader.correspondence.of_customers(ids, request)

    assert asked == [Call("GET", "/correspondence/")]
    assert {key: _outline(page) for key, page in apart.items()} == {
        key: _outline(page) for key, page in together.items()
    }


async def test_single_records_are_one_call_each(reader: Adapter, company: RunningSandbox) -> None:
    assert reader.customers is not None
    assert reader.correspondence is not None
    since = company.count()

    customers = await reader.customers.by_key(["501", "999999"], frozenset(("raw", "emails")))
    letters = await reader.correspondence.by_key(["20001", "20001"], frozenset(("raw",)))

    assert sorted(calls(company, since)) == [
        Call("GET", "/correspondence/20001"),
        Call("GET", "/customers/501"),
        Call("GET", "/customers/999999"),
    ]
    assert customers["999999"] is None
    assert [row["id"] for row in (_raw(customers["501"]), _raw(letters["20001"]))] == ["501", "20001"]


async def test_customers_by_code_are_one_call_each(reader: Adapter, company: RunningSandbox) -> None:
    assert reader.customers is not None
    since = company.count()

    found = await reader.customers.by_code(["10001", "none"], frozenset())

    assert sorted(calls(company, since)) == [
        Call("GET", "/customers/", "accountNumber=10001"),
        Call("GET", "/customers/", "accountNumber=none"),
    ]
    assert (found["none"], getattr(found["10001"], "code", None)) == (None, "10001")


async def test_a_pdf_is_asked_for_by_its_media_type(reader: Adapter, company: RunningSandbox) -> None:
    assert reader.pdf is not None
    since = company.count()

    stream = await reader.pdf("20001")
    content = await stream.read()
    await stream.aclose()

    (entry,) = company.journal(since)
    assert (entry["method"], entry["raw_path"], header(entry, "accept")) == (
        "GET",
        "/backend/api/v1/correspondence/20001",
        "application/pdf",
    )
    assert (stream.content_type, content[:5], content[-6:].strip()) == ("application/pdf", b"%PDF-", b"%%EOF")


async def test_a_pdf_that_is_not_made_yet_is_not_available(reader: Adapter) -> None:
    assert reader.correspondence is not None
    assert reader.pdf is not None
    page = await reader.correspondence.page(asking(1, filter=Compare("state", Op.EQ, DocumentState.UNKNOWN)))

    with pytest.raises(FileNotAvailable) as caught:
        await reader.pdf(page.records[0].native_id)

    assert (caught.value.status, caught.value.vendor_code, caught.value.backend) == (404, "404107", "test")


@pytest.mark.parametrize("body", [b'{"id": "123"}', b"<html>", b"", b"%", b"%PDF"])
async def test_what_is_no_pdf_where_one_was_asked_for_is_malformed(body: bytes) -> None:
    adapter = adapter_over(answering(200, body, **{"Content-Type": "application/pdf"}))
    assert adapter.pdf is not None

    with pytest.raises(MalformedAnswer):
        await adapter.pdf("123")


async def test_a_failing_key_spoils_no_other(fresh: RunningSandbox) -> None:
    fresh.fault(kind="status", status=503, route="GET */customers/502/correspondence/")
    fresh.fault(kind="garbage", route="GET */customers/503")
    async with connected(vendor, fresh) as adapter:
        assert adapter.customers is not None
        assert adapter.correspondence is not None
        pages = await adapter.correspondence.of_customers(["501", "502", "no"], asking(5))
        customers = await adapter.customers.by_key(["501", "503"], frozenset())

    assert [type(value).__name__ for value in pages.values()] == ["Page", "Unavailable", "NotFound"]
    assert [type(value).__name__ for value in customers.values()] == ["Customer", "MalformedAnswer"]


async def test_cancellation_is_no_answer() -> None:
    def cancelled(request: httpx.Request) -> httpx.Response:
        raise asyncio.CancelledError

    adapter = adapter_over(cancelled)
    assert adapter.customers is not None

    with pytest.raises(asyncio.CancelledError):
        await adapter.customers.by_key(["504"], frozenset())


@pytest.mark.parametrize("field", ["outstanding_balance", "nonsense"])
async def test_a_field_that_customers_do_not_have_is_unsupported_without_a_call(
    reader: Adapter, company: RunningSandbox, field: str
) -> None:
    assert reader.customers is not None
    since = company.count()

    with pytest.raises(UnsupportedByVendor) as caught:
        await reader.customers.page(asking(filter=Compare(field, Op.IS_NULL)))

    assert (caught.value.field, company.count() - since) == (field, 0)


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        (Or((Compare("delivered", Op.EQ, True), Compare("type", Op.EQ, "Welcome"))), "delivered"),
        (Compare("delivered", Op.IS_NULL), "delivered"),
        (Compare("created_since", Op.LT, datetime(2026, 1, 1, tzinfo=UTC)), "created_since"),
        (Not(Compare("created_since", Op.GTE, datetime(2026, 1, 1, tzinfo=UTC))), "created_since"),
        (Compare("number", Op.EQ, "C001"), "number"),
    ],
)
async def test_what_neither_the_vendor_nor_its_rows_can_say_is_unsupported(
    reader: Adapter, company: RunningSandbox, terms: Filter, field: str
) -> None:
    assert reader.correspondence is not None
    since = company.count()

    with pytest.raises(UnsupportedByVendor) as caught:
        await reader.correspondence.page(asking(filter=terms))

    assert (caught.value.field, company.count() - since) == (field, 0)


@pytest.mark.parametrize("order", [Order("name"), Order("code", descending=True), Order("outstanding_balance")])
async def test_customers_cannot_be_ordered_unless_listed_whole(
    reader: Adapter, company: RunningSandbox, order: Order
) -> None:
    assert reader.customers is not None
    since = company.count()

    with pytest.raises(UnsupportedByVendor) as caught:
        await reader.customers.page(asking(order=order))

    assert (caught.value.field, company.count() - since) == (order.field, 0)


@pytest.mark.parametrize("order", [Order("date"), Order("type", descending=True)])
async def test_all_correspondence_cannot_be_ordered_but_newest_first(
    reader: Adapter, company: RunningSandbox, order: Order
) -> None:
    assert reader.correspondence is not None
    since = company.count()

    with pytest.raises(UnsupportedByVendor):
        await reader.correspondence.page(asking(order=order))

    assert company.count() == since


def _outline(page: object) -> object:
    assert isinstance(page, Page)
    return page.records, page.positions, page.end, page.total


def _raw(record: object) -> dict[str, object]:
    assert isinstance(record, Customer | Correspondence)
    assert isinstance(record.raw, dict)
    return record.raw
