"""Customers through the adapter, over real sockets: the wire, paging, filters, and what must not be believed."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

import pytest

from adapters.contract import Order
from adapters.errors import (
    InvalidInput,
    MalformedAnswer,
    RateLimited,
    ScanLimit,
    Unavailable,
)
from adapters.filters import Compare, Op
from adapters.kashflow import vendor
from adapters.model import UNSET, Customer, PostalAddress, RecordStatus
from tests.connecting import RunningSandbox, connected, running_sandbox
from tests.vendors.kashflow.wired import answering, calls, one, page_of, walk

RAW = frozenset({"raw"})


@pytest.fixture(scope="module")
def shared() -> Iterator[RunningSandbox]:
    with running_sandbox(vendor) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(shared: RunningSandbox) -> Iterator[RunningSandbox]:
    yield shared
    shared.clear_faults()


class TestWire:
    async def test_the_list_is_sorted_by_code_with_the_archived_among_them(self, sandbox: RunningSandbox) -> None:
        async with connected(vendor, sandbox) as adapter:
            since = sandbox.count()
            page = await page_of(adapter, 50)
        query = "page=1&perpage=50&sortby=1&order=Asc&filterarchived=true"
        assert calls(sandbox, since) == [("GET", "/v2/customers", query)]
        assert len(page.records) == 50

    async def test_calls_ask_for_json_and_carry_the_session(self, sandbox: RunningSandbox) -> None:
        async with connected(vendor, sandbox) as adapter:
            since = sandbox.count()
            await page_of(adapter, 1)
        headers = dict(sandbox.journal(since)[-1]["headers"])
        assert headers["accept"] == "application/json"
        assert headers["authorization"].startswith("KfToken ")

    @pytest.mark.parametrize(
        ("order", "parameters"),
        [
            (Order("name"), {"sortby": "0", "order": "Asc"}),
            (Order("code", descending=True), {"sortby": "1", "order": "Desc"}),
            (Order("outstanding_balance", descending=True), {"sortby": "4", "order": "Desc"}),
        ],
    )
    async def test_orders_are_the_vendors_own(
        self, sandbox: RunningSandbox, order: Order, parameters: dict[str, str]
    ) -> None:
        async with connected(vendor, sandbox) as adapter:
            since = sandbox.count()
            page = await page_of(adapter, 100, order=order)
        [(_, _, query)] = calls(sandbox, since)
        assert parameters.items() <= dict(parse_qsl(query)).items()
        values = [getattr(record, order.field) for record in page.records]
        assert values == sorted(values, reverse=order.descending)

    async def test_a_customer_is_read_by_its_code(self, sandbox: RunningSandbox) -> None:
        async with connected(vendor, sandbox) as adapter:
            assert adapter.customers is not None
            since = sandbox.count()
            found = await adapter.customers.by_code(["10001", "10001"], RAW)
        assert calls(sandbox, since) == [("GET", "/v2/customers/10001", "")]
        customer = found["10001"]
        assert isinstance(customer, Customer)
        assert (customer.native_id, customer.code) == ("10001", "10001")
        assert isinstance(customer.raw, dict)
        assert (str(customer.raw["Id"]), customer.raw["Code"]) == (customer.stable_id, "10001")


class TestCodesInUrls:
    @pytest.mark.parametrize(
        ("code", "path"),
        [
            ("1?x=2", "/v2/customers/1%3Fx%3D2"),
            ("%2e%2e", "/v2/customers/%252e%252e"),
            ("a b", "/v2/customers/a%20b"),
            ("A/B", "/v2/customers/A%2FB"),
            ("A#B;c=d&e+f", "/v2/customers/A%23B%3Bc%3Dd%26e%2Bf"),
            ("Ø", "/v2/customers/%C3%98"),
            ("...", "/v2/customers/..."),
        ],
    )
    async def test_any_printable_code_stays_one_segment(self, sandbox: RunningSandbox, code: str, path: str) -> None:
        async with connected(vendor, sandbox) as adapter:
            since = sandbox.count()
            found = await one(adapter, code)
        assert calls(sandbox, since) == [("GET", path, "")]
        assert found is None

    @pytest.mark.parametrize(
        "code",
        ["", ".", "..", "../customers/10001", "a/../10001", "a\\..\\10001", "a/.", "10001/..", " 10001", "10001 ",
         "10001\n", "1\x00", "\x85", "\ud800", "x" * 257, "x" * 10_240],
    )  # fmt: skip
    async def test_what_no_code_can_be_is_nobody_and_never_asked_for(self, sandbox: RunningSandbox, code: str) -> None:
        async with connected(vendor, sandbox) as adapter:
            since = sandbox.count()
            found = await one(adapter, code)
        assert (found, calls(sandbox, since)) == (None, [])

    async def test_a_resource_below_a_customer_is_no_customer(self, sandbox: RunningSandbox) -> None:
        async with connected(vendor, sandbox) as adapter:
            assert isinstance(await one(adapter, "10001/notes"), MalformedAnswer)

    async def test_an_answer_about_another_customer_is_not_believed(self) -> None:
        assert isinstance(await one(answering({"Id": 2, "Code": "B"}), "A"), MalformedAnswer)

    async def test_a_code_in_another_case_is_another_code(self) -> None:
        assert await one(answering({"Id": 2, "Code": "ACME"}), "acme") is None

    async def test_a_code_padded_in_the_answer_is_the_same(self) -> None:
        customer = await one(answering({"Id": 2, "Code": "ACME    "}), "ACME")
        assert isinstance(customer, Customer)
        assert (customer.native_id, customer.code) == ("ACME", "ACME")


class TestPaging:
    @pytest.mark.parametrize("first", [1, 7, 50, 100, 101, 1000])
    async def test_every_customer_is_seen_once(self, sandbox: RunningSandbox, first: int) -> None:
        async with connected(vendor, sandbox) as adapter:
            seen = [record.code for record in await walk(adapter, first)]
            total = (await page_of(adapter, 1)).total
        assert seen == sorted(set(seen), key=str)
        assert len(seen) == total

    @pytest.mark.parametrize("order", ["name", "outstanding_balance"])
    async def test_every_customer_is_seen_once_in_another_order(self, sandbox: RunningSandbox, order: str) -> None:
        async with connected(vendor, sandbox) as adapter:
            seen = [record.stable_id for record in await walk(adapter, 37, order=Order(order, descending=True))]
            whole = [record.stable_id for record in await walk(adapter, 1000)]
        assert sorted(seen) == sorted(whole)

    @pytest.mark.parametrize("first", [1, 9])
    async def test_every_match_is_seen_once(self, sandbox: RunningSandbox, first: int) -> None:
        inactive = Compare("status", Op.EQ, RecordStatus.INACTIVE)
        async with connected(vendor, sandbox) as adapter:
            seen = [record.code for record in await walk(adapter, first, filter=inactive)]
            whole = [r.code for r in await walk(adapter, 1000) if r.status is RecordStatus.INACTIVE]
        assert seen == whole

    @pytest.mark.parametrize(("first", "expected"), [(50, 1), (100, 1), (101, 2), (300, 3)])
    async def test_a_page_costs_as_few_calls_as_the_vendor_allows(
        self, sandbox: RunningSandbox, first: int, expected: int
    ) -> None:
        async with connected(vendor, sandbox) as adapter:
            since = sandbox.count()
            await page_of(adapter, first, count=True)
        assert len(calls(sandbox, since)) == expected

    async def test_the_total_is_the_vendors_until_a_filter_is_applied_here(self, sandbox: RunningSandbox) -> None:
        async with connected(vendor, sandbox) as adapter:
            whole = await page_of(adapter, 1, count=True)
            part = await page_of(adapter, 1, count=True, filter=Compare("name", Op.CONTAINS, "a"))
        assert whole.total is not None
        assert whole.total >= 240
        assert part.total is None

    async def test_a_scan_stops_at_its_budget_and_goes_on_from_there(self, sandbox: RunningSandbox) -> None:
        nobody = Compare("name", Op.ENDS_WITH, "no such name")
        async with connected(vendor, sandbox, limits={"scan_budget": 100}) as adapter:
            page = await page_of(adapter, 5, filter=nobody)
            assert isinstance(page.problem, ScanLimit)
            assert page.end is not None
            assert await walk(adapter, 5, filter=nobody) == []

    @pytest.mark.parametrize("position", ["", "x", "{}", '["10001","41001"]', "[-1,null]", "[0]"])
    async def test_a_position_of_another_list_is_refused(self, sandbox: RunningSandbox, position: str) -> None:
        async with connected(vendor, sandbox) as adapter:
            with pytest.raises(InvalidInput):
                await page_of(adapter, 5, position=position)

    @pytest.mark.parametrize(
        ("rows", "total"),
        [(1, 3), (0, 1), (4, 4), (3, 2)],
        ids=["fewer than asked", "none", "more than asked", "more than there are"],
    )
    async def test_a_page_that_is_not_as_full_as_it_says_is_not_believed(self, rows: int, total: int) -> None:
        data = [{"Id": n, "Code": str(n)} for n in range(rows)]
        adapter = answering({"MetaData": {"TotalRecords": total}, "Data": data})
        with pytest.raises(MalformedAnswer):
            await page_of(adapter, 3)

    async def test_more_rows_than_asked_for_are_not_believed_without_a_total_either(self) -> None:
        with pytest.raises(MalformedAnswer):
            await page_of(answering({"Data": [{"Id": n, "Code": str(n)} for n in range(4)]}), 3)

    async def test_links_to_other_pages_are_not_followed(self) -> None:
        def rows(*numbers: int) -> dict[str, Any]:
            links = {"TotalRecords": 2, "NextPageUrl": "https://elsewhere.example/v2/customers?page=9"}
            return {"MetaData": links, "Data": [{"Id": n, "Code": str(n)} for n in numbers]}

        seen = await walk(answering(rows(1), rows(1, 2)), 1)
        assert [record.code for record in seen] == ["1", "2"]


WHOLE = {
    "Id": 41,
    "Code": "ACME01",
    "Name": "Acme Ltd",
    "IsArchived": True,
    "OutstandingBalance": 80.50,
    "Currency": {"Code": "GBP", "Name": "Pound"},
    "Contacts": [
        {"IsPrimary": False, "Email": "office@acme.example; Desk@acme.example"},
        {"IsPrimary": True, "Email": " accounts@acme.example "},
        {"IsPrimary": False, "Email": ""},
        {"Email": None},
    ],
    "Addresses": [
        {"Line1": "1 Mill Lane", "Line2": "", "Line3": "Leeds", "Line4": None, "PostCode": "LS1 4AP",
         "CountryCode": "GB", "CountryName": "United Kingdom"},
        {"Line1": "elsewhere"},
    ],
    "SomethingNew": [1],
}  # fmt: skip


class TestRecords:
    async def test_a_whole_record_is_translated(self) -> None:
        body = json.dumps(WHOLE).replace("80.5", "123456789012345678.90").encode()
        assert await one(answering(body), "ACME01") == Customer(
            backend="test",
            native_id="ACME01",
            stable_id="41",
            code="ACME01",
            name="Acme Ltd",
            status=RecordStatus.INACTIVE,
            emails=("accounts@acme.example", "office@acme.example", "Desk@acme.example"),
            address=PostalAddress(lines=("1 Mill Lane", "Leeds"), postal_code="LS1 4AP", country="GB"),
            currency="GBP",
            outstanding_balance=Decimal("123456789012345678.90"),
        )

    async def test_raw_is_the_record_as_it_came(self) -> None:
        customer = await one(answering(WHOLE), "ACME01", RAW)
        assert isinstance(customer, Customer)
        assert customer.raw == WHOLE

    async def test_a_whole_record_has_none_for_what_the_vendor_lacks(self) -> None:
        customer = await one(answering({"Id": "7", "Code": "X", "Addresses": [{"Line1": " "}]}), "X")
        assert customer == Customer(
            backend="test",
            native_id="X",
            stable_id="7",
            code="X",
            name=None,
            status=RecordStatus.UNKNOWN,
            emails=(),
            address=None,
            currency=None,
            outstanding_balance=None,
        )

    async def test_a_row_leaves_unset_what_it_does_not_carry(self) -> None:
        adapter = answering({"MetaData": {"TotalRecords": 1}, "Data": [{"Id": 7, "Code": "X", "Currency": None}]})
        [row] = (await page_of(adapter, 1)).records
        assert [row.emails, row.address, row.currency, row.outstanding_balance, row.raw] == [UNSET] * 5

    async def test_the_published_summary_is_read(self) -> None:
        row = {"Id": 41, "Code": "ACME01", "Name": "Acme Ltd", "TotalPaidAmount": 120.00, "OutstandingBalance": 80.50}
        meta = {"TotalRecords": 2, "PreviousPageUrl": None, "TotalAmount": 0, "InvoiceLimitReached": False}
        page = await page_of(answering({"MetaData": meta, "Data": [row]}), 1)
        assert [(r.stable_id, r.code, r.name, r.outstanding_balance) for r in page.records] == [
            ("41", "ACME01", "Acme Ltd", Decimal("80.5"))
        ]
        assert page.total == 2


class TestFailures:
    async def test_one_failing_customer_fails_alone(self, sandbox: RunningSandbox) -> None:
        sandbox.fault(kind="status", status=429, retry_after=7, route="GET /v2/customers/10002")
        async with connected(vendor, sandbox) as adapter:
            assert adapter.customers is not None
            found = await adapter.customers.by_key(["10001", "10002", "nobody"], frozenset())
        failed = found["10002"]
        assert isinstance(failed, RateLimited)
        assert (failed.backend, failed.operation, failed.retry_after) == ("test", "customer.get", 7)
        assert isinstance(found["10001"], Customer)
        assert found["nobody"] is None

    @pytest.mark.parametrize("code", ["-2146232060", "-2146233088"])
    async def test_an_exception_dressed_as_a_400_is_transient_for_a_read(self, code: str) -> None:
        body = {"Error": code, "Message": "Execution Timeout Expired. The timeout period elapsed."}
        adapter = answering(body, status=400)
        with pytest.raises(Unavailable, match="Execution Timeout Expired") as caught:
            await page_of(adapter, 1)
        assert (caught.value.vendor_code, caught.value.retryable, caught.value.status) == (code, True, 400)

    @pytest.mark.parametrize(
        ("status", "body", "is_outage"),
        [
            (400, b'{"Error": "-2146232060", "Message": "Execution Timeout Expired."}', True),
            (400, b'{"Error": "-2146233088"}', True),
            (400, b'{"Error": "InvalidCode"}', False),
            (400, b'{"Message": "-2146232060"}', False),
            (400, b"", False),
            (200, b'{"Error": "-2146232060"}', False),
        ],
    )
    def test_an_exception_dressed_as_a_400_is_an_outage(self, status: int, body: bytes, is_outage: bool) -> None:
        assert vendor.is_outage(status, body) is is_outage

    @pytest.mark.parametrize("body", [b"", b"[", b"[]", b"null", b'{"Data":null}', b'{"Data":[{"Code":"X"}]}', b"\xff"])
    async def test_an_answer_that_is_no_list_is_malformed(self, body: bytes) -> None:
        with pytest.raises(MalformedAnswer):
            await page_of(answering(body), 1)

    async def test_a_refusal_that_is_not_json_is_an_error_of_its_status(self) -> None:
        with pytest.raises(Unavailable, match="status 502"):
            await page_of(answering(b"<html>Bad gateway</html>", status=502), 1)

    @pytest.mark.parametrize("kind", ["truncate", "reset_before"])
    async def test_a_broken_connection_is_unavailable(self, sandbox: RunningSandbox, kind: str) -> None:
        sandbox.fault(kind=kind, route="GET /v2/customers*")
        async with connected(vendor, sandbox) as adapter:
            with pytest.raises(Unavailable):
                await page_of(adapter, 5)

    async def test_check_signs_in_and_counts(self, sandbox: RunningSandbox) -> None:
        async with connected(vendor, sandbox) as adapter:
            since = sandbox.count()
            findings = await adapter.check()
            total = (await page_of(adapter, 1)).total
        assert findings == (f"Signed in. {total} customers, archived ones included.",)
        assert len(calls(sandbox, since)) == 2


def test_the_adapter_offers_what_the_vendor_has() -> None:
    assert answering().offers() == {"customers", "email_statements", "perform", "evidence", "check"}
