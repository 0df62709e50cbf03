"""What has been, or can be, sent to a customer: correspondence and letters, and what both have."""

import datetime
from typing import TYPE_CHECKING, Annotated, Any, Optional

import strawberry
from strawberry.scalars import JSON

from adapters import model
from adapters.model import DocumentState
from gateway.backends import Capability
from gateway.context import Ask, RequestContext
from gateway.dispatch.loading import ItemsKey
from gateway.loaders import RecordKey
from gateway.problems import Problem, ProblemCode, ProblemError
from gateway.record_types import ref_of
from gateway.schema.backend import BackendType
from gateway.schema.dispatch_item import DispatchItemConnection
from gateway.schema.enums import DocumentAction, PreviewSize
from gateway.schema.fields import attribute, derived, load, raw_record
from gateway.schema.file import VendorFile
from gateway.schema.node import Node
from gateway.schema.paging import After, First, page_size

if TYPE_CHECKING:
    from gateway.schema.customer import Customer

__all__ = ["DOCUMENT_TYPES", "Correspondence", "Document", "Letter"]

LazyCustomer = Annotated["Customer", strawberry.lazy("gateway.schema.customer")]

DOCUMENT_TYPES = ("Document", "Correspondence", "Letter")
"""The types whose fields a selection of documents may name."""

_ACTIONS = {
    Capability.EMAIL_DOCUMENT: DocumentAction.EMAIL,
    Capability.DELIVER_DOCUMENT: DocumentAction.DELIVER,
    Capability.POST_DOCUMENT: DocumentAction.POST,
    Capability.SET_DOCUMENT_STATUS: DocumentAction.SET_STATUS,
}


@strawberry.interface(description="What has been, or can be, sent to a customer.")
class Document(Node):
    """What has been, or can be, sent to a customer."""

    @derived("Where it is kept.", "backend")
    def backend(self: model.Document, context: RequestContext) -> BackendType:
        """Where it is kept."""
        backend: Any = context.backends.get(self.backend)
        return backend  # type: ignore[no-any-return]

    native_id: str = attribute("native_id", "The key that the vendor's own URLs use.")

    @load(
        "record",
        "Whom it is for.",
        "customer_id",
        returns=Optional[LazyCustomer],
    )
    def customer(self: model.Document, ask: Ask) -> RecordKey | None:
        """Whom it is for."""
        if self.customer_id is None:
            return None
        return RecordKey("Customer", self.backend, self.customer_id, ask.selection.wanted("Customer"))

    date: datetime.date | None = attribute("date", "Its own date.")
    title: str | None = attribute("title", "What it is called.")
    state: DocumentState = attribute("state", "How far it has come, normalised.")
    vendor_status: list[str] = attribute("vendor_status", "The vendor's own status words or numbers, unchanged.")

    @derived("What its backend can do with it.")
    def actions(self: model.Document, context: RequestContext) -> list[DocumentAction]:
        """What its backend can do with it."""
        backend = context.backends.get(self.backend)
        offered = () if backend is None else backend.capabilities
        return [action for capability, action in _ACTIONS.items() if capability in offered]

    @derived("The document as a PDF; null where its backend has none.")
    def pdf(self: model.Document, context: RequestContext) -> VendorFile | None:
        """The document as a PDF."""
        backend = context.backends.get(self.backend)
        if backend is None or Capability.DOCUMENT_PDF not in backend.capabilities:
            return None
        link: Any = context.file_links.pdf(ref_of(self), context.principal)
        return link  # type: ignore[no-any-return]

    @load(
        "dispatch_items",
        "What was sent of it through this gateway, newest first.",
        returns=DispatchItemConnection | None,
    )
    def dispatch_items(self: model.Document, ask: Ask, first: First = 25, after: After = None) -> ItemsKey:
        """What was sent of it through this gateway."""
        return ItemsKey(target=ref_of(self), first=page_size(first, ask.context), after=after)

    raw: JSON | None = raw_record()


@strawberry.type(
    description="A document that a billing system composed for a customer: a reminder, a notice, a welcome."
)
class Correspondence(Document):
    """A document that a billing system composed."""

    number: str | None = attribute("number", "Its number, sequential for the customer.")
    type: str | None = attribute("type", "Its type, in the vendor's words.")

    @classmethod
    def is_type_of(cls, value: Any, _info: Any) -> bool:
        """Whether a value is correspondence."""
        return isinstance(value, model.Correspondence)


@strawberry.type(description="A letter to one of a customer's addresses.")
class Letter(Document):
    """A letter."""

    address_id: str | None = attribute("address_id", "The vendor's id of the address it goes to.")
    contact_id: str | None = attribute("contact_id", "The vendor's id of the person it is for.")
    page_count: int | None = attribute("page_count", "How many pages it has.")

    @derived("A picture of a page; null where its backend has none.")
    def preview(
        self: model.Letter,
        context: RequestContext,
        page: Annotated[int, strawberry.argument(description="Which page, from 1.")] = 1,
        size: Annotated[PreviewSize, strawberry.argument(description="How wide.")] = PreviewSize.W595,
    ) -> VendorFile | None:
        """A picture of a page."""
        backend = context.backends.get(self.backend)
        if backend is None or Capability.DOCUMENT_PREVIEW not in backend.capabilities:
            return None
        if page < 1:
            message = f"Pages count from 1; {page} was asked for."
            raise ProblemError(Problem(code=ProblemCode.INVALID_INPUT, message=message, path=("page",)))
        link: Any = context.file_links.preview(ref_of(self), context.principal, page=page, width=size.value)
        return link  # type: ignore[no-any-return]

    @classmethod
    def is_type_of(cls, value: Any, _info: Any) -> bool:
        """Whether a value is a letter."""
        return isinstance(value, model.Letter)
