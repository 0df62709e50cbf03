"""Customers, and everything that hangs on one."""

import decimal
from typing import Annotated, Any, Optional

import strawberry
from strawberry.scalars import JSON

from adapters import model
from adapters.model import RecordStatus
from gateway.context import Ask, RequestContext
from gateway.dispatch.loading import ItemsKey
from gateway.lists import OwnLists
from gateway.loaders import RecordKey
from gateway.record_types import ref_of
from gateway.schema.backend import BackendType
from gateway.schema.dispatch_item import DispatchItemConnection
from gateway.schema.document import DOCUMENT_TYPES, Correspondence, Document, Letter
from gateway.schema.fields import attribute, derived, fetched, load, own_lists, raw_record
from gateway.schema.filters import DocumentFilter, DocumentOrder, TemplateFilter, read_filter, read_order
from gateway.schema.message import CustomerMessage
from gateway.schema.node import Node
from gateway.schema.paging import After, Connection, First, connection_key, page_size
from gateway.schema.template import CustomerEmailTemplate
from gateway.timeline import DOCUMENT_PARTS, CounterpartKey

__all__ = ["Customer", "PostalAddress"]


@strawberry.type(description="Where post goes.")
class PostalAddress:
    """Where post goes."""

    lines: list[str] = attribute("lines", "Street and house, and what else stands above the town.")
    city: str | None = attribute("city", "The town.")
    postal_code: str | None = attribute("postal_code", "The postcode.")
    region: str | None = attribute("region", "The county, state or canton.")
    country: str | None = attribute("country", "The country as the vendor has it: as a rule two letters (ISO 3166-1).")


DocumentsFilter = Annotated[DocumentFilter | None, strawberry.argument(description="Which of them.")]
DocumentsOrder = Annotated[
    DocumentOrder | None, strawberry.argument(description="In which order; the vendor's own when absent.")
]


@strawberry.type(description="Whom documents and statements go to.")
class Customer(Node):
    """Whom documents and statements go to."""

    @derived("Where it is kept.", "backend")
    def backend(self: model.Customer, context: RequestContext) -> BackendType:
        """Where it is kept."""
        backend: Any = context.backends.get(self.backend)
        return backend  # type: ignore[no-any-return]

    @derived(
        "The permanent key of the backend that keeps it. Other subgraphs name the customer by it and `nativeId`, or by "
        "it and `code` where the vendor says that a code names one customer.",
        "backend",
    )
    def backend_key(self: model.Customer, context: RequestContext) -> str:
        """The key of the backend that keeps it."""
        return self.backend

    native_id: str = attribute("native_id", "The key that the vendor's own URLs use.")
    code: str | None = attribute("code", "The account number, customer code, client number or customer id.")
    name: str | None = attribute("name", "The name.")
    emails: list[str] | None = fetched(
        "emails", "Its e-mail addresses. May cost a call of its own; null when that failed."
    )
    status: RecordStatus = attribute("status", "Whether it is in use.")
    vendor_status: list[str] = attribute("vendor_status", "The vendor's own status words, unchanged.")
    address: PostalAddress | None = fetched("address", "Where post goes. May cost a call of its own.")
    currency: str | None = fetched("currency", "The currency of its account (ISO 4217).")
    outstanding_balance: decimal.Decimal | None = fetched("outstanding_balance", "What it owes, in its currency.")

    @load(
        "counterparts",
        "The same customer at other backends: of equal `code`, and only between backends that the settings declare to "
        "share codes. Never guessed from names. Null in the place of a backend that could not be asked.",
        "code",
        returns=Optional[list[Optional["Customer"]]],
    )
    def counterparts(self: model.Customer, ask: Ask) -> CounterpartKey | None:
        """The same customer at other backends."""
        if self.code is None:
            return None
        return CounterpartKey(self.backend, self.code, ask.selection.wanted("Customer"))

    @own_lists("What was composed for it.", returns=Connection[Document] | None)
    def documents(
        self: None,
        ask: Ask,
        first: First = 25,
        after: After = None,
        filter: DocumentsFilter = None,
        order_by: DocumentsOrder = None,
    ) -> OwnLists:
        """What was composed for it."""
        return _documents(ask, DOCUMENT_PARTS, first, after, filter, order_by)

    @own_lists(
        "Its correspondence; empty where its backend has no such thing.",
        returns=Connection[Correspondence] | None,
    )
    def correspondence(
        self: None, ask: Ask, first: First = 25, after: After = None, filter: DocumentsFilter = None
    ) -> OwnLists:
        """Its correspondence."""
        return _documents(ask, ("correspondence",), first, after, filter, None)

    @own_lists("Its letters; empty where its backend has no such thing.", returns=Connection[Letter] | None)
    def letters(
        self: None,
        ask: Ask,
        first: First = 25,
        after: After = None,
        filter: DocumentsFilter = None,
        order_by: DocumentsOrder = None,
    ) -> OwnLists:
        """Its letters."""
        return _documents(ask, ("letters",), first, after, filter, order_by)

    @own_lists(
        "Which e-mail templates it gets; empty where its backend has no such thing.",
        returns=Connection[CustomerEmailTemplate] | None,
    )
    def templates(
        self: None,
        ask: Ask,
        first: First = 25,
        after: After = None,
        filter: Annotated[TemplateFilter | None, strawberry.argument(description="Which of them.")] = None,
    ) -> OwnLists:
        """Which e-mail templates it gets."""
        tree = read_filter(filter, ask.context)
        of = connection_key(ask, (), "CustomerEmailTemplate", first=first, after=after, tree=tree, alone=True)
        return OwnLists(("templates",), of)

    @load("record", "The standing text that its invoices carry.", "message_id", returns=CustomerMessage | None)
    def message(self: model.Customer, ask: Ask) -> RecordKey | None:
        """The standing text that its invoices carry."""
        if self.message_id is None:
            return None
        return RecordKey("CustomerMessage", self.backend, self.message_id, ask.selection.wanted("CustomerMessage"))

    @load(
        "dispatch_items",
        "The statements that were sent to it through this gateway, newest first.",
        returns=DispatchItemConnection | None,
    )
    def dispatch_items(self: model.Customer, ask: Ask, first: First = 25, after: After = None) -> ItemsKey:
        """What was sent to it through this gateway."""
        return ItemsKey(target=ref_of(self), first=page_size(first, ask.context), after=after)

    raw: JSON | None = raw_record()

    @classmethod
    def is_type_of(cls, value: Any, _info: Any) -> bool:
        """Whether a value is a customer."""
        return isinstance(value, model.Customer)


def _documents(
    ask: Ask,
    parts: tuple[str, ...],
    first: int,
    after: str | None,
    given_filter: DocumentFilter | None,
    order: DocumentOrder | None,
) -> OwnLists:
    tree, by = read_filter(given_filter, ask.context), read_order(order)
    of = connection_key(ask, (), *DOCUMENT_TYPES, first=first, after=after, tree=tree, order=by, alone=True)
    return OwnLists(parts, of)
