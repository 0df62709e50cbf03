"""The unified records: frozen, free of any vendor's terms, and without I/O.

Native ids are the keys that the vendor's own URLs use; ``stable_id`` never changes even where the native id can.
An attribute that is ``UNSET`` was not part of what the vendor answered; reading the record by key with that attribute
wanted fetches it. ``None`` means that the vendor has no value.

Records are kept out of the garbage collector's sight (``gc=False``): what they hold is JSON, which has no cycles, and
an answer with thousands of them would have it walk them all, again and again.
"""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Generic, TypeVar

from msgspec import UNSET, Struct, UnsetType

__all__ = [
    "UNSET",
    "AggregateRow",
    "Correspondence",
    "Customer",
    "CustomerEmailTemplate",
    "CustomerMessage",
    "Document",
    "DocumentKind",
    "DocumentState",
    "EmailTemplate",
    "Letter",
    "Page",
    "PostalAddress",
    "RawRecord",
    "RecordStatus",
    "TransactionDefinition",
    "UnsetType",
]

RawRecord = dict[str, Any]
"""The vendor's own record as it came, JSON decoded."""


class RecordStatus(StrEnum):
    """Whether a record is in use."""

    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"
    UNKNOWN = "UNKNOWN"


class DocumentKind(StrEnum):
    """What sort of document it is."""

    CORRESPONDENCE = "CORRESPONDENCE"
    LETTER = "LETTER"


class DocumentState(StrEnum):
    """How far a document has come, normalised; UNKNOWN where the vendor's words do not say."""

    DRAFT = "DRAFT"
    READY = "READY"
    SENT = "SENT"
    DELIVERED = "DELIVERED"
    UNKNOWN = "UNKNOWN"


class PostalAddress(Struct, frozen=True, kw_only=True, gc=False):
    """Where post goes. ``country`` is what the vendor holds, as a rule an ISO 3166-1 alpha-2 code."""

    lines: tuple[str, ...] = ()
    city: str | None = None
    postal_code: str | None = None
    region: str | None = None
    country: str | None = None


class Customer(Struct, frozen=True, kw_only=True, gc=False):
    """Whom documents and statements go to."""

    backend: str
    native_id: str
    stable_id: str
    code: str | None
    name: str | None
    status: RecordStatus
    vendor_status: tuple[str, ...] = ()
    emails: tuple[str, ...] | UnsetType | None = UNSET
    address: PostalAddress | UnsetType | None = UNSET
    currency: str | UnsetType | None = UNSET
    outstanding_balance: Decimal | UnsetType | None = UNSET
    message_id: str | None = None
    """The native id of the customer's standing message, where the vendor has such."""
    raw: RawRecord | UnsetType = UNSET


class Correspondence(Struct, frozen=True, kw_only=True, gc=False):
    """A letter-like document that the billing system composed for a customer."""

    backend: str
    native_id: str
    customer_id: str | None
    date: date | None
    title: str | None
    state: DocumentState
    vendor_status: tuple[str, ...] = ()
    number: str | None = None
    type: str | None = None
    raw: RawRecord | UnsetType = UNSET

    @property
    def kind(self) -> DocumentKind:
        """Always CORRESPONDENCE."""
        return DocumentKind.CORRESPONDENCE


class Letter(Struct, frozen=True, kw_only=True, gc=False):
    """A letter to one of a customer's addresses."""

    backend: str
    native_id: str
    customer_id: str | None
    date: date | None
    title: str | None
    state: DocumentState
    vendor_status: tuple[str, ...] = ()
    address_id: str | None = None
    contact_id: str | None = None
    page_count: int | None = None
    raw: RawRecord | UnsetType = UNSET

    @property
    def kind(self) -> DocumentKind:
        """Always LETTER."""
        return DocumentKind.LETTER


Document = Correspondence | Letter


class TransactionDefinition(Struct, frozen=True, kw_only=True, gc=False):
    """The kind of transaction an e-mail template is for."""

    native_id: str | None
    name: str | None


class EmailTemplate(Struct, frozen=True, kw_only=True, gc=False):
    """The text of an e-mail."""

    backend: str
    native_id: str
    name: str | UnsetType | None = UNSET
    template_type: str | UnsetType | None = UNSET
    subject: str | UnsetType | None = UNSET
    body: str | UnsetType | None = UNSET
    raw: RawRecord | UnsetType = UNSET


class CustomerEmailTemplate(Struct, frozen=True, kw_only=True, gc=False):
    """Which e-mail template a customer gets for one kind of transaction."""

    backend: str
    native_id: str
    customer_id: str | None
    transaction_definition: TransactionDefinition | None
    email_template: EmailTemplate | None
    raw: RawRecord | UnsetType = UNSET


class CustomerMessage(Struct, frozen=True, kw_only=True, gc=False):
    """The standing text that a customer's invoices carry. Times are UTC."""

    backend: str
    native_id: str
    code: str | None
    text: str | UnsetType | None = UNSET
    status: RecordStatus | UnsetType = UNSET
    created_at: datetime | UnsetType | None = UNSET
    created_by: str | UnsetType | None = UNSET
    modified_at: datetime | UnsetType | None = UNSET
    modified_by: str | UnsetType | None = UNSET
    raw: RawRecord | UnsetType = UNSET


class AggregateRow(Struct, frozen=True, kw_only=True, gc=False):
    """One group: the values that it was grouped by, and the measures, each keyed ``function:field``."""

    group: dict[str, Any]
    values: dict[str, Any]


T_co = TypeVar("T_co", covariant=True)


class Page(Struct, Generic[T_co], frozen=True, kw_only=True):
    """A part of one backend's list.

    ``positions`` has, for each record, where to go on after it; ``end`` where to go on after the page, which is None
    when the list is exhausted. A page may be empty and yet have an ``end`` (every row was filtered out). ``problem`` is
    an `adapters.errors.ScanLimit` when the scan budget ended it. ``total`` counts all matches, where the vendor says.
    """

    records: Sequence[T_co]
    positions: Sequence[str]
    end: str | None
    total: int | None = None
    problem: Exception | None = None
