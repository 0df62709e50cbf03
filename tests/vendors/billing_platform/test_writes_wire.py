"""What each write looks like on the wire, and what is refused before any call."""

import json
from datetime import date
from typing import Any

import pytest
from msgspec import UNSET

from adapters.billing_platform.writes import BillingPlatformWrites
from adapters.contract import Adapter
from adapters.errors import InvalidInput, UnsupportedByVendor
from adapters.model import Correspondence, DocumentState
from adapters.writes import (
    CreateCorrespondence,
    DeliverDocument,
    EmailDocument,
    OutcomeState,
    PreparedCall,
    Recipient,
    StatusChange,
    UpdateCorrespondence,
)
from tests.connecting import RunningSandbox
from tests.vendors.billing_platform.connections import Call, calls, header

WRITES = BillingPlatformWrites("test")
ONE = Recipient(email="accounts@example.com")
TWO = Recipient(email="billing@example.com")

PREPARED = {
    "create": (
        WRITES.create(CreateCorrespondence(customer_id="501", type="Welcome")),
        Call("POST", "/customers/501/correspondence/", "", '{"correspondenceType":"Welcome"}'),
    ),
    "create with everything": (
        WRITES.create(
            CreateCorrespondence(
                customer_id="501",
                type="Welcome",
                date=date(2026, 1, 2),
                number="C900",
                vendor_fields={"greeting": {"text": "Hello"}},
            )
        ),
        Call(
            "POST",
            "/customers/501/correspondence/",
            "",
            '{"correspondenceType":"Welcome","correspondenceDate":"2026-01-02","correspondenceNumber":"C900",'
            '"greeting":{"text":"Hello"}}',
        ),
    ),
    "update": (
        WRITES.update(UpdateCorrespondence(native_id="20001", date=date(2026, 1, 2))),
        Call("PATCH", "/correspondence/20001", "", '{"correspondenceDate":"2026-01-02"}'),
    ),
    "update to none": (
        WRITES.update(UpdateCorrespondence(native_id="20001", date=UNSET, number=None)),
        Call("PATCH", "/correspondence/20001", "", '{"correspondenceNumber":null}'),
    ),
    "delete": (WRITES.delete("20001"), Call("DELETE", "/correspondence/20001")),
    "email, the vendor chooses": (
        WRITES.email(EmailDocument(native_id="20001")),
        Call("POST", "/correspondence/20001", "action=email", "{}"),
    ),
    "email to recipients": (
        WRITES.email(EmailDocument(native_id="20001", recipients=(ONE, TWO), attachments=("Terms", "Prices"))),
        Call(
            "POST",
            "/correspondence/20001",
            "action=email",
            '{"email":["accounts@example.com","billing@example.com"],"attachments":["Terms","Prices"]}',
        ),
    ),
    "deliver": (
        WRITES.deliver(DeliverDocument(native_id="20001")),
        Call("POST", "/correspondence/20001", "action=deliver"),
    ),
}


@pytest.mark.parametrize(("prepared", "expected"), PREPARED.values(), ids=PREPARED)
async def test_performing_sends_the_prepared_call_once(
    fresh: RunningSandbox, writer: Adapter, prepared: PreparedCall, expected: Call
) -> None:
    since = fresh.count()

    await writer.perform(prepared)

    assert calls(fresh, since) == [expected]
    (entry,) = fresh.journal(since)
    assert header(entry, "content-type") == ("application/json" if expected.body else None)
    assert prepared.request.write


async def test_created_correspondence_is_answered_whole(fresh: RunningSandbox, writer: Adapter) -> None:
    asked = CreateCorrespondence(customer_id="501", type="Welcome", date=date(2026, 1, 2), number="C900")

    (outcome,) = await writer.perform(WRITES.create(asked))

    assert isinstance(outcome.record, Correspondence)
    assert (outcome.state, outcome.native_id) == (OutcomeState.DONE, outcome.record.native_id)
    assert (outcome.record.customer_id, outcome.record.type, outcome.record.date, outcome.record.number) == (
        "501",
        "Welcome",
        date(2026, 1, 2),
        "C900",
    )
    assert fresh.effects() == {"emails": 0, "letters": 0, "records": 1}


async def test_changed_and_deleted_correspondence_names_its_record(fresh: RunningSandbox, writer: Adapter) -> None:
    (changed,) = await writer.perform(WRITES.update(UpdateCorrespondence(native_id="20001", number="C901")))
    (deleted,) = await writer.perform(WRITES.delete("20001"))

    assert isinstance(changed.record, Correspondence)
    assert (changed.state, changed.record.number, changed.native_id) == (OutcomeState.DONE, "C901", "20001")
    assert (deleted.state, deleted.record, deleted.native_id) == (OutcomeState.DONE, None, "20001")


async def test_an_email_goes_to_the_recipients_and_carries_the_vendors_message(
    fresh: RunningSandbox, writer: Adapter
) -> None:
    (outcome,) = await writer.perform(WRITES.email(EmailDocument(native_id="20001", recipients=(ONE, TWO))))

    (item,) = fresh.outbox()
    assert (item["kind"], item["recipients"]) == ("email", [ONE.email, TWO.email])
    assert (outcome.state, bool(outcome.message)) == (OutcomeState.DONE, True)


async def test_delivering_answers_the_delivered_record(writer: Adapter) -> None:
    (outcome,) = await writer.perform(WRITES.deliver(DeliverDocument(native_id="20001")))

    assert isinstance(outcome.record, Correspondence)
    assert (outcome.state, outcome.record.state) == (OutcomeState.DONE, DocumentState.DELIVERED)


def test_recipients_are_known_where_we_choose_them() -> None:
    chosen = WRITES.email(EmailDocument(native_id="20001", recipients=(ONE,)))
    theirs = WRITES.email(EmailDocument(native_id="20001"))

    assert (chosen.recipients, theirs.recipients) == ((ONE.email,), None)


@pytest.mark.parametrize(
    ("field", "members"),
    [
        ("subject", {"subject": "Hello"}),
        ("body", {"body": ""}),
        ("status_after", {"status_after": StatusChange(state=DocumentState.SENT)}),
        ("recipients", {"recipients": (ONE, Recipient(email="cc@example.com", cc=True))}),
        ("recipients", {"recipients": (Recipient(email="accounts@example.com", name="Accounts"),)}),
    ],
)
def test_what_an_email_cannot_be_told_is_unsupported(field: str, members: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedByVendor) as caught:
        WRITES.email(EmailDocument(native_id="20001", **members))

    assert (caught.value.field, caught.value.backend) == (field, "test")


@pytest.mark.parametrize("addresses", [(), ("",), ("a@example.com,b@example.com",), ("a@example.com", " ")])
def test_recipients_are_one_address_each(addresses: tuple[str, ...]) -> None:
    recipients = tuple(Recipient(email=address) for address in addresses)

    with pytest.raises(InvalidInput) as caught:
        WRITES.email(EmailDocument(native_id="20001", recipients=recipients))

    assert (caught.value.field, caught.value.never_sent) == ("recipients", True)


def test_vendor_fields_do_not_override_what_the_input_sets() -> None:
    with pytest.raises(InvalidInput) as created:
        WRITES.create(
            CreateCorrespondence(customer_id="501", type="Welcome", vendor_fields={"correspondenceType": "Other"})
        )
    with pytest.raises(InvalidInput) as changed:
        WRITES.update(
            UpdateCorrespondence(native_id="1", date=None, vendor_fields={"correspondenceDate": "2026-01-01"})
        )

    assert (created.value.field, changed.value.field) == ("vendor_fields", "vendor_fields")


def test_vendor_fields_may_set_what_the_input_leaves() -> None:
    call = WRITES.update(UpdateCorrespondence(native_id="1", vendor_fields={"correspondenceDate": "2026-01-01"}))

    assert json.loads(call.request.body or b"") == {"correspondenceDate": "2026-01-01"}
