"""The schema's enumerations: those of the model, described for the reader of the schema."""

from collections.abc import Mapping
from enum import Enum, StrEnum
from typing import TypeVar

import strawberry

from adapters.contract import Subject
from adapters.filters import RelativePeriod
from adapters.model import DocumentState, RecordStatus
from gateway.backends import Capability
from gateway.dispatch.records import DispatchAction, DispatchState, ItemState
from gateway.problems import ProblemCode
from gateway.upstream.health import HealthState

__all__ = [
    "AggregateFunction",
    "AggregateSubject",
    "CustomerOrderField",
    "Direction",
    "DocumentAction",
    "DocumentOrderField",
    "PostSpeed",
    "PreviewSize",
    "TemplateOrderField",
]

E = TypeVar("E", bound=type[Enum])


def described(cls: E, description: str, values: Mapping[str, str], *, name: str | None = None) -> E:
    """Makes an enumeration part of the schema, with a description for each value."""
    enum = strawberry.enum(cls, name=name, description=description)
    for value in enum.__strawberry_definition__.values:  # type: ignore[attr-defined]
        value.description = values[value.name]
    return enum


class DocumentAction(StrEnum):
    """What can be done with a document."""

    EMAIL = "EMAIL"
    DELIVER = "DELIVER"
    POST = "POST"
    SET_STATUS = "SET_STATUS"


class PreviewSize(Enum):
    """Widths of a preview, in pixels."""

    W240 = 240
    W595 = 595
    W600 = 600
    W972 = 972
    W1240 = 1240


class PostSpeed(StrEnum):
    """How fast post goes."""

    PRIORITY = "PRIORITY"
    ECONOMY = "ECONOMY"


class Direction(StrEnum):
    """Which way a list is ordered."""

    ASC = "ASC"
    DESC = "DESC"


class CustomerOrderField(StrEnum):
    """What customers are ordered by; the values are the model's attributes."""

    NAME = "name"
    CODE = "code"
    OUTSTANDING_BALANCE = "outstanding_balance"


class DocumentOrderField(StrEnum):
    """What documents are ordered by."""

    DATE = "date"


class TemplateOrderField(StrEnum):
    """What customers' e-mail templates are ordered by."""

    CUSTOMER_CODE = "customer_code"
    TEMPLATE_NAME = "template_name"
    TRANSACTION_DEFINITION = "transaction_definition"


class AggregateFunction(StrEnum):
    """What is computed."""

    COUNT = "count"
    AVG = "avg"
    SUM = "sum"
    MIN = "min"
    MAX = "max"


AggregateSubject = described(
    Subject,
    "What is aggregated.",
    {
        "CUSTOMERS": "Customers.",
        "TEMPLATES": "Customers' e-mail templates.",
        "MESSAGES": "Customers' messages.",
    },
    name="AggregateSubject",
)
described(
    AggregateFunction,
    "What is computed of a group.",
    {
        "COUNT": "How many records have a value in the field.",
        "AVG": "The mean.",
        "SUM": "The sum.",
        "MIN": "The least value.",
        "MAX": "The greatest value.",
    },
)
described(
    Direction,
    "Which way a list is ordered. Records without a value come last either way.",
    {
        "ASC": "Least, or first in the alphabet, or oldest first.",
        "DESC": "Greatest, or last in the alphabet, or newest first.",
    },
)
described(
    CustomerOrderField,
    "What customers are ordered by.",
    {
        "NAME": "The name.",
        "CODE": "The account number, customer code, client number or customer id.",
        "OUTSTANDING_BALANCE": "What the customer owes.",
    },
)
described(DocumentOrderField, "What documents are ordered by.", {"DATE": "The document's date."})
described(
    TemplateOrderField,
    "What customers' e-mail templates are ordered by.",
    {
        "CUSTOMER_CODE": "The customer's code.",
        "TEMPLATE_NAME": "The e-mail template's name.",
        "TRANSACTION_DEFINITION": "The kind of transaction.",
    },
)
described(
    DocumentAction,
    "What a backend can do with a document.",
    {
        "EMAIL": "`emailDocument` sends it by e-mail.",
        "DELIVER": "`deliverDocument` marks it as delivered by hand.",
        "POST": "`postDocument` has it printed and posted.",
        "SET_STATUS": "`setDocumentStatus` changes its status.",
    },
)
described(
    PreviewSize,
    "The width of a page's picture.",
    {f"W{width}": f"{width} pixels wide." for width in (240, 595, 600, 972, 1240)},
)
described(
    PostSpeed,
    "How fast a letter is to go.",
    {"PRIORITY": "Priority post.", "ECONOMY": "Economy post."},
)
described(
    RecordStatus,
    "Whether a record is in use.",
    {
        "ACTIVE": "In use.",
        "INACTIVE": "Dropped, archived, hidden or switched off.",
        "UNKNOWN": "The vendor's words do not say, or it has none.",
    },
)
described(
    DocumentState,
    "How far a document has come, normalised from the vendor's words. Never the reason to refuse a send.",
    {
        "DRAFT": "Being written.",
        "READY": "Complete, and not known to have gone out.",
        "SENT": "Gone out: e-mailed, downloaded, printed or sent by the vendor's word.",
        "DELIVERED": "Delivered by the vendor's word.",
        "UNKNOWN": "The vendor's words do not say.",
    },
)
described(
    RelativePeriod,
    "A span of days around `options.asOf`, or today. Weeks begin on Monday, quarters in January.",
    {
        "TODAY": "The day itself.",
        "YESTERDAY": "The day before.",
        "CURRENT_WEEK": "The week that the day is in.",
        "LAST_WEEK": "The week before.",
        "CURRENT_MONTH": "The month that the day is in.",
        "PRIOR_MONTH": "The month before.",
        "CURRENT_QUARTER": "The quarter that the day is in.",
        "PRIOR_QUARTER": "The quarter before.",
        "CURRENT_YEAR": "The year that the day is in.",
        "PRIOR_YEAR": "The year before.",
    },
)
described(
    HealthState,
    "What the last calls showed of a backend.",
    {
        "UP": "The last call was answered.",
        "DEGRADED": "The last call was answered with a server error.",
        "DOWN": "The last call was not answered.",
        "UNKNOWN": "Not called since the gateway started.",
    },
)
described(
    Capability,
    "What a backend can do, read off what its adapter offers.",
    {
        "READ_CUSTOMERS": "`customers`, `customer`.",
        "READ_CORRESPONDENCE": "`correspondence`, and correspondence in `documents`.",
        "WRITE_CORRESPONDENCE": "`createCorrespondence`, `updateCorrespondence`.",
        "READ_LETTERS": "`letters`, and letters in `documents`.",
        "WRITE_LETTERS": "`createLetter`, `updateLetter`.",
        "READ_TEMPLATES": "`templates`.",
        "WRITE_TEMPLATES": "`createTemplate`, `updateTemplate`.",
        "AGGREGATE_TEMPLATES": "`aggregate`.",
        "READ_MESSAGES": "`messages`, `Customer.message`.",
        "WRITE_MESSAGES": "`createMessage`, `updateMessage`.",
        "EMAIL_DOCUMENT": "`emailDocument`.",
        "DELIVER_DOCUMENT": "`deliverDocument`.",
        "POST_DOCUMENT": "`postDocument`.",
        "SET_DOCUMENT_STATUS": "`setDocumentStatus`.",
        "EMAIL_STATEMENT": "`emailStatements`.",
        "DOCUMENT_PDF": "`Document.pdf`.",
        "DOCUMENT_PREVIEW": "`Letter.preview`.",
    },
)
described(
    DispatchAction,
    "How something is sent.",
    {
        "EMAIL": "A document by e-mail.",
        "DELIVER": "A document marked as delivered by hand.",
        "POST": "A document by post.",
        "EMAIL_STATEMENT": "A customer's statement by e-mail.",
    },
)
described(
    DispatchState,
    "How a dispatch stands. While an item is pending it is QUEUED, RUNNING or PAUSED; then the gravest item decides.",
    {
        "QUEUED": "Nothing has begun.",
        "RUNNING": "Items are being sent.",
        "PAUSED": "Items wait, because their backend cannot be used now.",
        "SUCCEEDED": "The vendor took every item.",
        "COMPLETED_WITH_FAILURES": "Some items were proved not to have gone.",
        "FAILED": "Every item was proved not to have gone.",
        "UNKNOWN": "At least one item may or may not have gone out: reconcile it.",
        "CANCELLED": "Cancelled before anything was sent.",
    },
)
described(
    ItemState,
    "How one item of a dispatch stands.",
    {
        "QUEUED": "Not begun.",
        "SENDING": "The vendor is being asked.",
        "ACCEPTED": "The vendor took it, which is no proof of delivery.",
        "FAILED": "Proved not to have gone.",
        "UNKNOWN": "It may have gone out. It is never sent again by itself.",
        "SKIPPED": "Not attempted, for a reason given.",
        "CANCELLED": "Cancelled before it began.",
    },
)
described(
    ProblemCode,
    "What kind of thing went wrong.",
    {
        "INVALID_INPUT": "An argument is wrong; `path` names it.",
        "NOT_FOUND": "There is no such record, or it is not visible here.",
        "NOT_READY": "The vendor says that the record cannot be sent yet.",
        "UNSUPPORTED": "This backend cannot be told that. No call was made.",
        "CONFLICT": "A unique value is taken, a name fits several records, or (`retryable`) a request under the same "
        "idempotency key is still running.",
        "ALREADY_SENT": "This was sent before; `resend` sends it again.",
        "INACTIVE": "The customer is archived or dropped at the vendor, neither named nor asked for by `status`.",
        "IDEMPOTENCY_CONFLICT": "The idempotency key was used before with another input.",
        "SCAN_LIMIT": "As many rows as allowed were read without filling the page; the cursor goes on from there.",
        "FORBIDDEN": "The backend's credentials may not do this.",
        "BACKEND_CREDENTIALS": "The backend does not accept the gateway's credentials: its operator must act.",
        "RATE_LIMITED": "The backend asks for patience; `retryAfter` says how much, if it does.",
        "UNAVAILABLE": "The backend cannot be reached, or answered with a server error; or the ledger is away.",
        "TIMEOUT": "The backend did not answer in time.",
        "REJECTED": "The backend refused; `vendorCode` and the message are its own.",
        "MALFORMED_RESPONSE": "The backend's answer is not what it documents; nothing in it was believed.",
        "OUTCOME_UNKNOWN": "A write was sent and may or may not have been done. It is not repeated.",
        "FILE_NOT_AVAILABLE": "The record has no such file, or not yet.",
    },
)
