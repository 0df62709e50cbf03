"""The vendor's records as ours."""

from datetime import date
from typing import Any

import msgspec
import pytest

from adapters.billing_platform.translate import (
    CorrespondenceRow,
    CustomerRow,
    Entry,
    correspondence_entry,
    customer_entry,
)
from adapters.errors import MalformedAnswer, UnsupportedByVendor
from adapters.model import UNSET, Correspondence, Customer, DocumentState, RecordStatus
from tests.connecting import asking
from tests.vendors.billing_platform.tenant import adapter_over, answering


def correspondence(customer_id: str | None = None, **fields: Any) -> Correspondence:
    row = msgspec.json.decode(msgspec.json.encode({"id": "123"} | fields), type=CorrespondenceRow, strict=False)
    return correspondence_entry(row, UNSET, backend="test", customer_id=customer_id).record


def customer(asked_for: RecordStatus | None = None, **fields: Any) -> Entry[Customer]:
    row = msgspec.json.decode(msgspec.json.encode({"id": "77"} | fields), type=CustomerRow, strict=False)
    return customer_entry(row, UNSET, backend="test", asked_for=asked_for)


def test_a_whole_record_of_correspondence() -> None:
    assert correspondence(
        customerID="77",
        correspondenceNumber="C003",
        correspondenceDate="2025-02-14",
        correspondenceType="Welcome",
        status=["Ready", "Emailed"],
        section={"heading": "of a kind that is not in the table"},
    ) == Correspondence(
        backend="test",
        native_id="123",
        customer_id="77",
        date=date(2025, 2, 14),
        title="Welcome",
        state=DocumentState.SENT,
        vendor_status=("Ready", "Emailed"),
        number="C003",
        type="Welcome",
    )


def test_numbers_may_come_as_numbers() -> None:
    record = correspondence(id=123, customerID=77, correspondenceNumber=3)

    assert (record.native_id, record.customer_id, record.number) == ("123", "77", "3")


@pytest.mark.parametrize(
    ("names", "state"),
    [
        (["Ready"], DocumentState.READY),
        (["Ready", "Emailed"], DocumentState.SENT),
        (["Downloaded"], DocumentState.SENT),
        (["printed", "ready"], DocumentState.SENT),
        (["Delivered", "Emailed"], DocumentState.DELIVERED),
        ([], DocumentState.UNKNOWN),
        (["Held"], DocumentState.UNKNOWN),
        (None, DocumentState.UNKNOWN),
        ("Ready", DocumentState.READY),
    ],
)
def test_the_state_is_the_furthest_that_a_status_name_says(names: Any, state: DocumentState) -> None:
    assert correspondence(status=names).state == state


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2025-02-14", date(2025, 2, 14)),
        ("2025-02-14T23:30:00Z", date(2025, 2, 14)),
        ("", None),
        (None, None),
    ],
)
def test_a_date_may_be_a_date_time_or_missing(text: str | None, day: date | None) -> None:
    assert correspondence(correspondenceDate=text).date == day


def test_whose_it_is_comes_from_the_path_where_the_record_does_not_say() -> None:
    assert (correspondence("77").customer_id, correspondence("77", customerID="78").customer_id) == ("77", "78")


def test_a_whole_customer() -> None:
    entry = customer(
        accountNumber="12345",
        CRMReference="CRM-9",
        name="Example Ltd",
        email="accounts@example.com, billing@example.com",
        status="Suspended",
    )

    assert entry.record == Customer(
        backend="test",
        native_id="77",
        stable_id="77",
        code="12345",
        name="Example Ltd",
        status=RecordStatus.ACTIVE,
        vendor_status=("Suspended",),
        emails=("accounts@example.com", "billing@example.com"),
        address=None,
        currency=None,
        outstanding_balance=None,
    )
    assert (entry.value("external_reference"), entry.value("status")) == ("CRM-9", RecordStatus.ACTIVE)


def test_a_bare_customer_has_every_attribute_that_can_be_wanted() -> None:
    record = customer().record

    assert (record.emails, record.address, record.currency, record.outstanding_balance, record.code) == (
        None,
        None,
        None,
        None,
        None,
    )


@pytest.mark.parametrize(
    ("shown", "asked_for", "status"),
    [
        (["Active"], None, RecordStatus.ACTIVE),
        (["Final bill"], None, RecordStatus.ACTIVE),
        (["Non-billable", "Dropped"], None, RecordStatus.INACTIVE),
        (["Elsewhere"], None, RecordStatus.UNKNOWN),
        (["Elsewhere"], RecordStatus.ACTIVE, RecordStatus.ACTIVE),
        (["Dropped"], RecordStatus.ACTIVE, RecordStatus.INACTIVE),
        (None, RecordStatus.INACTIVE, RecordStatus.INACTIVE),
    ],
)
def test_a_customers_status_is_its_own_or_else_the_one_asked_for(
    shown: list[str] | None, asked_for: RecordStatus | None, status: RecordStatus
) -> None:
    assert customer(asked_for, status=shown).record.status == status


def test_a_status_that_is_not_shown_is_nothing_to_filter_by() -> None:
    with pytest.raises(UnsupportedByVendor) as caught:
        customer().value("status")

    assert (caught.value.field, customer().record.status) == ("status", RecordStatus.UNKNOWN)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"<html>",
        b"[]",
        b'{"id": "456"}',
        b'{"id": "abc"}',
        b'{"id": 0}',
        b'{"id": true}',
        b'{"id": "0123"}',
        b'{"correspondenceType": "Welcome"}',
        b'{"id": "123", "correspondenceDate": "14/02/2025"}',
        b'{"id": "123", "status": 5}',
        b'{"id": "123"',
        b'{"error": "Not here", "error_code": 900001}',
    ],
)
async def test_an_answer_that_is_not_the_record_asked_for_is_malformed(body: bytes) -> None:
    adapter = adapter_over(answering(200, body))
    assert adapter.correspondence is not None

    found = await adapter.correspondence.by_key(["123"], frozenset())

    assert type(found["123"]) is MalformedAnswer


async def test_another_customers_rows_are_malformed() -> None:
    adapter = adapter_over(answering(200, b'[{"id": "1", "customerID": "77"}, {"id": "2", "customerID": "78"}]'))
    assert adapter.correspondence is not None

    pages = await adapter.correspondence.of_customers(["77"], asking())

    assert type(pages["77"]) is MalformedAnswer
