"""Which answers to a write prove what."""

import json

import httpx
import pytest

from adapters.billing_platform import vendor
from adapters.billing_platform.writes import BillingPlatformWrites
from adapters.contract import Adapter
from adapters.errors import (
    AdapterError,
    BadCredentials,
    FileNotAvailable,
    Forbidden,
    InvalidInput,
    NotFound,
    NotReady,
    OutcomeUnknown,
    RateLimited,
    Rejected,
)
from adapters.writes import (
    CreateCorrespondence,
    DeliverDocument,
    EmailDocument,
    Outcome,
    OutcomeState,
    PreparedCall,
    Recipient,
    UpdateCorrespondence,
)
from tests.connecting import RunningSandbox, connected
from tests.vendors.billing_platform.tenant import adapter_over, answering

WRITES = BillingPlatformWrites("test")
EMAIL = WRITES.email(EmailDocument(native_id="20001"))
DELIVER = WRITES.deliver(DeliverDocument(native_id="20001"))
CREATE = WRITES.create(CreateCorrespondence(customer_id="501", type="Welcome"))
UPDATE = WRITES.update(UpdateCorrespondence(native_id="20001", number="C1"))
DELETE = WRITES.delete("20001")
UNDONE, UNKNOWN, DONE = OutcomeState.UNDONE, OutcomeState.UNKNOWN, OutcomeState.DONE
NOTHING = {"emails": 0, "letters": 0, "records": 0}


def refused(code: int, error: str = "Invalid Action", hint: str = "The action was not performed") -> str:
    return json.dumps({"error": error, "error_code": code, "hint": hint})


@pytest.mark.parametrize(
    ("status", "body", "state", "kind"),
    [
        (400, refused(400501), UNDONE, InvalidInput),
        (400, refused(400502), UNDONE, Rejected),
        (400, refused(400502, hint="The correspondence is not ready"), UNDONE, NotReady),
        (400, refused(400502, hint="Correspondence must be ready to be emailed"), UNDONE, NotReady),
        (400, refused(400502, hint="There is already an address"), UNDONE, Rejected),
        (400, "", UNDONE, InvalidInput),
        (401, "", UNDONE, BadCredentials),
        (403, refused(403999), UNDONE, Forbidden),
        (404, refused(404107), UNDONE, FileNotAvailable),
        (404, refused(404108), UNDONE, FileNotAvailable),
        (404, "<html>", UNDONE, NotFound),
        (405, "", UNDONE, InvalidInput),
        (429, "", UNDONE, RateLimited),
        (500, refused(400502), UNDONE, Rejected),
        (200, refused(400502), UNDONE, Rejected),
        (500, refused(500603), UNKNOWN, OutcomeUnknown),
        (400, refused(500603), UNKNOWN, InvalidInput),
        (200, refused(500603), UNKNOWN, AdapterError),
        (408, "", UNKNOWN, OutcomeUnknown),
        (409, "", UNKNOWN, AdapterError),
        (302, "", UNKNOWN, AdapterError),
        (500, "", UNKNOWN, OutcomeUnknown),
        (502, "<html>", UNKNOWN, OutcomeUnknown),
        (503, "", UNKNOWN, OutcomeUnknown),
        (504, "", UNKNOWN, OutcomeUnknown),
        (200, "", UNKNOWN, OutcomeUnknown),
        (200, '{"success": tr', UNKNOWN, OutcomeUnknown),
        (200, '{"success": false, "message": "queue full"}', UNKNOWN, OutcomeUnknown),
        (200, "{}", UNKNOWN, OutcomeUnknown),
    ],
)
async def test_an_answer_to_an_email(status: int, body: str, state: OutcomeState, kind: type[AdapterError]) -> None:
    (outcome,) = await adapter_over(answering(status, body)).perform(EMAIL)

    assert (outcome.state, isinstance(outcome.error, kind)) == (state, True)


@pytest.mark.parametrize(("status", "state"), [(200, DONE), (204, DONE), (202, UNKNOWN), (500, UNKNOWN), (404, UNDONE)])
async def test_an_answer_to_a_deletion_is_its_status_alone(status: int, state: OutcomeState) -> None:
    (outcome,) = await adapter_over(answering(status, "gone")).perform(DELETE)

    assert outcome.state == state


@pytest.mark.parametrize(
    ("row", "state"),
    [
        ({"id": 77}, DONE),
        ({"id": "77", "customerID": 501}, DONE),
        ({"id": "77", "customerID": "502"}, UNKNOWN),
        ({"correspondenceType": "Welcome"}, UNKNOWN),
        ({"id": "77", "correspondenceDate": "soon"}, UNKNOWN),
        ([], UNKNOWN),
    ],
)
async def test_a_creation_is_done_where_the_customers_new_record_is_answered(row: object, state: OutcomeState) -> None:
    (outcome,) = await adapter_over(answering(201, json.dumps(row))).perform(CREATE)

    assert (outcome.state, outcome.native_id) == (state, "77" if state is DONE else None)


@pytest.mark.parametrize("call", [UPDATE, DELIVER], ids=["update", "deliver"])
@pytest.mark.parametrize(("number", "state"), [("20001", DONE), ("20002", UNKNOWN)])
async def test_a_change_is_done_where_the_same_record_is_answered(
    call: PreparedCall, number: str, state: OutcomeState
) -> None:
    (outcome,) = await adapter_over(answering(200, json.dumps({"id": number}))).perform(call)

    assert outcome.state == state


async def settled(fresh: RunningSandbox, **fault: object) -> Outcome:
    fresh.fault(route="POST */correspondence/20001", **fault)
    async with connected(vendor, fresh) as adapter:
        (outcome,) = await adapter.perform(EMAIL)
    return outcome


@pytest.mark.parametrize("kind", ["reset_after", "truncate", "garbage"])
async def test_an_answer_lost_after_the_work_is_unknown_and_not_asked_again(fresh: RunningSandbox, kind: str) -> None:
    outcome = await settled(fresh, kind=kind)

    assert (outcome.state, type(outcome.error)) == (UNKNOWN, OutcomeUnknown)
    assert (fresh.count(), fresh.effects()["emails"]) == (1, 1)


async def test_a_connection_lost_before_the_work_is_as_unknown(fresh: RunningSandbox) -> None:
    outcome = await settled(fresh, kind="reset_before")

    assert (outcome.state, type(outcome.error), fresh.effects()) == (UNKNOWN, OutcomeUnknown, NOTHING)


async def test_a_rate_limit_says_when_to_come_back(fresh: RunningSandbox) -> None:
    outcome = await settled(fresh, kind="status", status=429, retry_after=7)

    assert outcome.error is not None
    assert (outcome.state, outcome.error.retry_after, fresh.effects()) == (UNDONE, 7, NOTHING)


async def test_a_vendor_that_is_not_there_did_nothing() -> None:
    def unreachable(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    (outcome,) = await adapter_over(unreachable).perform(EMAIL)

    assert outcome.state == UNDONE


@pytest.mark.parametrize(
    ("call", "code", "kind"),
    [
        (WRITES.email(EmailDocument(native_id="20001", attachments=("Nowhere",))), "404108", FileNotAvailable),
        (WRITES.email(EmailDocument(native_id="20002")), "400502", Rejected),
        (WRITES.email(EmailDocument(native_id="999999")), None, NotFound),
        (WRITES.create(CreateCorrespondence(customer_id="999999", type="Welcome")), None, NotFound),
    ],
    ids=["no such attachment", "not ready", "no such correspondence", "no such customer"],
)
async def test_the_emulators_refusals_are_undone(
    company: RunningSandbox, reader: Adapter, call: PreparedCall, code: str | None, kind: type[AdapterError]
) -> None:
    before = company.effects()

    (outcome,) = await reader.perform(call)

    assert outcome.error is not None
    assert (outcome.state, isinstance(outcome.error, kind), company.effects()) == (UNDONE, True, before)
    assert code in (None, outcome.error.vendor_code)


async def test_mail_that_the_emulator_could_not_send_is_unknown(company: RunningSandbox, reader: Adapter) -> None:
    refusing = Recipient(email="accounts@refused.example")

    (outcome,) = await reader.perform(WRITES.email(EmailDocument(native_id="20001", recipients=(refusing,))))

    assert outcome.error is not None
    assert (outcome.state, outcome.error.vendor_code) == (UNKNOWN, "500603")
