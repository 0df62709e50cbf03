"""What can be asked of a vendor that changes or sends something, the exact call that asks it, and what became of it."""

import datetime
import re
from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Protocol, TypeVar

from msgspec import UNSET, Struct, UnsetType

from adapters.errors import AdapterError, InvalidInput, OutcomeUnknown
from adapters.model import CustomerEmailTemplate, CustomerMessage, Document, DocumentState, RecordStatus
from adapters.wire import WireRequest

__all__ = [
    "CreateCorrespondence",
    "CreateLetter",
    "CreateMessage",
    "CreateTemplate",
    "Deleting",
    "DeliverDocument",
    "EmailDocument",
    "EmailStatements",
    "Evidence",
    "EvidenceRequest",
    "OtherSending",
    "Outcome",
    "OutcomeState",
    "Outcomes",
    "PostDocument",
    "PreparedCall",
    "Recipient",
    "SendAction",
    "SetDocumentStatus",
    "StatusChange",
    "UpdateCorrespondence",
    "UpdateLetter",
    "UpdateMessage",
    "UpdateTemplate",
    "Verdict",
    "Writing",
    "are_addressable",
    "invalid",
]

CreateT_contra = TypeVar("CreateT_contra", contravariant=True)
UpdateT_contra = TypeVar("UpdateT_contra", contravariant=True)


class CreateCorrespondence(Struct, frozen=True, kw_only=True):
    """Correspondence for a customer. ``vendor_fields`` go to the vendor unchanged."""

    customer_id: str
    type: str
    date: datetime.date | None = None
    number: str | None = None
    vendor_fields: dict[str, Any] = {}


class UpdateCorrespondence(Struct, frozen=True, kw_only=True):
    """A change; what is UNSET stays as it is."""

    native_id: str
    date: datetime.date | UnsetType | None = UNSET
    number: str | UnsetType | None = UNSET
    vendor_fields: dict[str, Any] = {}


class CreateLetter(Struct, frozen=True, kw_only=True):
    """A letter to one of a customer's addresses."""

    customer_id: str
    date: datetime.date
    address_id: str | None = None
    contact_id: str | None = None
    title: str | None = None
    vendor_fields: dict[str, Any] = {}


class UpdateLetter(Struct, frozen=True, kw_only=True):
    """A change; what is UNSET stays as it is."""

    native_id: str
    customer_id: str | UnsetType = UNSET
    address_id: str | UnsetType | None = UNSET
    contact_id: str | UnsetType | None = UNSET
    date: datetime.date | UnsetType = UNSET
    title: str | UnsetType | None = UNSET
    vendor_fields: dict[str, Any] = {}


class CreateTemplate(Struct, frozen=True, kw_only=True):
    """Assigns an e-mail template to a customer."""

    customer_id: str
    email_template_id: str
    transaction_definition: str | None = None
    vendor_fields: dict[str, Any] = {}


class UpdateTemplate(Struct, frozen=True, kw_only=True):
    """A change; what is UNSET stays as it is."""

    native_id: str
    customer_id: str | UnsetType = UNSET
    email_template_id: str | UnsetType = UNSET
    transaction_definition: str | UnsetType | None = UNSET
    vendor_fields: dict[str, Any] = {}


class CreateMessage(Struct, frozen=True, kw_only=True):
    """A standing message."""

    code: str
    text: str
    status: RecordStatus = RecordStatus.ACTIVE


class UpdateMessage(Struct, frozen=True, kw_only=True):
    """A change; what is UNSET stays as it is."""

    native_id: str
    text: str | UnsetType = UNSET
    status: RecordStatus | UnsetType = UNSET


class StatusChange(Struct, frozen=True, kw_only=True):
    """A state in our terms or a status in the vendor's; exactly one is given."""

    state: DocumentState | None = None
    vendor_status: str | None = None


class SetDocumentStatus(Struct, frozen=True, kw_only=True):
    """Sets a document's status."""

    native_id: str
    status: StatusChange


class Recipient(Struct, frozen=True, kw_only=True):
    """Where an e-mail goes."""

    email: str
    name: str | None = None
    cc: bool = False


_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def are_addressable(recipients: Iterable[Recipient]) -> bool:
    """Whether each has an address, and no control character: a line end would begin another header of the e-mail."""
    return all(
        one.email.strip() and not _CONTROLS.search(one.email) and not _CONTROLS.search(one.name or "")
        for one in recipients
    )


class EmailDocument(Struct, frozen=True, kw_only=True):
    """E-mails a document. Without ``recipients`` the vendor chooses, where it can."""

    native_id: str
    recipients: tuple[Recipient, ...] | None = None
    subject: str | None = None
    body: str | None = None
    attachments: tuple[str, ...] = ()
    status_after: StatusChange | None = None


class DeliverDocument(Struct, frozen=True, kw_only=True):
    """Marks a document as delivered by hand."""

    native_id: str


class PostDocument(Struct, frozen=True, kw_only=True):
    """Sends a document by post."""

    native_id: str
    priority: bool
    color: bool = False
    status_when_sent: StatusChange | None = None
    status_after: StatusChange | None = None


class EmailStatements(Struct, frozen=True, kw_only=True):
    """E-mails statements to customers, by native id, in as few calls as the vendor takes.

    ``start`` and ``end`` are the first and the last day of the invoices listed; neither leaves the period to the
    vendor.
    """

    customer_ids: tuple[str, ...]
    start: datetime.date | None = None
    end: datetime.date | None = None
    all_invoices: bool = False
    exclude_paid: bool = False


class PreparedCall(Struct, frozen=True, kw_only=True):
    """The exact request that a write will send, and the native ids that its answer speaks of, in order.

    ``recipients`` are known where we choose them, and None where the vendor does.
    """

    request: WireRequest
    targets: tuple[str, ...]
    recipients: tuple[str, ...] | None = None


class Writing(Protocol[CreateT_contra, UpdateT_contra]):
    """Prepares writes of one kind of record. ``idempotency_key`` is passed on where the vendor has such keys."""

    def create(self, request: CreateT_contra, idempotency_key: str | None = None) -> PreparedCall:
        """The call that creates a record; its one target is the record it is created for."""

    def update(self, request: UpdateT_contra, idempotency_key: str | None = None) -> PreparedCall:
        """The call that changes a record."""


class Deleting(Protocol):
    """Prepares deletions of one kind of record."""

    def __call__(self, native_id: str) -> PreparedCall:
        """The call that deletes a record."""


class OutcomeState(StrEnum):
    """What became of a write, as far as the vendor's answer proves it."""

    DONE = "DONE"
    UNDONE = "UNDONE"
    UNKNOWN = "UNKNOWN"


class Outcome(Struct, frozen=True, kw_only=True):
    """What became of a write for one target.

    ``message`` is the vendor's own. ``native_id`` names the record that was created or changed and ``record`` is it,
    where the answer carries it whole. ``error`` says why it was not, or may not have been, done.
    """

    state: OutcomeState
    message: str | None = None
    native_id: str | None = None
    record: Document | CustomerEmailTemplate | CustomerMessage | None = None
    error: AdapterError | None = None


class Outcomes(Struct, frozen=True, kw_only=True):
    """Which answers prove that a write was not done. Everything else that is not success is unknown.

    ``unsure_codes`` are the vendor codes that prove nothing although their status would.
    ``undone_codes`` prove it whatever the status.
    """

    undone_statuses: frozenset[int]
    undone_codes: frozenset[str] = frozenset()
    unsure_codes: frozenset[str] = frozenset()

    def of(self, error: AdapterError) -> Outcome:
        """The outcome of a write that ended in this error; `OutcomeUnknown` is unknown whatever its status."""
        undone = error.never_sent or (
            not isinstance(error, OutcomeUnknown)
            and error.vendor_code not in self.unsure_codes
            and (error.vendor_code in self.undone_codes or error.status in self.undone_statuses)
        )
        state = OutcomeState.UNDONE if undone else OutcomeState.UNKNOWN
        return Outcome(state=state, message=error.message, error=error)


class Verdict(StrEnum):
    """What the vendor's evidence says of a send."""

    SENT = "SENT"
    NOT_SENT = "NOT_SENT"
    UNDECIDED = "UNDECIDED"


class SendAction(StrEnum):
    """The ways to send."""

    EMAIL = "EMAIL"
    DELIVER = "DELIVER"
    POST = "POST"
    EMAIL_STATEMENT = "EMAIL_STATEMENT"


class OtherSending(Struct, frozen=True, kw_only=True):
    """Another send of the same record by the same channel that went out, or may have: from when to when (UTC) it could.

    ``until`` is None while it still may.
    """

    since: datetime.datetime
    until: datetime.datetime | None


class EvidenceRequest(Struct, frozen=True, kw_only=True):
    """What is to be found out: whether this send, begun at ``since`` or after it (UTC), was done.

    ``until`` is when nobody waited for its answer any more, where that is known: the vendor may be at work even then.

    ``stable_id`` is the record's own, where its native id may have passed to another meanwhile. ``unsent_before``: the
    vendor's status was read just before, and did not say that it had been sent (`Vendor.sent_statuses`). ``others``
    may have left the traces that are found.
    """

    action: SendAction
    native_id: str
    stable_id: str
    since: datetime.datetime
    until: datetime.datetime | None = None
    recipients: tuple[str, ...] | None = None
    unsent_before: bool = False
    others: tuple[OtherSending, ...] = ()


class Evidence(Struct, frozen=True, kw_only=True):
    """What the vendor shows, in a sentence, and what it proves. UNDECIDED where it proves neither."""

    verdict: Verdict
    text: str


def invalid(message: str, field: str, *, backend: str, operation: str) -> InvalidInput:
    """The caller's mistake, found before any call."""
    return InvalidInput(message, backend=backend, operation=operation, field=field, never_sent=True)
