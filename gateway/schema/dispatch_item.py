"""One thing that was, or is to be, sent."""

import datetime
from typing import Any

import strawberry

from gateway.context import Ask, RequestContext
from gateway.dispatch import records
from gateway.dispatch.records import ItemState
from gateway.ids import Ref, encode
from gateway.loaders import RecordKey
from gateway.schema.fields import attribute, derived, load
from gateway.schema.node import Node
from gateway.schema.paging import PageInfo
from gateway.schema.problem import ProblemType

__all__ = ["READ", "DispatchItem", "DispatchItemConnection", "DispatchItemEdge", "target_id"]

DISPATCH_TARGETS = ("Customer", "Correspondence", "Letter")


READ = "It is read at its backend; `targetId` is known without that."


def target_id() -> Any:
    """The field of what has a ``target``."""

    def of_target(self: Any, context: RequestContext) -> strawberry.ID:  # noqa: ARG001 - a derivation's signature
        ref: Ref = self.target
        return strawberry.ID(encode(ref.type, ref.backend, ref.native_id))

    return derived("The id of the document, or of the customer whose statement it is.", "target")(of_target)


@strawberry.type(description="One thing that was, or is to be, sent.")
class DispatchItem:
    """One thing to send."""

    target_id: strawberry.ID = target_id()

    @load(
        "record",
        f"The document, or the customer whose statement it is; null when it is gone. {READ}",
        returns=Node | None,
    )
    def target(self: records.DispatchItem, ask: Ask) -> RecordKey:
        """The document or customer."""
        ref = self.target
        return RecordKey(ref.type, ref.backend, ref.native_id, ask.selection.wanted("Node", ref.type))

    recipients: list[str] | None = attribute("recipients", "To whom; null where the vendor chooses.")
    state: ItemState = attribute("state", "How it stands.")
    vendor_message: str | None = attribute("vendor_message", "What the vendor said, in its own words.")
    problem: ProblemType | None = attribute("problem", "Why it did not go, or why that is not known.")
    evidence: str | None = attribute("evidence", "What the vendor showed when it was asked later.")
    attempt: int = attribute("attempt", "How often it was begun.")
    requested_at: datetime.datetime = attribute("requested_at", "When it was asked for.")
    settled_at: datetime.datetime | None = attribute("settled_at", "When its outcome was written down.")


@strawberry.type(description="An item in a list.")
class DispatchItemEdge:
    """An item in a list."""

    cursor: str = attribute("cursor", "Goes on after this item.")
    node: DispatchItem = attribute("node", "The item.")


@strawberry.type(description="A part of a list of items, out of the ledger.")
class DispatchItemConnection:
    """A part of a list of items."""

    edges: list[DispatchItemEdge] = attribute("edges", "The items with their cursors.")
    nodes: list[DispatchItem] = attribute("nodes", "The items.")
    page_info: PageInfo = attribute("page_info", "Where this page stands.")
    total_count: int | None = attribute("total_count", "How many there are in all, where the ledger counts them.")
