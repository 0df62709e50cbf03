"""The vendor's rows as our records. Pure.

The query service answers flat rows whose keys are dotted names; a record read by key is nested, and is flattened to
the same names first, so that one translation serves both.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar

from msgspec import UNSET, Struct, UnsetType, field

from adapters.model import (
    Customer,
    CustomerEmailTemplate,
    CustomerMessage,
    EmailTemplate,
    PostalAddress,
    RawRecord,
    RecordStatus,
    TransactionDefinition,
)

__all__ = [
    "CUSTOMER_STATUS",
    "MESSAGE_STATUS",
    "CustomerRow",
    "EmailTemplateRow",
    "MessageRow",
    "TemplateRow",
    "customer",
    "email_template",
    "flattened",
    "message",
    "template",
]

T = TypeVar("T")

CUSTOMER_STATUS = {
    RecordStatus.ACTIVE: ("active", "activeNonPosting"),
    RecordStatus.INACTIVE: ("inactive",),
}
"""activeNonPosting: in use, but closed to new transactions."""
MESSAGE_STATUS = {RecordStatus.ACTIVE: ("active",), RecordStatus.INACTIVE: ("inactive",)}

_STATUS_BY_WORD = {word: status for status, words in CUSTOMER_STATUS.items() for word in words}

Text = str | int | None
"""Ids and keys are strings on the pages; a number is read as one."""


class CustomerRow(Struct, frozen=True):
    """Of ``accounts-receivable/customer``; the contact only of a record read by key."""

    key: str | int
    id: Text = None
    name: Text = None
    status: str | None = None
    total_due: Decimal | None = field(name="totalDue", default=None)
    currency: str | None = None
    message_key: Text = field(name="customerMessage.key", default=None)
    email_1: str | None = field(name="contacts.default.email1", default=None)
    email_2: str | None = field(name="contacts.default.email2", default=None)
    line_1: str | None = field(name="contacts.default.mailingAddress.addressLine1", default=None)
    line_2: str | None = field(name="contacts.default.mailingAddress.addressLine2", default=None)
    line_3: str | None = field(name="contacts.default.mailingAddress.addressLine3", default=None)
    city: str | None = field(name="contacts.default.mailingAddress.city", default=None)
    state: str | None = field(name="contacts.default.mailingAddress.state", default=None)
    post_code: Text = field(name="contacts.default.mailingAddress.postCode", default=None)
    country: str | None = field(name="contacts.default.mailingAddress.country", default=None)
    country_code: str | None = field(name="contacts.default.mailingAddress.isoCountryCode", default=None)


class TemplateRow(Struct, frozen=True):
    """Of ``accounts-receivable/customer-email-template``."""

    key: str | int
    customer_key: Text = field(name="customer.key", default=None)
    definition_key: Text = field(name="txnDefinition.key", default=None)
    definition_id: Text = field(name="txnDefinition.id", default=None)
    template_key: Text = field(name="emailTemplate.key", default=None)
    template_name: str | None = field(name="emailTemplate.name", default=None)
    template_type: str | None = field(name="emailTemplate.templateType", default=None)


class MessageRow(Struct, frozen=True):
    """Of ``accounts-receivable/customer-message``."""

    key: str | int
    id: Text = None
    message: str | None = None
    status: str | None = None
    created: datetime | None = field(name="audit.createdDateTime", default=None)
    created_by: Text = field(name="audit.createdBy", default=None)
    modified: datetime | None = field(name="audit.modifiedDateTime", default=None)
    modified_by: Text = field(name="audit.modifiedBy", default=None)


class EmailTemplateRow(Struct, frozen=True):
    """Of ``company-config/email-template``."""

    key: str | int
    name: str | None = None
    template_type: str | None = field(name="templateType", default=None)
    subject: str | None = None
    body: str | None = None


def customer(row: CustomerRow, backend: str, known: frozenset[str], raw: RawRecord | UnsetType = UNSET) -> Customer:
    """A customer; what is not ``known`` from this row is UNSET."""
    return Customer(
        backend=backend,
        native_id=str(row.key),
        stable_id=str(row.key),
        code=_text(row.id),
        name=_text(row.name),
        status=_status(row.status),
        vendor_status=(row.status,) if row.status else (),
        message_id=_text(row.message_key),
        outstanding_balance=_if_known("outstanding_balance", row.total_due, known),
        currency=_if_known("currency", row.currency, known),
        emails=_if_known("emails", tuple(one for one in (row.email_1, row.email_2) if one), known),
        address=_if_known("address", _address(row), known),
        raw=raw,
    )


def template(
    row: TemplateRow,
    backend: str,
    known: frozenset[str],  # noqa: ARG001 - all of it always is; the others' signature
    raw: RawRecord | UnsetType = UNSET,
) -> CustomerEmailTemplate:
    """A customer's template. The transaction definition's ``id`` is a name ("Customer Sales Invoice")."""
    definition = TransactionDefinition(native_id=_text(row.definition_key), name=_text(row.definition_id))
    unset = TransactionDefinition(native_id=None, name=None)
    return CustomerEmailTemplate(
        backend=backend,
        native_id=str(row.key),
        customer_id=_text(row.customer_key),
        transaction_definition=None if definition == unset else definition,
        email_template=None
        if row.template_key is None
        else EmailTemplate(
            backend=backend,
            native_id=str(row.template_key),
            name=row.template_name,
            template_type=row.template_type,
        ),
        raw=raw,
    )


def message(
    row: MessageRow, backend: str, known: frozenset[str], raw: RawRecord | UnsetType = UNSET
) -> CustomerMessage:
    """A standing message; what is not ``known`` from this row is UNSET. The users are their keys."""
    return CustomerMessage(
        backend=backend,
        native_id=str(row.key),
        code=_text(row.id),
        text=_if_known("text", row.message, known),
        status=_status(row.status) if "status" in known else UNSET,
        created_at=_if_known("created_at", _utc(row.created), known),
        created_by=_if_known("created_by", _text(row.created_by), known),
        modified_at=_if_known("modified_at", _utc(row.modified), known),
        modified_by=_if_known("modified_by", _text(row.modified_by), known),
        raw=raw,
    )


def email_template(
    row: EmailTemplateRow, backend: str, known: frozenset[str], raw: RawRecord | UnsetType = UNSET
) -> EmailTemplate:
    """An e-mail template; what is not ``known`` from this row is UNSET."""
    return EmailTemplate(
        backend=backend,
        native_id=str(row.key),
        name=_if_known("name", row.name, known),
        template_type=_if_known("template_type", row.template_type, known),
        subject=_if_known("subject", row.subject, known),
        body=_if_known("body", row.body, known),
        raw=raw,
    )


def flattened(record: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """A nested record as a row of the query service: ``{"customer": {"key": 1}}`` is ``{"customer.key": 1}``."""
    row: dict[str, Any] = {}
    for name, value in record.items():
        if isinstance(value, Mapping):
            row |= flattened(value, f"{prefix}{name}.")
        else:
            row[prefix + name] = value
    return row


def _if_known(attribute: str, value: T, known: frozenset[str]) -> T | UnsetType:
    return value if attribute in known else UNSET


def _text(value: Text) -> str | None:
    return None if value is None else str(value)


def _status(word: str | None) -> RecordStatus:
    return _STATUS_BY_WORD.get(word or "", RecordStatus.UNKNOWN)


def _utc(moment: datetime | None) -> datetime | None:
    if moment is None:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _address(row: CustomerRow) -> PostalAddress | None:
    address = PostalAddress(
        lines=tuple(line for line in (row.line_1, row.line_2, row.line_3) if line),
        city=row.city,
        postal_code=_text(row.post_code),
        region=row.state,
        country=row.country_code or row.country,
    )
    return None if address == PostalAddress() else address
