"""What a vendor's package offers: a `Vendor`, which connects to an `Adapter`, whose parts are the capability protocols.

An adapter has the parts that its vendor has, and None for the rest; what a backend can do is read off that. Verbs take
many keys and answer per key, so that one failing record fails alone. A read's ``wanted`` names the record's attributes
that somebody asked for; attributes beyond it may be left ``UNSET`` where fetching them would cost a call, but those in
it are always set by reads by key. Lists may leave UNSET what their rows do not carry, and give rows whose records are
made when somebody looks at them (`adapters.translating`).

A write is prepared, then performed: preparing is pure and gives the exact `PreparedCall`; performing sends that very
call, once, and reads its outcome off the vendor's `Outcomes`.
"""

import importlib
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Protocol, TypeVar

import httpx
from msgspec import Struct

from adapters.aggregates import AggregateRequest, Measure, Subject
from adapters.answers import is_json
from adapters.errors import AdapterError
from adapters.filters import Filter, FilterOptions
from adapters.limits import Limits, Rate
from adapters.model import (
    AggregateRow,
    Correspondence,
    Customer,
    CustomerEmailTemplate,
    CustomerMessage,
    EmailTemplate,
    Letter,
    Page,
)
from adapters.patience import no_hidden_outage, retry_after
from adapters.sandboxing import Sandbox, SandboxOptions
from adapters.shapes import Shape
from adapters.wire import FileStream
from adapters.writes import (
    CreateCorrespondence,
    CreateLetter,
    CreateMessage,
    CreateTemplate,
    Deleting,
    DeliverDocument,
    EmailDocument,
    EmailStatements,
    Evidence,
    EvidenceRequest,
    OtherSending,
    Outcome,
    Outcomes,
    OutcomeState,
    PostDocument,
    PreparedCall,
    Recipient,
    SendAction,
    SetDocumentStatus,
    StatusChange,
    UpdateCorrespondence,
    UpdateLetter,
    UpdateMessage,
    UpdateTemplate,
    Verdict,
    Writing,
    invalid,
)

__all__ = [
    "Adapter",
    "AggregateRequest",
    "Aggregates",
    "Authenticate",
    "Connection",
    "CreateCorrespondence",
    "CreateLetter",
    "CreateMessage",
    "CreateTemplate",
    "Credentials",
    "Customers",
    "Deleting",
    "DeliverDocument",
    "Documents",
    "EmailDocument",
    "EmailStatements",
    "Evidence",
    "EvidenceRequest",
    "Limits",
    "ListRequest",
    "Measure",
    "Messages",
    "Order",
    "OtherSending",
    "Outcome",
    "OutcomeState",
    "Outcomes",
    "PostDocument",
    "PreparedCall",
    "Rate",
    "Recipient",
    "Results",
    "SendAction",
    "SetDocumentStatus",
    "StatusChange",
    "Subject",
    "Templates",
    "UpdateCorrespondence",
    "UpdateLetter",
    "UpdateMessage",
    "UpdateTemplate",
    "Vendor",
    "VendorSettings",
    "Verdict",
    "Writing",
    "invalid",
]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

Results = Mapping[str, T | AdapterError | None]
"""Per key: the record, None where the vendor has no such, or why it is not known."""

# ── Reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class Order(Struct, frozen=True):
    """By which attribute a list is ordered; nulls come last either way."""

    field: str
    descending: bool = False


class ListRequest(Struct, frozen=True, kw_only=True, cache_hash=True):
    """Which part of a list is asked for.

    ``first`` is the most records to return (at least 1). ``position`` is where an earlier page of the same list said
    to go on. ``count`` asks for `Page.total`, at the price of a call if need be. Without ``order`` the vendor's own is
    kept. A filter, order or option that the vendor cannot honour, pushed down or applied here, raises
    `UnsupportedByVendor`; nothing is silently ignored.
    """

    options: FilterOptions
    first: int
    position: str | None = None
    filter: Filter | None = None
    order: Order | None = None
    wanted: frozenset[str] = frozenset()
    count: bool = False


class Customers(Protocol):
    """Reads customers. Filters know ``code name status outstanding_balance external_reference``."""

    async def page(self, request: ListRequest) -> Page[Customer]:
        """A part of the list of all customers."""

    async def by_key(self, keys: Sequence[str], wanted: frozenset[str]) -> Results[Customer]:
        """Customers by native id."""

    async def by_code(self, codes: Sequence[str], wanted: frozenset[str]) -> Results[Customer]:
        """Customers by code; more than one match is a `Conflict`."""


class Documents(Protocol[T_co]):
    """Reads one kind of document. Filters know ``type title date state delivered created_since``.

    ``delivered`` and ``created_since`` stand only among the conjuncts of a filter (they are no attributes of a record).
    Orders know ``date``.
    """

    async def page(self, request: ListRequest) -> Page[T_co]:
        """A part of the list of all documents of this kind."""

    async def by_key(self, keys: Sequence[str], wanted: frozenset[str]) -> Mapping[str, T_co | AdapterError | None]:
        """Documents by native id."""

    async def of_customers(
        self, customer_ids: Sequence[str], request: ListRequest, positions: Mapping[str, str] = {}
    ) -> Mapping[str, Page[T_co] | AdapterError]:
        """For each customer's native id, a part of its list: from its position on, or else from the beginning.

        The request itself has no position. A position that a list cannot have given is its customer's `InvalidInput`.
        """


class Templates(Protocol):
    """Reads which e-mail templates customers get.

    Filters know ``customer_id customer_code customer_name template_name template_type transaction_definition``; orders
    ``customer_code template_name transaction_definition``.
    """

    async def page(self, request: ListRequest) -> Page[CustomerEmailTemplate]:
        """A part of the list of all."""

    async def by_key(self, keys: Sequence[str], wanted: frozenset[str]) -> Results[CustomerEmailTemplate]:
        """Customers' templates by native id."""

    async def of_customers(
        self, customer_ids: Sequence[str], request: ListRequest, positions: Mapping[str, str] = {}
    ) -> Mapping[str, Page[CustomerEmailTemplate] | AdapterError]:
        """For each customer's native id, a part of its list, as of `Documents`."""

    async def email_templates(self, keys: Sequence[str], wanted: frozenset[str]) -> Results[EmailTemplate]:
        """The e-mail templates themselves, by native id."""


class Messages(Protocol):
    """Reads customers' standing messages. Filters know ``code text status created_at modified_at``."""

    async def page(self, request: ListRequest) -> Page[CustomerMessage]:
        """A part of the list of all."""

    async def by_key(self, keys: Sequence[str], wanted: frozenset[str]) -> Results[CustomerMessage]:
        """Messages by native id."""


Aggregates = Callable[[AggregateRequest], Awaitable[tuple[AggregateRow, ...]]]

# ── The adapter and its vendor ───────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """One backend's abilities: each part is what the vendor offers, or None.

    ``perform`` sends a prepared call once and answers one outcome per target, in order; it never raises an
    `AdapterError`. ``check`` signs in and reads something cheap, and returns what is worth knowing (findings, a
    sentence each); it raises the error that stood in the way.
    """

    perform: Callable[[PreparedCall], Awaitable[tuple[Outcome, ...]]]
    check: Callable[[], Awaitable[tuple[str, ...]]]
    customers: Customers | None = None
    correspondence: Documents[Correspondence] | None = None
    letters: Documents[Letter] | None = None
    templates: Templates | None = None
    messages: Messages | None = None
    aggregate: Aggregates | None = None
    write_correspondence: Writing[CreateCorrespondence, UpdateCorrespondence] | None = None
    delete_correspondence: Deleting | None = None
    write_letters: Writing[CreateLetter, UpdateLetter] | None = None
    delete_letter: Deleting | None = None
    write_templates: Writing[CreateTemplate, UpdateTemplate] | None = None
    delete_template: Deleting | None = None
    write_messages: Writing[CreateMessage, UpdateMessage] | None = None
    set_document_status: Callable[[SetDocumentStatus], PreparedCall] | None = None
    email_document: Callable[[EmailDocument], PreparedCall] | None = None
    deliver_document: Callable[[DeliverDocument], PreparedCall] | None = None
    post_document: Callable[[PostDocument], PreparedCall] | None = None
    email_statements: Callable[[EmailStatements], tuple[PreparedCall, ...]] | None = None
    pdf: Callable[[str], Awaitable[FileStream]] | None = None
    preview: Callable[[str, int, int], Awaitable[FileStream]] | None = None
    """Native id, page (from 1), width in pixels."""
    evidence: Callable[[EvidenceRequest], Awaitable[Evidence]] | None = None

    def offers(self) -> frozenset[str]:
        """The names of the parts that are there."""
        return frozenset(part.name for part in fields(self) if getattr(self, part.name) is not None)


class VendorSettings(Shape, frozen=True, kw_only=True):
    """A vendor's own settings of a backend; a vendor with knobs subclasses it."""


class Credentials(Shape, frozen=True, kw_only=True):
    """A backend's credentials; a vendor subclasses it, with fields of `adapters.shapes.SecretStr`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """All an adapter needs to know of its backend: the transport carries credential and policies already."""

    key: str
    base_url: str
    transport: httpx.AsyncBaseTransport
    settings: Any
    limits: Limits
    timeout: float = 30.0
    clock: Callable[[], datetime]


class Authenticate(Protocol):
    """Wraps a transport so that each request carries the backend's credential.

    It adds a header or a path segment, or signs in first (once for all waiting requests) and once more after a refusal
    that proves that nothing was done. It adds the credential only to URLs under ``base_url`` and follows no redirect.
    """

    def __call__(
        self,
        inner: httpx.AsyncBaseTransport,
        *,
        key: str,
        base_url: str,
        credentials: Any,
        settings: Any,
        clock: Callable[[], datetime],
    ) -> httpx.AsyncBaseTransport:
        """The transport around ``inner``."""


@dataclass(frozen=True, kw_only=True)
class Vendor:
    """A vendor's package, as data.

    ``native_ids`` holds, per record type (``Customer``, ``Correspondence``, ``Letter``, ``CustomerEmailTemplate``,
    ``EmailTemplate``, ``CustomerMessage``), the pattern that a native id matches whole; any other never reaches a URL.
    ``sandbox_module`` has the ``build_sandbox`` of its emulator. ``checked_live`` is False until the contract tests
    have run against the live service.
    """

    name: str
    title: str
    base_url: str | None
    credentials: type[Credentials]
    settings: type[VendorSettings] = VendorSettings
    limits: Limits
    outcomes: Outcomes
    native_ids: Mapping[str, re.Pattern[str]]
    authenticate: Authenticate
    connect: Callable[[Connection], Adapter]
    sandbox_module: str
    sent_statuses: Mapping[SendAction, frozenset[str]] = field(default_factory=dict)
    """Per way to send, the names in a document's ``vendor_status`` by which the vendor's pages say that it went out
    that way. It is not sent so again to whom the vendor chooses, unless that is asked for."""
    is_outage: Callable[[int, bytes], bool] = no_hidden_outage
    """Whether an answer, by its status and its body, means that the vendor is out of order, although its status does
    not say so. The body of a stream's answer is not read for it."""
    retry_after: Callable[[httpx.Headers], float | None] = retry_after
    """The seconds for which an answer's headers ask for patience."""
    reads: frozenset[str] = frozenset()
    """The operations that read records, and so whose answers may be kept for a time."""
    is_sound: Callable[[bytes], bool] = is_json
    """Whether the body of a success is an answer, and no error under a success's status."""
    unique_codes: bool = False
    """Whether a customer's code names one customer, for so the vendor's pages say."""
    takes_idempotency_keys: bool = False
    credential_headers: Mapping[str, str] = field(default_factory=dict)
    """The headers that the credential adds, redacted, for showing a request."""
    credential_path: str = ""
    """What the credential adds to a URL's path, redacted."""
    checked_live: bool = False
    notes: Mapping[str, str] = field(default_factory=dict)
    """Per part of the adapter, a remark for the capability table."""

    def build_sandbox(self, options: SandboxOptions) -> Sandbox:
        """The vendor's emulator; imported only here, since its libraries are an optional install."""
        sandbox: Sandbox = importlib.import_module(self.sandbox_module).build_sandbox(options)
        return sandbox

    def accepts(self, record_type: str, native_id: str) -> bool:
        """Whether the vendor could have a record of this type under this id."""
        pattern = self.native_ids.get(record_type)
        return pattern is not None and pattern.fullmatch(native_id) is not None
