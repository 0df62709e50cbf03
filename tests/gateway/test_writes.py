"""What creates, changes and deletes; what was written is said whatever follows."""

import asyncio
import datetime
from typing import Any

import msgspec
import pytest
import structlog
from msgspec import UNSET

from adapters import contract
from adapters.contract import Outcome, OutcomeState, StatusChange
from adapters.errors import Conflict, Forbidden, OutcomeUnknown, RateLimited, Unavailable
from adapters.model import DocumentState, RecordStatus
from tests.gateway.asking import answer, data, gateway_over, gid
from tests.gateway.logged import troubles
from tests.gateway.records import letter
from tests.gateway.writing import (
    CORRESPONDENCE,
    CUSTOMER,
    LETTER,
    MESSAGE,
    NEW_LETTER,
    TEMPLATE,
    TEXT,
    text_of,
    writer,
    written,
)
from tests.patience import PATIENCE

DAY = datetime.date(2026, 2, 3)

Request = msgspec.Struct
REQUESTS: list[tuple[str, dict[str, Any], Request]] = [
    (
        "createCorrespondence",
        {"customer": CUSTOMER, "type": "NOTICE"},
        contract.CreateCorrespondence(customer_id="1", type="NOTICE"),
    ),
    (
        "createCorrespondence",
        {"customer": CUSTOMER, "type": "N", "date": "2026-02-03", "number": "7", "vendorFields": {"x": [1]}},
        contract.CreateCorrespondence(customer_id="1", type="N", date=DAY, number="7", vendor_fields={"x": [1]}),
    ),
    ("updateCorrespondence", {"id": CORRESPONDENCE}, contract.UpdateCorrespondence(native_id="c1")),
    (
        "updateCorrespondence",
        {"id": CORRESPONDENCE, "date": None, "number": "8"},
        contract.UpdateCorrespondence(native_id="c1", date=None, number="8"),
    ),
    (
        "createLetter",
        {"customer": CUSTOMER, "date": "2026-02-03", "addressId": "3", "contactId": "4", "title": "T"},
        contract.CreateLetter(customer_id="1", date=DAY, address_id="3", contact_id="4", title="T"),
    ),
    ("updateLetter", {"id": LETTER}, contract.UpdateLetter(native_id="l1")),
    (
        "updateLetter",
        {"id": LETTER, "customer": gid("Customer", "a", "2"), "title": None, "addressId": None, "contactId": "9"},
        contract.UpdateLetter(native_id="l1", customer_id="2", title=None, address_id=None, contact_id="9"),
    ),
    (
        "createTemplate",
        {"customer": CUSTOMER, "emailTemplate": TEXT, "transactionDefinition": "INV"},
        contract.CreateTemplate(customer_id="1", email_template_id="Tt1", transaction_definition="INV"),
    ),
    ("updateTemplate", {"id": TEMPLATE}, contract.UpdateTemplate(native_id="t1")),
    (
        "updateTemplate",
        {"id": TEMPLATE, "emailTemplate": TEXT, "transactionDefinition": None},
        contract.UpdateTemplate(native_id="t1", email_template_id="Tt1", transaction_definition=None),
    ),
    ("createMessage", {"backend": "a", "code": "C", "text": "T"}, contract.CreateMessage(code="C", text="T")),
    (
        "createMessage",
        {"backend": "a", "code": "C", "text": "T", "status": "INACTIVE"},
        contract.CreateMessage(code="C", text="T", status=RecordStatus.INACTIVE),
    ),
    ("updateMessage", {"id": MESSAGE, "text": "T"}, contract.UpdateMessage(native_id="m1", text="T")),
    (
        "setDocumentStatus",
        {"id": LETTER, "status": {"state": "READY"}},
        contract.SetDocumentStatus(native_id="l1", status=StatusChange(state=DocumentState.READY)),
    ),
    (
        "setDocumentStatus",
        {"id": LETTER, "status": {"vendorStatus": "S"}},
        contract.SetDocumentStatus(native_id="l1", status=StatusChange(vendor_status="S")),
    ),
]


@pytest.mark.parametrize(("mutation", "members", "expected"), REQUESTS)
async def test_an_input_is_this_request_and_one_call(mutation: str, members: Any, expected: Request) -> None:
    a = writer()
    payload = await written(a, mutation, selected=None, **members)
    requests = [request for _, request, _ in a.behaviour.prepared]
    assert (payload["problems"], requests, len(a.behaviour.of("perform"))) == ([], [expected], 1)


def test_the_requests_above_tell_unset_from_null() -> None:
    absent, null = contract.UpdateLetter(native_id="l1"), contract.UpdateLetter(native_id="l1", title=None)
    assert (absent == null, absent.title) == (False, UNSET)


@pytest.mark.parametrize(
    ("mutation", "value", "target"),
    [
        ("deleteCorrespondence", CORRESPONDENCE, "c1"),
        ("deleteLetter", LETTER, "l1"),
        ("deleteTemplate", TEMPLATE, "t1"),
    ],
)
async def test_a_deletion_answers_the_id_that_is_gone(mutation: str, value: str, target: str) -> None:
    a = writer()
    assert await written(a, mutation, id=value) == {"deletedId": value, "problems": []}
    assert a.behaviour.prepared == [("delete", target, None)]


# ── What became of it ────────────────────────────────────────────────────────────────────────────────────────────────


def outcome(state: OutcomeState, **members: Any) -> Outcome:
    return Outcome(state=state, **members)


UNDONE, UNKNOWN = OutcomeState.UNDONE, OutcomeState.UNKNOWN
OUTCOMES: list[tuple[Outcome | Exception, str]] = [
    (outcome(UNDONE, error=Conflict("Taken.", backend="a")), "CONFLICT"),
    (outcome(UNDONE, error=Forbidden("No.", backend="a")), "FORBIDDEN"),
    (outcome(UNDONE, message="No."), "REJECTED"),
    (outcome(UNKNOWN, error=OutcomeUnknown("Lost.", backend="a")), "OUTCOME_UNKNOWN"),
    (outcome(UNKNOWN, error=Unavailable("502.", backend="a")), "OUTCOME_UNKNOWN"),
    (outcome(UNKNOWN, error=RateLimited("503.", backend="a", retry_after=1)), "OUTCOME_UNKNOWN"),
    (outcome(UNKNOWN), "OUTCOME_UNKNOWN"),
    (RuntimeError("token=hunter2"), "OUTCOME_UNKNOWN"),
]


@pytest.mark.parametrize(("planned", "code"), OUTCOMES)
async def test_what_was_not_or_may_not_have_been_done_is_a_problem(planned: Any, code: str) -> None:
    a = writer()
    a.behaviour.outcomes.append(planned if isinstance(planned, Exception) else [planned])
    with structlog.testing.capture_logs():
        payload = await written(a, "updateLetter", id=LETTER)
    assert ([one["code"] for one in payload["problems"]], payload["letter"]) == ([code], None)
    assert (len(a.behaviour.of("perform")), "hunter2" in str(payload)) == (1, False)


async def test_what_may_have_been_done_is_never_said_to_be_retryable() -> None:
    a = writer()
    error = RateLimited("Later.", backend="a", vendor_code="503", retry_after=1)
    a.behaviour.outcomes.append([outcome(UNKNOWN, error=error)])
    (problem,) = (await written(a, "updateLetter", id=LETTER))["problems"]
    assert problem == {
        "code": "OUTCOME_UNKNOWN",
        "message": "It may have been done: Later.",
        "path": None,
        "backend": "a",
        "vendorCode": "503",
        "retryable": False,
        "retryAfter": None,
    }


@pytest.mark.parametrize("planned", [outcome(UNDONE, message="No."), outcome(UNKNOWN)])
async def test_a_deletion_that_was_not_proved_has_no_deleted_id(planned: Outcome) -> None:
    a = writer()
    a.behaviour.outcomes.append([planned])
    assert (await written(a, "deleteLetter", id=LETTER))["deletedId"] is None


async def test_the_record_that_the_answer_carries_is_not_read_again() -> None:
    a = writer()
    a.behaviour.outcomes.append([outcome(OutcomeState.DONE, native_id="l1", record=letter("a", "l1", title="New"))])
    payload = await written(a, "updateLetter", id=LETTER, selected="{ title }")
    assert (payload["letter"], a.behaviour.verbs()) == ({"title": "New"}, ["perform"])


async def test_a_record_that_the_answer_does_not_carry_is_read_with_what_is_selected() -> None:
    a = writer()
    payload = await written(a, "updateLetter", id=LETTER, selected="{ title raw }")
    assert payload["letter"] == {"title": "Letter l1", "raw": {}}
    assert a.behaviour.of("letters.by_key")[0].wanted == {"title", "raw"}


async def test_a_record_that_nobody_selected_is_not_read() -> None:
    a = writer()
    await written(a, "updateLetter", selected=None, id=LETTER)
    assert a.behaviour.verbs() == ["perform"]


UNREADABLE: list[tuple[Exception | None, str, str]] = [
    (Unavailable("Down.", backend="a"), "UNAVAILABLE", "Written, as l1, but it could not be read back: Down."),
    (None, "UNAVAILABLE", "Written, as l1, but it could not be read back: the vendor shows no such record."),
]


@pytest.mark.parametrize(("failure", "code", "text"), UNREADABLE)
async def test_what_was_written_but_cannot_be_read_back_says_both(
    failure: Exception | None, code: str, text: str
) -> None:
    a = writer()
    if failure is None:
        a.shelves["letters"].records.clear()
    else:
        a.behaviour.lasting["letters.by_key"] = failure
    payload = await written(a, "updateLetter", id=LETTER)
    assert (payload["letter"], [(one["code"], one["message"]) for one in payload["problems"]]) == (None, [(code, text)])


async def test_what_was_written_is_said_even_when_reading_it_is_a_fault_of_ours() -> None:
    a = writer()
    a.behaviour.lasting["letters.by_key"] = RuntimeError("token=hunter2")
    with structlog.testing.capture_logs() as logs:
        payload = await written(a, "updateLetter", id=LETTER)
    (problem,) = payload["problems"]
    assert problem["message"].startswith("Written, as l1, but it could not be read back (incident ")
    assert ([entry["event"] for entry in troubles(logs)], "hunter2" in str(payload)) == (["internal error"], False)


async def test_what_was_written_under_an_id_that_the_vendor_keeps_to_itself_says_so() -> None:
    a = writer()
    a.behaviour.outcomes.append([outcome(OutcomeState.DONE)])
    payload = await written(a, "createLetter", **NEW_LETTER)
    assert [one["message"] for one in payload["problems"]] == ["Written, but the vendor did not say under which id."]


async def test_a_second_mutation_reads_what_the_first_wrote() -> None:
    a = writer()
    query = """mutation($input: UpdateLetterInput!) {
      one: updateLetter(input: $input) { letter { title } } two: updateLetter(input: $input) { letter { title } }
    }"""
    await data(gateway_over(a), query, input={"id": LETTER})
    assert a.behaviour.verbs() == ["perform", "letters.by_key"] * 2


async def test_a_caller_that_leaves_does_not_take_the_write_along() -> None:
    a = writer()
    gateway = gateway_over(a)
    gate = a.behaviour.hold("perform")
    asked = asyncio.create_task(answer(gateway, text_of("updateLetter"), input={"id": LETTER}))
    async with asyncio.timeout(PATIENCE):
        await gate.begun.wait()
        asked.cancel()
        gate.release.set()
        await gateway.sending.drain()
    assert a.behaviour.performed == [("l1",)]
