"""What became of a write, as far as the answer proves it; evidence; the check."""

from typing import Any

import httpx
import pytest

from adapters.contract import (
    Adapter,
    CreateLetter,
    EmailDocument,
    Evidence,
    EvidenceRequest,
    Outcome,
    OutcomeState,
    PostDocument,
    PreparedCall,
    Recipient,
    SendAction,
    SetDocumentStatus,
    StatusChange,
    Verdict,
)
from adapters.errors import (
    AdapterError,
    BadCredentials,
    InvalidInput,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Unavailable,
    UnsupportedByVendor,
)
from adapters.smallinvoice import vendor
from adapters.smallinvoice.letter_calls import LetterCalls
from tests.connecting import NOW, RunningSandbox, connected
from tests.vendors.smallinvoice.adapting import answering, calls

DONE, UNDONE, UNKNOWN = OutcomeState.DONE, OutcomeState.UNDONE, OutcomeState.UNKNOWN
CALLS = LetterCalls("test")
MAIL = CALLS.email(EmailDocument(native_id="2", recipients=(Recipient(email="a@example.com"),), subject="s", body="b"))
POST = CALLS.post(PostDocument(native_id="2", priority=True))
NEW = CALLS.create(CreateLetter(customer_id="16", address_id="11", date=NOW.date()))


async def outcome_of(adapter: Adapter, call: PreparedCall) -> Outcome:
    (outcome,) = await adapter.perform(call)
    return outcome


@pytest.mark.parametrize(
    ("status", "body", "state", "kind"),
    [
        (200, {"error": False}, DONE, None),
        (201, {"error": False, "more": [1]}, DONE, None),
        (200, {"error": True, "errorcode": 99400}, UNDONE, BadCredentials),
        (200, {"error": True, "errorcode": 15016}, UNDONE, NotFound),
        (200, {"error": True, "errorcode": 1}, UNDONE, Rejected),
        (200, {"error": True}, UNDONE, Rejected),
        (400, {"error": True, "errorcode": 1}, UNDONE, InvalidInput),
        (401, b"", UNDONE, BadCredentials),
        (403, {"error": True, "errorcode": 99400}, UNDONE, BadCredentials),
        (404, b"<html>", UNDONE, NotFound),
        (405, b"", UNDONE, InvalidInput),
        (413, b"", UNDONE, InvalidInput),
        (414, b"", UNDONE, InvalidInput),
        (415, b"", UNDONE, InvalidInput),
        (429, b"", UNDONE, RateLimited),
        (200, {"error": "false"}, UNKNOWN, OutcomeUnknown),
        (200, {"error": 0}, UNKNOWN, OutcomeUnknown),
        (200, {"error": None}, UNKNOWN, OutcomeUnknown),
        (200, {"error": "true"}, UNKNOWN, OutcomeUnknown),
        (200, {}, UNKNOWN, OutcomeUnknown),
        (200, [False], UNKNOWN, OutcomeUnknown),
        (200, b'{"error":false', UNKNOWN, OutcomeUnknown),
        (200, b'<b>Notice</b>{"error":false}', UNKNOWN, OutcomeUnknown),
        (200, b"", UNKNOWN, OutcomeUnknown),
        (204, b"", UNKNOWN, OutcomeUnknown),
        (201, {"error": True}, UNKNOWN, OutcomeUnknown),
        (302, b"", UNKNOWN, OutcomeUnknown),
        (402, b"", UNKNOWN, OutcomeUnknown),
        (408, b"", UNKNOWN, OutcomeUnknown),
        (409, b"", UNKNOWN, OutcomeUnknown),
        (500, {"error": True, "errorcode": 99400}, UNKNOWN, OutcomeUnknown),
        (500, {"error": False}, UNKNOWN, OutcomeUnknown),
        (502, b"<html>", UNKNOWN, OutcomeUnknown),
        (503, b"", UNKNOWN, OutcomeUnknown),
        (504, b"", UNKNOWN, OutcomeUnknown),
    ],
)
async def test_only_error_false_is_done_and_only_a_refusal_is_undone(
    status: int, body: Any, state: OutcomeState, kind: type[AdapterError] | None
) -> None:
    async with answering(body, status) as adapter:
        outcome = await outcome_of(adapter, MAIL)
    assert (outcome.state, None if outcome.error is None else type(outcome.error)) == (state, kind)
    assert outcome.native_id == ("2" if state is DONE else None)


@pytest.mark.parametrize("body", [{"error": False}, {"error": False, "id": 0}, {"error": False, "id": "new"}])
async def test_an_addition_without_its_id_is_unknown(body: object) -> None:
    async with answering(body) as adapter:
        assert (await outcome_of(adapter, NEW)).state is UNKNOWN


@pytest.mark.parametrize("id", [43, "43"])
async def test_an_addition_names_the_letter(id: int | str) -> None:
    async with answering({"error": False, "id": id}) as adapter:
        assert await outcome_of(adapter, NEW) == Outcome(state=DONE, native_id="43")


@pytest.mark.parametrize(
    ("failure", "state", "kind"),
    [
        (httpx.ConnectError, UNDONE, Unavailable),
        (httpx.ReadTimeout, UNKNOWN, OutcomeUnknown),
        (httpx.ReadError, UNKNOWN, OutcomeUnknown),
        (httpx.WriteError, UNKNOWN, OutcomeUnknown),
        (httpx.RemoteProtocolError, UNKNOWN, OutcomeUnknown),
    ],
)
async def test_a_connection_that_fails_proves_nothing_unless_it_never_was(
    failure: type[httpx.TransportError], state: OutcomeState, kind: type[AdapterError]
) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise failure("no")

    async with answering(fail) as adapter:
        outcome = await outcome_of(adapter, POST)
    assert (outcome.state, type(outcome.error)) == (state, kind)


@pytest.mark.parametrize("kind", ["reset_before", "reset_after", "truncate", "garbage"])
async def test_an_answer_that_does_not_arrive_whole_is_unknown_and_nothing_is_sent_again(
    examples: RunningSandbox, kind: str
) -> None:
    async with connected(vendor, examples) as adapter:
        examples.fault(kind=kind)
        outcome = await outcome_of(adapter, MAIL)
    assert (outcome.state, calls(examples, 0)) == (UNKNOWN, ["POST /letter/email/id/2"])
    assert examples.effects()["emails"] == (0 if kind == "reset_before" else 1)


async def test_the_vendors_refusal_is_told_in_its_words(examples: RunningSandbox) -> None:
    async with connected(vendor, examples) as adapter:
        outcome = await outcome_of(adapter, CALLS.delete("77"))
    assert (outcome.state, type(outcome.error)) == (UNDONE, NotFound)
    assert outcome.message == "You do not have rights to access this object"
    assert examples.effects() == {"emails": 0, "letters": 0, "records": 0}


async def test_a_status_that_the_vendor_does_not_know_is_for_the_vendor_to_refuse(examples: RunningSandbox) -> None:
    call = CALLS.set_status(SetDocumentStatus(native_id="2", status=StatusChange(vendor_status="3")))
    async with connected(vendor, examples) as adapter:
        outcome = await outcome_of(adapter, call)
    assert (outcome.state, type(outcome.error)) == (UNDONE, Rejected)


async def evidence(adapter: Adapter, **members: Any) -> Evidence:
    assert adapter.evidence is not None
    return await adapter.evidence(
        EvidenceRequest(**{"action": SendAction.EMAIL, "native_id": "2", "stable_id": "2", "since": NOW, **members})
    )


class TestEvidence:
    @pytest.mark.parametrize("action", [SendAction.EMAIL, SendAction.POST])
    async def test_a_status_is_told_and_decides_nothing(self, examples: RunningSandbox, action: SendAction) -> None:
        async with connected(vendor, examples) as adapter:
            found = await evidence(adapter, action=action)
        assert found.verdict is Verdict.UNDECIDED
        assert found.text.startswith("The letter's status is 7 (DRAFT).")

    async def test_a_letter_that_is_marked_as_sent_may_have_been_marked_by_hand(self, examples: RunningSandbox) -> None:
        async with connected(vendor, examples) as adapter:
            await adapter.perform(
                CALLS.set_status(SetDocumentStatus(native_id="2", status=StatusChange(vendor_status="1")))
            )
            found = await evidence(adapter)
        assert (found.verdict, found.text[:37]) == (Verdict.UNDECIDED, "The letter's status is 1 (SENT). The ")

    @pytest.mark.parametrize("native_id", ["77", "a b"])
    async def test_a_letter_that_is_gone_decides_nothing(self, examples: RunningSandbox, native_id: str) -> None:
        async with connected(vendor, examples) as adapter:
            found = await evidence(adapter, native_id=native_id)
        assert found == Evidence(verdict=Verdict.UNDECIDED, text="The vendor shows no letter under this id.")

    @pytest.mark.parametrize("action", [SendAction.DELIVER, SendAction.EMAIL_STATEMENT])
    async def test_what_the_vendor_cannot_send_has_no_evidence(
        self, examples: RunningSandbox, action: SendAction
    ) -> None:
        async with connected(vendor, examples) as adapter:
            with pytest.raises(UnsupportedByVendor):
                await evidence(adapter, action=action)
        assert examples.count() == 0


class TestCheck:
    async def test_it_counts_what_the_token_shows(self, sandbox: RunningSandbox, adapter: Adapter) -> None:
        since = sandbox.count()
        assert await adapter.check() == ("The token is accepted: 240 customers, 960 letters.",)
        assert sorted(calls(sandbox, since)) == [
            "GET /client/list/limit/1/page/1/",
            "GET /letter/list/limit/1/page/1/sort/date/sorttype/desc/",
        ]

    async def test_a_wrong_token_is_bad_credentials(self, sandbox: RunningSandbox) -> None:
        async with connected(vendor, sandbox, credentials={"token": "another"}) as adapter:
            with pytest.raises(BadCredentials) as caught:
                await adapter.check()
        assert (caught.value.vendor_code, caught.value.message) == (
            "99400",
            "The vendor does not accept this backend's token.",
        )


async def test_the_parts_offered_are_those_that_the_vendor_has(adapter: Adapter) -> None:
    assert adapter.offers() == {
        "check",
        "customers",
        "delete_letter",
        "email_document",
        "evidence",
        "letters",
        "pdf",
        "perform",
        "post_document",
        "preview",
        "set_document_status",
        "write_letters",
    }
