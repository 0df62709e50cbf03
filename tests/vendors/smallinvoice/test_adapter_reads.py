"""Records by key and by code: the wire, how few calls it takes, and what is not believed."""

from typing import Any

import httpx
import pytest

from adapters.contract import Adapter
from adapters.errors import (
    AdapterError,
    BadCredentials,
    Conflict,
    MalformedAnswer,
    NotFound,
    RateLimited,
    Rejected,
    ScanLimit,
    Unavailable,
)
from adapters.model import UNSET, Customer, Letter
from adapters.smallinvoice import vendor
from tests.connecting import RunningSandbox, asking, connected
from tests.vendors.smallinvoice.adapting import answering, calls, customers, enveloped, letters

ADDRESS = frozenset({"address"})
"""What a list shows only where it is wanted, and a read by key always."""
RAW = ADDRESS | {"raw"}
IMPOSSIBLE = ["../customers/1", "1?x=2", "%2e%2e", "a b", "1" * 10_240, "", "0", "-1", "01", "1/token/x", "\uff11"]


async def some_customers(adapter: Adapter, count: int) -> list[Customer]:
    return list((await customers(adapter).page(asking(count, wanted=ADDRESS))).records)


class TestByKey:
    async def test_one_customer_is_one_get(self, sandbox: RunningSandbox, adapter: Adapter) -> None:
        (known,) = await some_customers(adapter, 1)
        since = sandbox.count()
        assert await customers(adapter).by_key([known.native_id], ADDRESS) == {known.native_id: known}
        assert calls(sandbox, since) == [f"GET /client/get/id/{known.native_id}"]

    async def test_one_letter_is_one_get(self, sandbox: RunningSandbox, adapter: Adapter) -> None:
        (known,) = (await letters(adapter).page(asking(1))).records
        since = sandbox.count()
        assert await letters(adapter).by_key([known.native_id], ADDRESS) == {known.native_id: known}
        assert calls(sandbox, since) == [f"GET /letter/get/id/{known.native_id}"]

    async def test_many_are_one_list_while_it_fits_on_a_page(self, sandbox: RunningSandbox, adapter: Adapter) -> None:
        known = {customer.native_id: customer for customer in await some_customers(adapter, 50)}
        since = sandbox.count()
        assert await customers(adapter).by_key(list(known), ADDRESS) == known
        assert calls(sandbox, since) == ["GET /client/list/limit/1000/page/1/"]

    async def test_pages_are_read_only_while_that_is_fewer_calls(self, sandbox: RunningSandbox) -> None:
        """240 customers are three pages of 100. After the first, two pages are fewer calls than three customers."""
        async with connected(vendor, sandbox, limits={"page_size": 100}) as adapter:
            known = (await some_customers(adapter, 240))[-3:]
            since = sandbox.count()
            found = await customers(adapter).by_key([one.native_id for one in known], ADDRESS)
            assert list(found.values()) == known
            pages = [f"GET /client/list/limit/100/page/{number}/" for number in (1, 2, 3)]
            assert calls(sandbox, since) == pages
            since = sandbox.count()
            await customers(adapter).by_key([one.native_id for one in known[:2]], ADDRESS)
            gets = {f"GET /client/get/id/{one.native_id}" for one in known[:2]}
            first, *others = calls(sandbox, since)
            assert (first, set(others), len(others)) == (pages[0], gets, 2)

    async def test_what_the_vendor_does_not_show_is_none(self, adapter: Adapter) -> None:
        known = (await some_customers(adapter, 1))[0]
        found = await customers(adapter).by_key([known.native_id, "99999999", "99999998"], ADDRESS)
        assert found == {known.native_id: known, "99999999": None, "99999998": None}
        assert await letters(adapter).by_key(["99999999"], ADDRESS) == {"99999999": None}

    async def test_impossible_ids_are_none_and_cost_no_call(self, sandbox: RunningSandbox, adapter: Adapter) -> None:
        since = sandbox.count()
        assert await customers(adapter).by_key(IMPOSSIBLE, ADDRESS) == dict.fromkeys(IMPOSSIBLE)
        assert await letters(adapter).by_key(IMPOSSIBLE, ADDRESS) == dict.fromkeys(IMPOSSIBLE)
        assert sandbox.count() == since

    async def test_impossible_ids_match_no_pattern(self) -> None:
        assert [key for key in IMPOSSIBLE if vendor.accepts("Customer", key) or vendor.accepts("Letter", key)] == []

    async def test_a_failure_of_one_key_is_that_keys_alone(self, sandbox: RunningSandbox) -> None:
        async with connected(vendor, sandbox, limits={"page_size": 1}) as adapter:
            known = await some_customers(adapter, 3)
            broken, *rest = (customer.native_id for customer in known[1:])
            sandbox.fault(kind="status", route=f"GET /client/get/id/{broken}/*", status=503)
            found = await customers(adapter).by_key([broken, *rest], ADDRESS)
        assert isinstance(found[broken], Unavailable)
        assert [found[key] for key in rest] == known[2:]

    async def test_a_letter_fails_alone_too(self, sandbox: RunningSandbox) -> None:
        async with connected(vendor, sandbox, limits={"page_size": 1}) as adapter:
            known = (await letters(adapter).page(asking(3))).records
            broken = known[1].native_id
            sandbox.fault(kind="garbage", route=f"GET /letter/get/id/{broken}/*")
            found = await letters(adapter).by_key([broken, known[2].native_id], ADDRESS)
        assert isinstance(found[broken], MalformedAnswer)
        assert found[known[2].native_id] == known[2]

    async def test_raw_is_the_vendors_whole_record(self, adapter: Adapter) -> None:
        listed = (await customers(adapter).page(asking(2, wanted=RAW))).records
        for customer in listed:
            got = (await customers(adapter).by_key([customer.native_id], RAW))[customer.native_id]
            assert got == customer
            assert isinstance(customer.raw, dict)
            assert (customer.raw["id"], customer.raw["number"]) == (int(customer.native_id), int(customer.code or 0))
            assert {"addresses", "contacts", "language"} <= customer.raw.keys()

    async def test_raw_is_left_out_unless_wanted(self, adapter: Adapter) -> None:
        (letter,) = (await letters(adapter).page(asking(1))).records
        (again,) = (await letters(adapter).by_key([letter.native_id], ADDRESS)).values()
        assert isinstance(again, Letter)
        assert (letter.raw, again.raw) == (UNSET, UNSET)

    async def test_what_a_lists_row_lacks_is_fetched_when_it_is_wanted(self) -> None:
        def answer(request: httpx.Request) -> httpx.Response:
            if "/list/" in request.url.path:
                return httpx.Response(200, json=enveloped({"id": 1}, {"id": 2, "email": "b@example.com"}))
            return httpx.Response(200, json={"error": False, "item": {"id": 1, "email": "a@example.com"}})

        async with answering(answer) as adapter:
            found = await customers(adapter).by_key(["1", "2"], frozenset({"emails"}))
            by_code = await customers(adapter).by_key(["1", "2"], frozenset())
        assert {key: one.emails for key, one in found.items() if isinstance(one, Customer)} == {
            "1": ("a@example.com",),
            "2": ("b@example.com",),
        }
        assert [one.emails for one in by_code.values() if isinstance(one, Customer)] == [UNSET, ("b@example.com",)]

    async def test_a_record_read_by_key_leaves_nothing_unset(self) -> None:
        async with answering({"error": False, "item": {"id": 1}}) as adapter:
            (found,) = (await customers(adapter).by_key(["1"], frozenset({"emails", "address"}))).values()
        assert isinstance(found, Customer)
        assert (found.emails, found.address) == (None, None)


class TestByCode:
    async def test_codes_are_looked_for_in_one_list(self, sandbox: RunningSandbox, adapter: Adapter) -> None:
        first, second = await some_customers(adapter, 2)
        since = sandbox.count()
        found = await customers(adapter).by_code([str(first.code), str(second.code), "nobody", "x" * 10_240], ADDRESS)
        assert found == {first.code: first, second.code: second, "nobody": None, "x" * 10_240: None}
        assert calls(sandbox, since) == ["GET /client/list/limit/1000/page/1/"]

    async def test_the_whole_list_is_read(self, sandbox: RunningSandbox) -> None:
        async with connected(vendor, sandbox, limits={"page_size": 100}) as adapter:
            last = (await some_customers(adapter, 240))[-1]
            since = sandbox.count()
            assert await customers(adapter).by_code([str(last.code)], ADDRESS) == {last.code: last}
        assert len(calls(sandbox, since)) == 3

    async def test_past_the_scan_budget_it_is_not_said_that_there_is_none(
        self, sandbox: RunningSandbox, adapter: Adapter
    ) -> None:
        known = await some_customers(adapter, 101)
        since = sandbox.count()
        codes = [str(known[99].code), str(known[100].code)]
        async with connected(vendor, sandbox, limits={"page_size": 50, "scan_budget": 100}) as frugal:
            found = await customers(frugal).by_code(codes, ADDRESS)
        assert len(calls(sandbox, since)) == 2
        assert found[codes[0]] == known[99]
        assert isinstance(found[codes[1]], ScanLimit)

    async def test_a_code_of_two_customers_is_a_conflict(self) -> None:
        async with answering(enveloped({"id": 1, "number": 7}, {"id": 2, "number": "7"}, {"id": 3})) as adapter:
            found = await customers(adapter).by_code(["7"], ADDRESS)
        assert isinstance(found["7"], Conflict)

    async def test_no_codes_cost_no_call(self, sandbox: RunningSandbox, adapter: Adapter) -> None:
        since = sandbox.count()
        assert await customers(adapter).by_code([], ADDRESS) == {}
        assert sandbox.count() == since

    async def test_what_the_list_lacks_is_fetched_when_it_is_wanted(self) -> None:
        def answer(request: httpx.Request) -> httpx.Response:
            if "/list/" in request.url.path:
                return httpx.Response(200, json=enveloped({"id": 1, "number": 7}))
            return httpx.Response(200, json={"error": False, "item": {"id": 1, "number": 7, "email": "a@example.com"}})

        async with answering(answer) as adapter:
            (found,) = (await customers(adapter).by_code(["7"], frozenset({"emails"}))).values()
        assert isinstance(found, Customer)
        assert found.emails == ("a@example.com",)


class TestAnswers:
    @pytest.mark.parametrize(
        ("status", "body", "kind", "code"),
        [
            (200, {"error": True, "errorcode": 99400, "errormessage": "expired"}, BadCredentials, "99400"),
            (200, {"error": True, "errorcode": 12, "errormessage": "no"}, Rejected, "12"),
            (200, {"error": True}, Rejected, None),
            (200, {"error": "false", "item": {"id": 1}}, MalformedAnswer, None),
            (200, {"error": 0, "item": {"id": 1}}, MalformedAnswer, None),
            (200, {"item": {"id": 1}}, MalformedAnswer, None),
            (200, {"error": False}, MalformedAnswer, None),
            (200, {"error": False, "item": {"id": 2}}, MalformedAnswer, None),
            (200, b"<br /><b>Notice</b>", MalformedAnswer, None),
            (200, b"", MalformedAnswer, None),
            (301, b"", MalformedAnswer, None),
            (404, b"<html>", NotFound, None),
            (403, {"error": True, "errorcode": 99400, "errormessage": "expired"}, BadCredentials, "99400"),
            (429, b"", RateLimited, None),
            (500, {"error": True, "errorcode": 99400}, Unavailable, "99400"),
        ],
    )
    async def test_only_error_false_is_success(
        self, status: int, body: Any, kind: type[AdapterError], code: str | None
    ) -> None:
        async with answering(body, status) as adapter:
            (error,) = (await letters(adapter).by_key(["1"], ADDRESS)).values()
        assert isinstance(error, AdapterError)
        shown = (type(error), error.status, error.vendor_code, error.backend, error.operation)
        assert shown == (kind, status, code, "test", "letter.get")

    async def test_a_refusal_has_the_vendors_words(self) -> None:
        async with answering({"error": True, "errorcode": 5, "errormessage": "No more today"}) as adapter:
            with pytest.raises(Rejected, match=r"^No more today$"):
                await customers(adapter).page(asking(1))

    async def test_retry_after_is_kept(self, sandbox: RunningSandbox, adapter: Adapter) -> None:
        sandbox.fault(kind="status", status=429, retry_after=7)
        with pytest.raises(RateLimited) as caught:
            await customers(adapter).page(asking(1))
        assert caught.value.retry_after == 7

    @pytest.mark.parametrize(
        "page",
        [
            enveloped({"id": 1}, count=3, pages=2),  # fewer than the limit allows
            enveloped({"id": 1}, {"id": 2}, {"id": 3}, count=3, pages=2),  # more than the limit
            enveloped({"id": 1}, {"id": 2}, count=2, pages=2),  # the count is the page's
            enveloped({"id": 1}, {"id": 2}, count=2, page=2),  # another page
            {"error": False, "items": [{"id": 1}]},  # no count
        ],
    )
    async def test_a_page_that_is_not_as_full_as_it_must_be_is_not_believed(self, page: object) -> None:
        async with answering(page, page_size=2) as adapter:
            with pytest.raises(MalformedAnswer):
                await customers(adapter).page(asking(2))
