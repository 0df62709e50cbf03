"""The calls that change and send letters: what goes over the wire, and what is refused before it."""

import datetime
from collections.abc import Callable
from typing import Any

import pytest

from adapters.contract import (
    Adapter,
    CreateLetter,
    EmailDocument,
    PostDocument,
    PreparedCall,
    Recipient,
    SetDocumentStatus,
    StatusChange,
    UpdateLetter,
    Writing,
)
from adapters.errors import AdapterError, InvalidInput, UnsupportedByVendor
from adapters.model import DocumentState
from adapters.smallinvoice import vendor
from adapters.smallinvoice.letter_calls import LetterCalls
from tests.connecting import RunningSandbox, connected
from tests.vendors.smallinvoice.adapting import calls, data_of, letters

CALLS = LetterCalls("test")
DAY = datetime.date(2013, 2, 25)
SENT, DRAFT = StatusChange(state=DocumentState.SENT), StatusChange(state=DocumentState.DRAFT)
TO = (Recipient(email="a@example.com", name="Ada & Co"), Recipient(email="b@example.com", cc=True))
MAIL = EmailDocument(native_id="2", recipients=TO, subject="Grüezi", body="1 + 1 = 2 & more\n")
NEW = CreateLetter(customer_id="16", address_id="11", date=DAY)

SHOWN: list[tuple[PreparedCall, str, Any]] = [
    (CALLS.create(NEW), "letter/add/", {"client_id": 16, "client_address_id": 11, "date": "2013-02-25"}),
    (
        CALLS.create(
            CreateLetter(
                customer_id="16",
                address_id="11",
                contact_id="3",
                date=DAY,
                title="Letter to Jane Doe",
                vendor_fields={"status": 7, "pages": 1},
            )
        ),
        "letter/add/",
        {
            "client_id": 16,
            "client_address_id": 11,
            "client_contact_id": 3,
            "date": "2013-02-25",
            "title": "Letter to Jane Doe",
            "status": 7,
            "pages": 1,
        },
    ),
    (CALLS.update(UpdateLetter(native_id="2", title="Bär")), "letter/edit/id/2", {"title": "Bär"}),
    (
        CALLS.update(
            UpdateLetter(native_id="2", customer_id="16", address_id="11", contact_id=None, date=DAY, title=None)
        ),
        "letter/edit/id/2",
        {"client_id": 16, "client_address_id": 11, "client_contact_id": 0, "date": "2013-02-25", "title": ""},
    ),
    (CALLS.delete("2"), "letter/delete/id/2", None),
    (
        CALLS.email(MAIL),
        "letter/email/id/2",
        {
            "subject": "Grüezi",
            "body": "1 + 1 = 2 & more\n",
            "recipients": [
                {"cc": False, "email": "a@example.com", "name": "Ada & Co"},
                {"cc": True, "email": "b@example.com", "name": ""},
            ],
        },
    ),
    (
        CALLS.email(EmailDocument(native_id="2", recipients=TO[:1], subject="", body="", status_after=SENT)),
        "letter/email/id/2",
        {
            "subject": "",
            "body": "",
            "afterstatus": 1,
            "recipients": [{"cc": False, "email": "a@example.com", "name": "Ada & Co"}],
        },
    ),
    (CALLS.post(PostDocument(native_id="2", priority=False)), "letter/post/id/2", {"speed": 2, "color": 0}),
    (
        CALLS.post(PostDocument(native_id="2", priority=True, color=True, status_when_sent=DRAFT, status_after=SENT)),
        "letter/post/id/2",
        {"speed": 1, "color": 1, "sendstatus": 7, "afterstatus": 1},
    ),
    (CALLS.set_status(SetDocumentStatus(native_id="2", status=SENT)), "letter/status/id/2", {"status": 1}),
    (CALLS.set_status(SetDocumentStatus(native_id="2", status=DRAFT)), "letter/status/id/2", {"status": 7}),
    (
        CALLS.set_status(SetDocumentStatus(native_id="2", status=StatusChange(vendor_status="12"))),
        "letter/status/id/2",
        {"status": 12},
    ),
]


@pytest.mark.parametrize(("call", "path", "data"), SHOWN)
def test_a_call_is_a_form_with_the_documented_keys_in_their_order(call: PreparedCall, path: str, data: Any) -> None:
    request = call.request
    assert (request.method, "/".join(request.path) + "/" * request.trailing_slash) == ("POST", path)
    assert (request.write, request.query) == (True, ())
    if data is None:
        assert (request.body, request.headers) == (None, ())
        return
    assert request.body is not None
    sent = data_of(request.body)
    assert (sent, list(sent)) == (data, list(data))
    assert request.headers == (("content-type", "application/x-www-form-urlencoded"),)


def test_targets_and_recipients_are_known_beforehand() -> None:
    email = CALLS.email(MAIL)
    assert (email.targets, email.recipients) == (("2",), ("a@example.com", "b@example.com"))
    assert (CALLS.create(NEW).targets, CALLS.create(NEW).recipients) == (("16",), None)
    assert CALLS.delete("2").targets == ("2",)


def test_the_idempotency_key_is_not_the_vendors() -> None:
    with_key = CALLS.create(NEW, "key").request
    assert (with_key.idempotency_key, with_key.body) == ("key", CALLS.create(NEW).request.body)
    assert CALLS.update(UpdateLetter(native_id="2", title="x"), "key").request.idempotency_key == "key"
    assert vendor.takes_idempotency_keys is False


def new(**members: Any) -> CreateLetter:
    return CreateLetter(**{"customer_id": "16", "address_id": "11", "date": DAY, **members})


def mail(**members: Any) -> EmailDocument:
    return EmailDocument(**{"native_id": "2", "recipients": TO, "subject": "s", "body": "b", **members})


def status(**members: Any) -> SetDocumentStatus:
    return SetDocumentStatus(native_id="2", status=StatusChange(**members))


REFUSED: list[tuple[Callable[[], Any], type[AdapterError], str]] = [
    (lambda: CALLS.create(new(address_id=None)), InvalidInput, "address_id"),
    (lambda: CALLS.create(new(address_id="x")), InvalidInput, "address_id"),
    (lambda: CALLS.create(new(customer_id="../1")), InvalidInput, "customer_id"),
    (lambda: CALLS.create(new(contact_id="1 2")), InvalidInput, "contact_id"),
    (lambda: CALLS.create(new(vendor_fields={"date": "2026-01-01"})), InvalidInput, "vendor_fields"),
    (lambda: CALLS.update(UpdateLetter(native_id="2", address_id=None)), InvalidInput, "address_id"),
    (lambda: CALLS.update(UpdateLetter(native_id="2/token/x")), InvalidInput, "native_id"),
    (
        lambda: CALLS.update(UpdateLetter(native_id="2", title=None, vendor_fields={"title": "x"})),
        InvalidInput,
        "vendor_fields",
    ),
    (lambda: CALLS.delete("%2e%2e"), InvalidInput, "native_id"),
    (lambda: CALLS.email(mail(native_id="0")), InvalidInput, "native_id"),
    (lambda: CALLS.email(mail(recipients=None)), UnsupportedByVendor, "recipients"),
    (lambda: CALLS.email(mail(recipients=())), InvalidInput, "recipients"),
    (lambda: CALLS.email(mail(subject=None)), InvalidInput, "subject"),
    (lambda: CALLS.email(mail(body=None)), InvalidInput, "body"),
    (lambda: CALLS.email(mail(attachments=("a.pdf",))), UnsupportedByVendor, "attachments"),
    (lambda: CALLS.email(mail(status_after=StatusChange(vendor_status="sent"))), InvalidInput, "status_after"),
    (
        lambda: CALLS.post(
            PostDocument(native_id="2", priority=True, status_when_sent=StatusChange(state=DocumentState.READY))
        ),
        UnsupportedByVendor,
        "status_when_sent",
    ),
    (lambda: CALLS.set_status(status(state=DocumentState.DELIVERED)), UnsupportedByVendor, "status"),
    (lambda: CALLS.set_status(status(state=DocumentState.UNKNOWN)), UnsupportedByVendor, "status"),
    (lambda: CALLS.set_status(status(vendor_status="")), InvalidInput, "status"),
    (lambda: CALLS.set_status(status(vendor_status="-1")), InvalidInput, "status"),
    (lambda: CALLS.set_status(status(vendor_status="1" * 5_000)), InvalidInput, "status"),
    (lambda: CALLS.set_status(status(vendor_status="1.0")), InvalidInput, "status"),
    (lambda: CALLS.set_status(status(vendor_status="\uff11")), InvalidInput, "status"),
]


@pytest.mark.parametrize(("prepare", "kind", "field"), REFUSED)
def test_what_the_vendor_cannot_take_is_refused_before_any_call(
    prepare: Callable[[], Any], kind: type[AdapterError], field: str
) -> None:
    with pytest.raises(AdapterError) as caught:
        prepare()
    assert (type(caught.value), caught.value.field, caught.value.never_sent) == (kind, field, True)


async def test_each_call_arrives_as_prepared(examples: RunningSandbox) -> None:
    async with connected(vendor, examples) as adapter:
        for call, _, _ in SHOWN:
            await adapter.perform(call)
    entries = examples.journal()
    assert calls(examples, 0) == [f"POST /{path}" for _, path, _ in SHOWN]
    assert [entry["body"].encode() or None for entry in entries] == [call.request.body for call, _, _ in SHOWN]
    for entry, (call, _, _) in zip(entries, SHOWN, strict=True):
        headers = dict(entry["headers"])
        assert headers.get("content-type") == dict(call.request.headers).get("content-type")
        assert headers["content-length"] == str(len(call.request.body or b""))


def offered(adapter: Adapter) -> Writing[CreateLetter, UpdateLetter]:
    assert adapter.write_letters is not None
    return adapter.write_letters


async def test_a_letter_is_added_changed_sent_and_deleted(examples: RunningSandbox) -> None:
    """The published letter's life: each step is seen in what the vendor shows next."""
    async with connected(vendor, examples) as adapter:

        async def shown(native_id: str) -> Any:
            return (await letters(adapter).by_key([native_id], frozenset()))[native_id]

        (added,) = await adapter.perform(offered(adapter).create(new(title="Letter to Jane Doe")))
        letter = await shown(str(added.native_id))
        assert (letter.title, letter.date, letter.customer_id, letter.address_id) == (
            "Letter to Jane Doe",
            DAY,
            "16",
            "11",
        )
        assert letter.state is DocumentState.DRAFT
        await adapter.perform(offered(adapter).update(UpdateLetter(native_id=letter.native_id, title=None)))
        assert (await shown(letter.native_id)).title is None
        assert adapter.set_document_status is not None
        await adapter.perform(adapter.set_document_status(SetDocumentStatus(native_id=letter.native_id, status=SENT)))
        assert (await shown(letter.native_id)).state is DocumentState.SENT
        assert adapter.email_document is not None
        await adapter.perform(adapter.email_document(mail(native_id=letter.native_id, status_after=DRAFT)))
        assert (await shown(letter.native_id)).state is DocumentState.DRAFT
        assert adapter.post_document is not None
        await adapter.perform(adapter.post_document(PostDocument(native_id=letter.native_id, priority=True)))
        assert adapter.delete_letter is not None
        await adapter.perform(adapter.delete_letter(letter.native_id))
        assert await shown(letter.native_id) is None
    sent = [(item["kind"], item["recipients"], item["record"]) for item in examples.outbox()]
    assert sent == [("email", ["a@example.com", "b@example.com"], letter.native_id), ("post", [], letter.native_id)]
