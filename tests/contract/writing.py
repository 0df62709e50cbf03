"""Something to ask of each part that writes: a request that the vendor's sample company can fulfil."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from itertools import count
from typing import Any

from adapters.contract import (
    Adapter,
    CreateCorrespondence,
    CreateLetter,
    CreateMessage,
    CreateTemplate,
    DeliverDocument,
    EmailDocument,
    EmailStatements,
    PostDocument,
    PreparedCall,
    Recipient,
    SetDocumentStatus,
    StatusChange,
    UpdateCorrespondence,
    UpdateLetter,
    UpdateMessage,
    UpdateTemplate,
)
from adapters.errors import InvalidInput, UnsupportedByVendor
from adapters.model import DocumentState
from adapters.sandbox_company import company_customers
from tests.contract.walking import everything

__all__ = ["WRITES", "Write"]

Prepare = Callable[[Adapter], Awaitable[PreparedCall]]
TODAY = date(2026, 6, 1)
_numbers = count(1)


@dataclass(frozen=True, kw_only=True)
class Write:
    """One way to change or send something. ``prepare`` gives another call each time it is asked."""

    name: str
    part_name: str
    prepare: Prepare
    with_id: Callable[[Adapter, str], PreparedCall]
    """The same for a record of a given native id."""


def _there(adapter: Adapter, part: str) -> Any:
    found = getattr(adapter, part)
    assert found is not None
    return found


async def _document(adapter: Adapter) -> Any:
    """A document that can be sent: of a customer with a good address. Another one each time."""
    good = {customer.code for customer in company_customers()[:10]}
    customers = {one.native_id for one in await everything(adapter.customers) if one.code in good}
    documents = [
        one for one in await everything(adapter.correspondence or adapter.letters) if one.customer_id in customers
    ]
    return documents[next(_numbers) % len(documents)]


def _email(adapter: Adapter, native_id: str) -> PreparedCall:
    """To whom the vendor chooses, where it does, else to somebody."""
    prepare = _there(adapter, "email_document")
    try:
        call: PreparedCall = prepare(EmailDocument(native_id=native_id))
    except (InvalidInput, UnsupportedByVendor) as error:
        if error.field == "native_id":
            raise
        recipients = (Recipient(email="accounts@example.com"),)
        call = prepare(
            EmailDocument(native_id=native_id, recipients=recipients, subject="Your letter", body="Please see it.")
        )
    return call


async def _correspondence(adapter: Adapter) -> PreparedCall:
    like = (await everything(adapter.correspondence))[0]
    request = CreateCorrespondence(customer_id=like.customer_id, type=like.type, date=TODAY)
    return _there(adapter, "write_correspondence").create(request)  # type: ignore[no-any-return]


async def _letter(adapter: Adapter) -> PreparedCall:
    like = (await everything(adapter.letters))[0]
    request = CreateLetter(customer_id=like.customer_id, address_id=like.address_id, date=TODAY, title="A new letter")
    return _there(adapter, "write_letters").create(request)  # type: ignore[no-any-return]


async def _template(adapter: Adapter) -> PreparedCall:
    like = (await everything(adapter.templates))[0]
    request = CreateTemplate(customer_id=like.customer_id, email_template_id=like.email_template.native_id)
    return _there(adapter, "write_templates").create(request)  # type: ignore[no-any-return]


async def _message(adapter: Adapter) -> PreparedCall:
    request = CreateMessage(code=f"Message {next(_numbers)}", text="We are closed on Monday.")
    return _there(adapter, "write_messages").create(request)  # type: ignore[no-any-return]


async def _statements(adapter: Adapter) -> PreparedCall:
    (first, *_) = await everything(adapter.customers)
    return _statements_to(adapter, first.native_id)


def _statements_to(adapter: Adapter, native_id: str) -> PreparedCall:
    (call,) = _there(adapter, "email_statements")(EmailStatements(customer_ids=(native_id,)))
    return call  # type: ignore[no-any-return]


def _by_id(name: str, part: str, with_id: Callable[[Adapter, str], PreparedCall], pick: str) -> Write:
    """A write to one record: ``pick`` is the part that lists such records, or ``document``."""

    async def prepare(adapter: Adapter) -> PreparedCall:
        if pick == "document":
            return with_id(adapter, (await _document(adapter)).native_id)
        records = await everything(getattr(adapter, pick))
        return with_id(adapter, records[next(_numbers) % len(records)].native_id)

    return Write(name=name, part_name=part, prepare=prepare, with_id=with_id)


def _calls(part: str, request: Callable[[str], Any], verb: str | None = None) -> Callable[[Adapter, str], PreparedCall]:
    def with_id(adapter: Adapter, native_id: str) -> PreparedCall:
        prepare = _there(adapter, part)
        call: PreparedCall = (getattr(prepare, verb) if verb else prepare)(request(native_id))
        return call

    return with_id


def _for_customer(part: str, request: Callable[[str], Any]) -> Callable[[Adapter, str], PreparedCall]:
    return _calls(part, request, "create")


WRITES = (
    Write(
        name="create_correspondence",
        part_name="write_correspondence",
        prepare=_correspondence,
        with_id=_for_customer("write_correspondence", lambda key: CreateCorrespondence(customer_id=key, type="X")),
    ),
    Write(
        name="create_letter",
        part_name="write_letters",
        prepare=_letter,
        with_id=_for_customer("write_letters", lambda key: CreateLetter(customer_id=key, address_id="1", date=TODAY)),
    ),
    Write(
        name="create_template",
        part_name="write_templates",
        prepare=_template,
        with_id=_for_customer("write_templates", lambda key: CreateTemplate(customer_id=key, email_template_id="1")),
    ),
    Write(
        name="create_message",
        part_name="write_messages",
        prepare=_message,
        with_id=_for_customer("write_messages", lambda key: CreateMessage(code=key, text="Closed.")),
    ),
    Write(name="email_statements", part_name="email_statements", prepare=_statements, with_id=_statements_to),
    _by_id(
        "update_correspondence",
        "write_correspondence",
        _calls("write_correspondence", lambda key: UpdateCorrespondence(native_id=key, date=TODAY), "update"),
        "correspondence",
    ),
    _by_id(
        "update_letter",
        "write_letters",
        _calls("write_letters", lambda key: UpdateLetter(native_id=key, title="Changed"), "update"),
        "letters",
    ),
    _by_id(
        "update_template",
        "write_templates",
        _calls("write_templates", lambda key: UpdateTemplate(native_id=key, email_template_id="1"), "update"),
        "templates",
    ),
    _by_id(
        "update_message",
        "write_messages",
        _calls("write_messages", lambda key: UpdateMessage(native_id=key, text="Changed"), "update"),
        "messages",
    ),
    _by_id("delete_correspondence", "delete_correspondence", _calls("delete_correspondence", str), "correspondence"),
    _by_id("delete_letter", "delete_letter", _calls("delete_letter", str), "letters"),
    _by_id("delete_template", "delete_template", _calls("delete_template", str), "templates"),
    _by_id(
        "set_document_status",
        "set_document_status",
        _calls(
            "set_document_status",
            lambda key: SetDocumentStatus(native_id=key, status=StatusChange(state=DocumentState.SENT)),
        ),
        "document",
    ),
    _by_id("email_document", "email_document", _email, "document"),
    _by_id(
        "deliver_document",
        "deliver_document",
        _calls("deliver_document", lambda key: DeliverDocument(native_id=key)),
        "document",
    ),
    _by_id(
        "post_document",
        "post_document",
        _calls("post_document", lambda key: PostDocument(native_id=key, priority=True)),
        "document",
    ),
)
"""What can be asked of the parts that write, each at least once."""
