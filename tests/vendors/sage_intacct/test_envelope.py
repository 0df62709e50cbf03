"""Answers: the three places of an error, its kinds, and what is not to be believed."""

import json
from typing import Any

import httpx
import pytest

from adapters.contract import Adapter
from adapters.errors import (
    AdapterError,
    BadCredentials,
    Conflict,
    Forbidden,
    InvalidInput,
    MalformedAnswer,
    NotFound,
    RateLimited,
    Rejected,
    TimedOut,
    Unavailable,
)
from adapters.sage_intacct import vendor
from tests.connecting import asking
from tests.vendors.sage_intacct.answering import adapter_over, answering, listing, nested_error, one

ERROR = {
    "code": "invalidRequest",
    "message": "Payload contains errors",
    "errorId": "REST-1064",
    "supportId": "Kxi78%7EZuy",
    "additionalInfo": {},
    "details": [{"errorId": "REST-1043", "message": "/x is not a valid field", "target": "/x"}],
}


async def failure(adapter: Adapter) -> AdapterError:
    """How a page of customers fails."""
    assert adapter.customers is not None
    with pytest.raises(AdapterError) as raised:
        await adapter.customers.page(asking())
    return raised.value


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize(
    "body",
    [
        {"ia::result": {"ia::error": ERROR}, "ia::meta": {"totalCount": 1, "totalSuccess": 0, "totalError": 1}},
        {"ia::result": {"ia::error": [ERROR, {"message": "Another."}]}},
        {"ia::error": ERROR, "ia::meta": {}},
        {"ia::error": [ERROR]},
        {"error": ERROR},
    ],
)
async def test_an_error_is_found_wherever_it_stands(body: object, status: int) -> None:
    error = await failure(adapter_over(answering(body, status)))
    assert type(error) is InvalidInput
    assert (error.message, error.vendor_code, error.request_id) == (
        "Payload contains errors /x is not a valid field",
        "REST-1064",
        "Kxi78%7EZuy",
    )
    assert (error.backend, error.operation, error.status) == ("test", "customer.list", status)


@pytest.mark.parametrize(
    ("status", "members", "kind"),
    [
        (400, {}, InvalidInput),
        (400, {"code": "notFound", "errorId": None}, NotFound),
        (400, {"code": "tokenInvalid", "errorId": "REST-2102"}, BadCredentials),
        (401, {"code": "x", "errorId": "x"}, BadCredentials),
        (403, {"code": "x", "errorId": "x"}, Forbidden),
        (400, {"code": "x", "errorId": "GW-0042"}, Forbidden),
        (400, {"code": "x", "errorId": "GW-0031"}, BadCredentials),
        (404, {"code": "x", "errorId": "x"}, NotFound),
        (405, {"code": "x", "errorId": "x"}, InvalidInput),
        (409, {"code": "operationFailed", "errorId": "x"}, Conflict),
        (422, {"code": "operationFailed", "errorId": "x"}, InvalidInput),
        (422, {"code": "operationFailed", "message": "Message A already exists"}, Conflict),
        (429, {"code": "x", "errorId": "GW-0010"}, RateLimited),
        (500, {"code": "x", "errorId": "GW-0001"}, Unavailable),
        (503, {"code": "x", "errorId": "x"}, Unavailable),
        (504, {"code": "x", "errorId": "x"}, TimedOut),
        (200, {"code": "operationFailed", "errorId": "x"}, InvalidInput),
        (200, {"code": "x", "errorId": "x"}, Rejected),
    ],
)
async def test_status_and_code_say_what_kind_of_error_it_is(
    status: int, members: dict[str, Any], kind: type[AdapterError]
) -> None:
    assert type(await failure(adapter_over(answering(nested_error(**members), status)))) is kind


@pytest.mark.parametrize("body", [b"", b"<html>", {}, {"error": None}, []])
async def test_a_status_without_an_error_is_an_error_still(body: object) -> None:
    error = await failure(adapter_over(answering(body, 500)))
    assert (type(error), error.message) == (Unavailable, "The vendor answered with HTTP status 500.")


async def test_an_error_in_a_shape_of_its_own_is_an_error_still() -> None:
    error = await failure(adapter_over(answering({"error": "invalid_grant"}, 400)))
    assert (type(error), error.message) == (InvalidInput, "invalid_grant")


async def test_details_that_are_no_list_are_let_be() -> None:
    body = {"ia::error": {"message": "Slow down.", "errorId": "GW-0010", "details": {"requestId": "1"}}}
    assert (await failure(adapter_over(answering(body, 429)))).message == "Slow down."


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry_after": "3", "x_ia_throttle_limit_retry_after": "9"}, 3),
        ({"X-IA-Throttle-RetryAfter": "5"}, 5),
        ({"X-IA-Hour-Rate-Limit-Retry-After": "60", "X-IA-TENANT-Throttle-Retry-After": "2"}, 60),
        ({"X-IA-Throttle-Limit": "10"}, None),
        ({"X-IA-Throttle-Retry-After": "soon"}, None),
    ],
)
async def test_patience_is_asked_for_in_any_of_the_vendors_headers(headers: dict[str, str], seconds: int) -> None:
    error = await failure(adapter_over(answering(nested_error(errorId="GW-0010"), 429, **headers)))
    assert error.retry_after == seconds


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Bad gateway</html>",
        b'{"ia::result": [{"key": "1"',
        {"ia::meta": {"totalCount": 0}},
        {"ia::result": {"key": "1"}},
        {"ia::result": [{"id": "10001"}]},
        {"ia::result": [{"key": "1", "status": 5}]},
    ],
)
async def test_what_the_pages_do_not_allow_is_not_believed(body: object) -> None:
    assert type(await failure(adapter_over(answering(body)))) is MalformedAnswer


@pytest.mark.parametrize("wanted", [frozenset[str](), frozenset({"raw"})])
async def test_an_answer_about_another_record_is_not_believed(wanted: frozenset[str]) -> None:
    body = one({"key": "2"}) if wanted else listing({"key": "2"})
    adapter = adapter_over(answering(body))
    assert adapter.messages is not None
    if wanted:
        assert type((await adapter.messages.by_key(["1"], wanted))["1"]) is MalformedAnswer
    else:
        with pytest.raises(MalformedAnswer):
            await adapter.messages.by_key(["1"], wanted)


async def test_another_code_or_customer_is_not_believed() -> None:
    adapter = adapter_over(answering(listing({"key": "2", "id": "b", "customer.key": "9"})))
    assert adapter.customers is not None
    assert adapter.templates is not None
    with pytest.raises(MalformedAnswer):
        await adapter.customers.by_code(["a"], frozenset())
    for ids in (["7"], ["7", "8"]):
        with pytest.raises(MalformedAnswer):
            await adapter.templates.of_customers(ids, asking())


async def test_two_customers_of_one_code_are_a_conflict() -> None:
    rows = [{"key": "2", "id": "a"}, {"key": "3", "id": "a"}]

    def answer(request: httpx.Request) -> httpx.Response:
        asked = json.loads(request.content)
        part = rows[asked["start"] - 1 :][: asked["size"]]
        return answering(listing(*part, total=len(rows)))(request)

    adapter = adapter_over(answer)
    assert adapter.customers is not None
    assert type((await adapter.customers.by_code(["a"], frozenset()))["a"]) is Conflict


@pytest.mark.parametrize(("status", "code"), [(404, "x"), (400, "notFound"), (400, "invalidKey"), (200, "notFound")])
async def test_a_missing_record_is_none_however_it_is_said(status: int, code: str) -> None:
    adapter = adapter_over(answering(nested_error(code=code, errorId=None), status))
    assert adapter.messages is not None
    assert await adapter.messages.by_key(["1"], frozenset({"raw"})) == {"1": None}


async def test_meta_may_be_missing() -> None:
    adapter = adapter_over(answering({"ia::result": [{"key": 1, "id": 7, "totalDue": 12.5}]}))
    assert adapter.customers is not None
    page = await adapter.customers.page(asking(wanted=frozenset({"outstanding_balance"})))
    assert [(one.native_id, one.code, str(one.outstanding_balance)) for one in page.records] == [("1", "7", "12.5")]
    assert (page.total, page.end) == (None, None)


@pytest.mark.parametrize(
    ("status", "body", "is_outage"),
    [
        (200, nested_error(errorId="GW-0001"), True),
        (400, {"ia::error": {"code": "GW-0009"}}, True),
        (200, nested_error(errorId="GW-0010"), False),
        (200, nested_error(errorId="REST-1064", message="GW-0001"), False),
        (200, {"ia::result": [{"key": "1", "name": "GW-0001"}]}, False),
        (500, nested_error(errorId="GW-0001"), False),  # its status says so already
    ],
)
def test_the_gateways_own_errors_are_an_outage_under_any_status(status: int, body: object, is_outage: bool) -> None:
    assert vendor.is_outage(status, json.dumps(body).encode()) is is_outage


async def test_the_gateways_own_errors_are_unavailable_under_any_status() -> None:
    assert type(await failure(adapter_over(answering(nested_error(errorId="GW-0001"))))) is Unavailable


def test_how_long_to_wait_is_read_off_the_vendors_own_headers() -> None:
    assert vendor.retry_after(httpx.Headers({"X-IA-Throttle-Limit-Retry-After": "9"})) == 9.0
