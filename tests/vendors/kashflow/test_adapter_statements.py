"""Statements through the adapter: the calls prepared, and what each answer proves."""

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.contract import Adapter
from adapters.errors import AdapterError, InvalidInput, NotFound, OutcomeUnknown, Rejected
from adapters.kashflow import vendor
from adapters.kashflow.statements import prepare
from adapters.writes import EmailStatements, Outcome, OutcomeState, PreparedCall
from tests.connecting import RunningSandbox, connected, running_sandbox
from tests.vendors.kashflow.wired import answering

DONE, UNDONE, UNKNOWN = OutcomeState.DONE, OutcomeState.UNDONE, OutcomeState.UNKNOWN
SENDING = "POST /v2/customerstatements/bulk/email"

# customer-statement-bulk-email: its example, and the same as the list that the page's prose describes.
PUBLISHED = """
{
{
"CustomerCode": "101",
"Sent": true,
"Message": "Marked to send"
},
{
"CustomerCode": "CUST123",
"Sent": false,
"Message": "Invalid customer code"
},
{
"CustomerCode": "CUST2345",
"Sent": false,
"Message": "Invalid customer email address"
},
{
"CustomerCode": "0065",
"Sent": true,
"Message": "Marked to send"
}
}
"""
AS_LIST = "[" + PUBLISHED.strip()[1:-1] + "]"
PUBLISHED_CODES = ("101", "CUST123", "CUST2345", "0065")


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    with running_sandbox(vendor) as running:
        yield running


def prepared(*codes: str, batch: int = 35, **members: Any) -> tuple[PreparedCall, ...]:
    return prepare(EmailStatements(customer_ids=codes, **members), backend="test", batch=batch)


async def performed(body: str | bytes, *codes: str, status: int = 200) -> tuple[Outcome, ...]:
    """What is read off this answer to a call about these customers."""
    adapter = answering(body if isinstance(body, bytes) else body.encode(), status=status)
    [call] = prepared(*codes)
    return await adapter.perform(call)


async def sent(adapter: Adapter, *codes: str, **members: Any) -> tuple[Outcome, ...]:
    assert adapter.email_statements is not None
    outcomes: tuple[Outcome, ...] = ()
    for call in adapter.email_statements(EmailStatements(customer_ids=codes, **members)):
        outcomes += await adapter.perform(call)
    return outcomes


def states(outcomes: tuple[Outcome, ...]) -> list[OutcomeState]:
    return [outcome.state for outcome in outcomes]


def row(code: str | None, *, sent: object = True, message: str = "Marked to send") -> dict[str, Any]:
    return {"CustomerCode": code, "Sent": sent, "Message": message}


class TestPrepared:
    def test_the_published_request_is_made(self) -> None:
        [call] = prepared(
            *PUBLISHED_CODES, start=date(2013, 1, 1), end=date(2013, 10, 10), all_invoices=True, exclude_paid=True
        )
        assert (call.request.method, call.request.path) == ("POST", ("customerstatements", "bulk", "email"))
        assert call.request.query == (
            ("startdate", "20130101"),
            ("enddate", "20131010"),
            ("excludepaidinvoices", "1"),
            ("filterby", "all"),
        )
        assert json.loads(call.request.body or b"") == list(PUBLISHED_CODES)
        assert call.targets == PUBLISHED_CODES

    def test_a_call_is_a_write_to_addresses_of_the_vendors_choice_without_a_credential(self) -> None:
        [call] = prepared("101")
        assert call.request.write
        assert call.recipients is None
        assert dict(call.request.headers) == {"accept": "application/json", "content-type": "application/json"}

    def test_what_is_not_asked_for_is_left_to_the_vendor(self) -> None:
        [call] = prepared("101")
        assert call.request.query == ()

    def test_a_year_has_four_digits(self) -> None:
        [call] = prepared("101", start=date(987, 1, 2), end=date(987, 1, 2))
        assert call.request.query[0] == ("startdate", "09870102")

    @given(st.lists(st.integers(0, 200).map(str), min_size=1, max_size=200), st.integers(1, 40))
    def test_each_customer_is_in_one_call_and_no_call_is_too_large(self, codes: list[str], batch: int) -> None:
        calls = prepared(*codes, batch=batch)
        assert [code for call in calls for code in call.targets] == list(dict.fromkeys(codes))
        assert [json.loads(call.request.body or b"") for call in calls] == [list(call.targets) for call in calls]
        assert all(len(call.targets) == batch for call in calls[:-1])
        assert len(calls[-1].targets) <= batch

    @pytest.mark.parametrize(
        ("codes", "members", "field"),
        [
            ((), {}, "customer_ids"),
            (("",), {}, "customer_ids"),
            (("1", "../2"), {}, "customer_ids"),
            (("1", "\ud800"), {}, "customer_ids"),
            (("acme", "ACME"), {}, "customer_ids"),
            (("1",), {"start": date(2026, 1, 1)}, "end"),
            (("1",), {"end": date(2026, 1, 1)}, "start"),
            (("1",), {"start": date(2026, 1, 2), "end": date(2026, 1, 1)}, "end"),
        ],
    )
    def test_what_would_be_refused_or_sent_twice_is_invalid(
        self, codes: tuple[str, ...], members: dict[str, Any], field: str
    ) -> None:
        with pytest.raises(InvalidInput) as caught:
            prepared(*codes, **members)
        assert (caught.value.field, caught.value.never_sent) == (field, True)


class TestWire:
    async def test_the_call_arrives_as_the_page_writes_it(self, sandbox: RunningSandbox) -> None:
        async with connected(vendor, sandbox) as adapter:
            await sent(
                adapter,
                "10001",
                "10002",
                start=date(2026, 1, 1),
                end=date(2026, 6, 30),
                all_invoices=True,
                exclude_paid=True,
            )
        entry = sandbox.journal()[-1]
        assert (entry["method"], entry["raw_path"]) == ("POST", "/v2/customerstatements/bulk/email")
        assert entry["query"] == "startdate=20260101&enddate=20260630&excludepaidinvoices=1&filterby=all"
        assert entry["body"] == '["10001","10002"]'
        assert dict(entry["headers"])["content-type"] == "application/json"
        assert sandbox.effects()["emails"] == 2

    async def test_seventy_one_customers_are_three_calls(self, sandbox: RunningSandbox) -> None:
        codes = [str(10001 + n) for n in range(71)]
        async with connected(vendor, sandbox) as adapter:
            outcomes = await sent(adapter, *codes, codes[0])
        bodies = [json.loads(entry["body"]) for entry in sandbox.journal() if "bulk" in entry["raw_path"]]
        assert [len(body) for body in bodies] == [35, 35, 1]
        assert len(outcomes) == 71
        assert sandbox.effects()["emails"] == states(outcomes).count(DONE)

    async def test_each_customer_has_the_vendors_own_answer(self, sandbox: RunningSandbox) -> None:
        async with connected(vendor, sandbox) as adapter:
            outcomes = await sent(adapter, "10001", "10016", "nobody")
        assert states(outcomes) == [DONE, UNDONE, UNDONE]
        assert [outcome.message for outcome in outcomes] == [
            "Marked to send",
            "Invalid customer email address",
            "Invalid customer code",
        ]


class TestAnswers:
    @pytest.mark.parametrize("body", [PUBLISHED, AS_LIST])
    async def test_the_published_answer_is_read_in_both_its_forms(self, body: str) -> None:
        outcomes = await performed(body, *PUBLISHED_CODES)
        assert states(outcomes) == [DONE, UNDONE, UNDONE, DONE]
        assert [type(outcome.error) for outcome in outcomes] == [type(None), NotFound, InvalidInput, type(None)]

    async def test_braces_within_a_message_are_kept(self) -> None:
        body = '{ {"CustomerCode":"1","Sent":false,"Message":"no } or { here"} }'
        assert [outcome.message for outcome in await performed(body, "1")] == ["no } or { here"]

    @given(st.permutations(["1", "2", "3", "4"]), st.sets(st.sampled_from(["1", "2", "3", "4"])))
    async def test_rows_are_matched_by_code_in_any_order_and_a_missing_one_is_unknown(
        self, order: list[str], missing: set[str]
    ) -> None:
        rows = [row(code, sent=code in "13") for code in order if code not in missing]
        outcomes = await performed(json.dumps(rows), "1", "2", "3", "4")
        expected = {code: UNKNOWN if code in missing else DONE if code in "13" else UNDONE for code in "1234"}
        assert states(outcomes) == list(expected.values())

    @pytest.mark.parametrize(
        ("rows", "expected"),
        [
            ([row("1"), row("1")], DONE),
            ([row("1", sent=False), row("1", sent=False)], UNDONE),
            ([row("1"), row("1", sent=False)], UNKNOWN),
            ([row("1", sent=None)], UNKNOWN),
            ([row(None)], UNKNOWN),
            ([row("2")], UNKNOWN),
            ([row(" 1  ")], DONE),
            ([row("1"), row("unasked", sent=False)], DONE),
            ([], UNKNOWN),
        ],
    )
    async def test_rows_that_do_not_fit_prove_nothing(self, rows: list[Any], expected: OutcomeState) -> None:
        [outcome] = await performed(json.dumps(rows), "1")
        assert outcome.state is expected
        assert isinstance(outcome.error, {DONE: type(None), UNDONE: Rejected, UNKNOWN: OutcomeUnknown}[expected])

    async def test_a_code_repeated_in_another_case_is_the_same_customer(self) -> None:
        assert states(await performed(json.dumps([row("acme")]), "ACME")) == [DONE]

    async def test_a_refusal_without_reason_is_still_a_refusal(self) -> None:
        [outcome] = await performed('[{"CustomerCode":"1","Sent":false}]', "1")
        assert outcome.state is UNDONE

    @pytest.mark.parametrize(
        "body", ["", "[", "{}", "null", "[1]", "<html>", '{"CustomerCode":"1","Sent":true}', "{ }"]
    )
    async def test_a_success_that_is_no_list_is_unknown(self, body: str) -> None:
        outcomes = await performed(body, "1", "2")
        assert states(outcomes) == [UNKNOWN, UNKNOWN]
        assert {type(outcome.error) for outcome in outcomes} == {OutcomeUnknown}


class TestOutcomes:
    @pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 406, 415, 429])
    async def test_a_refusal_proves_that_nothing_was_sent(self, sandbox: RunningSandbox, status: int) -> None:
        sandbox.fault(kind="status", status=status, times=2, route=SENDING, body='{"Error":"No","Message":"Not so."}')
        async with connected(vendor, sandbox) as adapter:
            outcomes = await sent(adapter, "10001", "10002")
        assert states(outcomes) == [UNDONE, UNDONE]
        assert outcomes[0].message == "Not so."
        assert sandbox.effects()["emails"] == 0

    @pytest.mark.parametrize("status", [302, 408, 409, 500, 502, 503, 504])
    async def test_any_other_status_proves_nothing(self, sandbox: RunningSandbox, status: int) -> None:
        sandbox.fault(kind="status", status=status, route=SENDING)
        async with connected(vendor, sandbox) as adapter:
            outcomes = await sent(adapter, "10001", "10002")
        assert states(outcomes) == [UNKNOWN, UNKNOWN]

    @pytest.mark.parametrize("code", ["-2146232060", "-2146233088"])
    async def test_an_exception_dressed_as_a_400_proves_nothing(self, sandbox: RunningSandbox, code: str) -> None:
        body = json.dumps({"Error": code, "Message": "Execution Timeout Expired."})
        sandbox.fault(kind="status", status=400, route=SENDING, body=body, content_type="application/json")
        async with connected(vendor, sandbox) as adapter:
            [outcome] = await sent(adapter, "10001")
        assert (outcome.state, outcome.message) == (UNKNOWN, "Execution Timeout Expired.")
        assert isinstance(outcome.error, AdapterError)
        assert outcome.error.vendor_code == code

    @pytest.mark.parametrize("kind", ["reset_before", "reset_after", "truncate", "garbage"])
    async def test_an_answer_that_is_lost_proves_nothing(self, sandbox: RunningSandbox, kind: str) -> None:
        sandbox.fault(kind=kind, route=SENDING)
        async with connected(vendor, sandbox) as adapter:
            outcomes = await sent(adapter, "10001", "10002")
        assert states(outcomes) == [UNKNOWN, UNKNOWN]

    async def test_a_refused_connection_proves_that_nothing_was_sent(self) -> None:
        with running_sandbox(vendor) as gone:
            pass
        async with connected(vendor, gone) as adapter:
            assert states(await sent(adapter, "10001")) == [UNDONE]

    @pytest.mark.parametrize("fault", [{"kind": "status", "status": 503}, {"kind": "reset_after"}, {"kind": "garbage"}])
    async def test_a_sign_in_that_fails_proves_that_nothing_was_sent(
        self, sandbox: RunningSandbox, fault: dict[str, Any]
    ) -> None:
        sandbox.fault(route="* /v2/sessiontoken", **fault)
        async with connected(vendor, sandbox) as adapter:
            assert states(await sent(adapter, "10001")) == [UNDONE]
        assert sandbox.effects()["emails"] == 0

    async def test_a_session_that_ended_costs_a_sign_in_and_no_second_statement(self, sandbox: RunningSandbox) -> None:
        async with connected(vendor, sandbox) as adapter:
            await adapter.check()
            sandbox.fault(kind="expire_session", route=SENDING)
            outcomes = await sent(adapter, "10001")
        assert states(outcomes) == [DONE]
        assert sandbox.effects()["emails"] == 1
        asked = [(entry["method"], entry["status"]) for entry in sandbox.journal()[3:]]
        assert asked == [("POST", 401), ("POST", 201), ("PUT", 200), ("POST", 200)]
