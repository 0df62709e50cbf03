"""The objects of the emulated API and their fields: what may be read, written and queried.

A record is kept flat, its nested fields under dotted names; a reference holds the key of what it refers to.
Pages: customer-email-template and customer-message of the REST reference; the vendor's OpenAPI for the rest.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

__all__ = [
    "CUSTOMER",
    "CUSTOMER_EMAIL_TEMPLATE",
    "CUSTOMER_MESSAGE",
    "EMAIL_TEMPLATE",
    "ENTITY",
    "OBJECTS",
    "TXN_DEFINITION",
    "USER",
    "Field",
    "Kind",
    "ObjectType",
    "Record",
    "Reference",
]

Record = dict[str, Any]
Writing = Literal["never", "create", "always"]


class Kind(StrEnum):
    """What a field holds. DIGITS is a number in a string (a key), AMOUNT a decimal in a string."""

    TEXT = "text"
    ENUM = "enum"
    DIGITS = "digits"
    AMOUNT = "amount"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "date-time"
    LINK = "link"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of an object. ``default`` is stored when a create leaves it out."""

    kind: Kind
    write: Writing = "never"
    required: bool = False
    queryable: bool = True
    choices: tuple[str, ...] = ()
    default: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A link to a record of another object: the fields of it that a GET shows, those by which a write names it."""

    target: str
    shown: tuple[str, ...]
    write: Writing = "never"
    required: bool = False
    named_by: tuple[str, ...] = ("key", "id")


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectType:
    """One object of the API. ``routed``: it has paths and can be queried; else it is only referred to."""

    name: str
    members: Mapping[str, Field | Reference]
    routed: bool = True


def _text(write: Writing = "never", *, required: bool = False) -> Field:
    return Field(kind=Kind.TEXT, write=write, required=required)


def _enum(*choices: str, write: Writing = "never", default: str | None = None) -> Field:
    return Field(kind=Kind.ENUM, write=write, choices=choices, default=default)


def _boolean(write: Writing = "never") -> Field:
    return Field(kind=Kind.BOOLEAN, write=write, default=False)


def _unset(*names: str) -> dict[str, Field]:
    """References that the sample company does not use: they come back with a null key and id."""
    return {f"{name}.{part}": Field(kind=Kind.TEXT) for name in names for part in ("key", "id")}


CUSTOMER = "accounts-receivable/customer"
CUSTOMER_MESSAGE = "accounts-receivable/customer-message"
CUSTOMER_EMAIL_TEMPLATE = "accounts-receivable/customer-email-template"
EMAIL_TEMPLATE = "company-config/email-template"
TXN_DEFINITION = "order-entry/txn-definition"
ENTITY = "company-config/entity"
USER = "company-config/user"

_KEY = Field(kind=Kind.DIGITS)
_HREF = {"href": Field(kind=Kind.LINK)}
_STATUS = ("active", "inactive")
_TEMPLATE_TYPES = ("arInvoice", "arStatement", "contract", "orderEntryTxn", "purchasingTxn")
_AUDIT: dict[str, Field | Reference] = {
    "audit.createdDateTime": Field(kind=Kind.DATETIME),
    "audit.createdByUser": Reference(target=USER, shown=("key", "id", "href")),
    "audit.createdBy": Field(kind=Kind.DIGITS),
    "audit.modifiedDateTime": Field(kind=Kind.DATETIME),
    "audit.modifiedByUser": Reference(target=USER, shown=("key", "id", "href")),
    "audit.modifiedBy": Field(kind=Kind.DIGITS),
}
_DEFAULT_CONTACT = (
    "key", "id", "printAs", "firstName", "lastName", "email1", "email2", "phone1",
    "mailingAddress.addressLine1", "mailingAddress.addressLine2", "mailingAddress.addressLine3", "mailingAddress.city",
    "mailingAddress.state", "mailingAddress.postCode", "mailingAddress.country", "mailingAddress.isoCountryCode",
)  # fmt: skip

_CUSTOMER = ObjectType(
    name=CUSTOMER,
    members={
        "key": _KEY,
        "id": _text(),
        "name": _text("always", required=True),
        "status": _enum("active", "activeNonPosting", "inactive", write="always", default="active"),
        "totalDue": Field(kind=Kind.AMOUNT),
        "creditLimit": Field(kind=Kind.NUMBER, write="always"),
        "retainagePercentage": Field(kind=Kind.NUMBER, write="always"),
        **{name: _boolean("always") for name in ("isOnHold", "isOneTimeUse", "disableRefund", "emailOptIn")},
        **{name: _text("always") for name in ("currency", "taxId", "notes", "customerResaleNumber")},
        "discountPercent": Field(kind=Kind.AMOUNT),
        "deliveryOptions": _enum("print", "email", "both", write="always", default="print"),
        "customerRestriction": _enum(
            "unrestricted", "rootOnly", "restricted", write="always", default="unrestricted"
        ),
        # The vendor marks each of these deprecated, and says that deprecated fields cannot be queried.
        **{f"contacts.default.{name}": Field(kind=Kind.TEXT, queryable=False) for name in _DEFAULT_CONTACT},
        **_unset("contacts.primary", "contacts.billTo", "contacts.shipTo"),
        "customerMessage": Reference(
            target=CUSTOMER_MESSAGE, shown=("key", "id", "message", "href"), write="always"
        ),
        **_unset(
            "customerType", "parent", "salesRepresentative", "term", "territory", "accountGroup", "priceList",
            "priceSchedule", "attachment", "vendor", "accountLabel", "shippingMethod",
        ),
        "parent.name": _text(),
        "salesRepresentative.name": _text(),
        "lastInvoiceCreatedDate": Field(kind=Kind.DATE),
        "lastStatementGeneratedDate": Field(kind=Kind.DATE),
        "subscriptionEndDate": Field(kind=Kind.DATE),
        **_AUDIT,
        "entity": Reference(target=ENTITY, shown=("key", "id", "name", "href")),
        "webURL": Field(kind=Kind.LINK),
        **_HREF,
    },
)  # fmt: skip

_CUSTOMER_MESSAGE = ObjectType(
    name=CUSTOMER_MESSAGE,
    members={
        "key": _KEY,
        "id": _text("create", required=True),
        "message": _text("always", required=True),
        "status": _enum(*_STATUS, write="always", default="active"),
        **_AUDIT,
        **_HREF,
    },
)

_CUSTOMER_EMAIL_TEMPLATE = ObjectType(
    name=CUSTOMER_EMAIL_TEMPLATE,
    members={
        "key": _KEY,
        "id": _KEY,
        "customer": Reference(target=CUSTOMER, shown=("key", "id", "href"), write="always", required=True),
        "txnDefinition": Reference(target=TXN_DEFINITION, shown=("key", "id"), write="always", named_by=("id",)),
        # The newer OpenAPI's successor of txnDefinition.
        "txnDefinitionName": _text("always"),
        "emailTemplate": Reference(
            target=EMAIL_TEMPLATE, shown=("id", "key", "name", "templateType", "href"), write="always", required=True
        ),
        **_HREF,
    },
)

_EMAIL_TEMPLATE = ObjectType(
    name=EMAIL_TEMPLATE,
    members={
        "key": _KEY,
        "id": _KEY,
        "name": _text(),
        "status": _enum(*_STATUS),
        "description": _text(),
        "templateType": _enum(*_TEMPLATE_TYPES),
        "subject": _text(),
        "body": _text(),
        "sender.senderName": _text(),
        "sender.approvedSenderEmailId": _text(),
        "sender.useOwnEmailAddress": _boolean(),
        **{f"recipients.{part}": _text() for part in ("to", "cc", "bcc")},
        "logo.isLogoIncluded": _boolean(),
        "logo.verticalPosition": _text(),
        "logo.horizontalPosition": _text(),
        "includeTxnAttachments": _boolean(),
        "combineAttachmentsToZip": _boolean(),
        **_AUDIT,
        **_HREF,
    },
)

_TXN_DEFINITION = ObjectType(
    name=TXN_DEFINITION,
    members={"key": _KEY, "id": _text(), "description": _text(), "status": _enum(*_STATUS), **_HREF},
)

_ENTITY = ObjectType(name=ENTITY, members={"key": _KEY, "id": _text(), "name": _text(), **_HREF}, routed=False)
_USER = ObjectType(name=USER, members={"key": _KEY, "id": _text(), **_HREF}, routed=False)

OBJECTS: Mapping[str, ObjectType] = {
    kind.name: kind
    for kind in (
        _CUSTOMER, _CUSTOMER_MESSAGE, _CUSTOMER_EMAIL_TEMPLATE, _EMAIL_TEMPLATE, _TXN_DEFINITION, _ENTITY, _USER,
    )
}  # fmt: skip
