"""What can be asked to be sent, and what comes back."""

import datetime
from typing import Annotated, Any

import strawberry
from strawberry.scalars import JSON

from gateway.context import Ask, RequestContext
from gateway.dispatch import orders
from gateway.loaders import RecordKey
from gateway.schema.dispatch import Dispatch
from gateway.schema.dispatch_item import READ, target_id
from gateway.schema.enums import PostSpeed
from gateway.schema.fields import attribute, derived, load
from gateway.schema.filters import CustomerFilter
from gateway.schema.node import Node
from gateway.schema.paging import page_size
from gateway.schema.problem import ProblemType
from gateway.schema.record_inputs import StatusInput

__all__ = [
    "DeliverDocumentInput",
    "DeliverDocumentsInput",
    "DispatchPayload",
    "EmailDocumentInput",
    "EmailDocumentsInput",
    "EmailStatementsInput",
    "PostDocumentInput",
    "PostDocumentsInput",
    "RecipientInput",
]

_KEY = (
    "The same key with the same input answers the dispatch that was made under it, with `replayed: true`, and sends "
    "nothing; kept for 7 days at least. With another input it is IDEMPOTENCY_CONFLICT."
)
_RESEND = (
    "Send it although the same was sent before, or may have been: by this gateway, or by the vendor's own status of a "
    "document, where that names this very channel."
)
_DRY_RUN = "Answer what would be sent, as `plan`, and send nothing."


def _optional(description: str) -> Any:
    return strawberry.field(default=None, description=description)


def _flag(description: str) -> Any:
    return strawberry.field(default=False, description=description)


@strawberry.input(description="Where an e-mail goes.")
class RecipientInput:
    """Where an e-mail goes."""

    email: str = strawberry.field(description="The address.")
    name: str | None = _optional("Whose it is.")
    cc: bool = _flag("A copy.")


# What several inputs have is said once, in bases, in the order in which the schema shows it.


@strawberry.input
class _Asked:
    """What every request to send may say of how it is meant."""

    idempotency_key: str | None = _optional(_KEY)
    resend: bool = _flag(_RESEND)
    dry_run: bool = _flag(_DRY_RUN)


@strawberry.input
class _One:
    document: strawberry.ID = strawberry.field(description="Which document.")


@strawberry.input
class _Many:
    documents: list[strawberry.ID] = strawberry.field(description="Which documents, of any backends; each once.")


@strawberry.input
class _ByEmail:
    recipients: list[RecipientInput] | None = _optional(
        "To whom. None: the vendor chooses, from the customer's addresses, where it can."
    )
    subject: str | None = _optional("The subject line.")
    body: str | None = _optional("The text.")
    attachments: list[str] | None = _optional("Further documents to attach, by the vendor's names of them.")
    status_after: StatusInput | None = _optional("The document's status after it was sent.")


@strawberry.input
class _ByPost:
    speed: PostSpeed = strawberry.field(description="How fast.")
    color: bool = _flag("In colour.")
    status_when_sent: StatusInput | None = _optional("The status in which it is sent.")
    status_after: StatusInput | None = _optional("The document's status after it was sent.")


@strawberry.input(description="An e-mail of a document.")
class EmailDocumentInput(_One, _ByEmail, _Asked):
    """An e-mail of a document."""


@strawberry.input(description="A document to be marked as delivered by hand.")
class DeliverDocumentInput(_One, _Asked):
    """A document to be marked as delivered."""


@strawberry.input(description="A document to go by post.")
class PostDocumentInput(_One, _ByPost, _Asked):
    """A document to go by post."""


@strawberry.input(description="An e-mail of each of many documents.")
class EmailDocumentsInput(_Many, _ByEmail, _Asked):
    """An e-mail of each of many documents."""


@strawberry.input(description="Documents to be marked as delivered by hand.")
class DeliverDocumentsInput(_Many, _Asked):
    """Documents to be marked as delivered by hand."""


@strawberry.input(description="Documents to go by post.")
class PostDocumentsInput(_Many, _ByPost, _Asked):
    """Documents to go by post."""


@strawberry.input
class _Statements:
    customers: list[strawberry.ID] | None = _optional(
        "To these customers, by id; each once. INACTIVE ones too: they were named."
    )
    backend: str | None = _optional("To customers of this backend, with `filter`.")
    filter: CustomerFilter | None = _optional(
        "To which of the backend's customers; all when absent. INACTIVE ones (archived, dropped) are SKIPPED, each "
        "with the reason, unless the filter speaks of `status`. A dry run warns of how many they are."
    )
    from_: datetime.date | None = strawberry.field(
        default=None, name="from", description="The first day of the invoices listed; goes with `to`."
    )
    to: datetime.date | None = _optional("The last day of the invoices listed. Without both, the vendor chooses.")
    all_invoices: bool = _flag("List all invoices, whatever the days.")
    exclude_paid: bool = _flag("Leave paid invoices out.")


@strawberry.input(
    description="Statements by e-mail: to customers named by id, or to all of a backend that a filter finds."
)
class EmailStatementsInput(_Statements, _Asked):
    """Statements by e-mail."""


@strawberry.type(description="One thing that would be sent.")
class PlannedItem:
    """One thing that would be sent."""

    target_id: strawberry.ID = target_id()
    name: str | None = attribute(
        "name",
        "What the customer is called whose statement it is, as the plan read it. Null of a document.",
    )

    @load("record", f"The document, or the customer whose statement it is. {READ}", returns=Node | None)
    def target(self: orders.PlannedItem, ask: Ask) -> RecordKey:
        """The document or customer."""
        ref = self.target
        return RecordKey(ref.type, ref.backend, ref.native_id, ask.selection.wanted("Node", ref.type))

    recipients: list[str] | None = attribute("recipients", "To whom; null where the vendor chooses.")
    chosen_by_vendor: bool = attribute("chosen_by_vendor", "Whether the vendor chooses the recipients.")


@strawberry.type(description="One request that the vendor would get, without its credential.")
class PlannedRequest:
    """One request that the vendor would get."""

    method: str = attribute("method", "The HTTP method.")
    url: str = attribute("url", "Where to, redacted.")
    headers: JSON = attribute("headers", "The headers, redacted.")
    body: str | None = attribute("body", "The body.")


@strawberry.type(description="What would be sent. Nothing was.")
class DispatchPlan:
    """What would be sent."""

    @derived("What, and to whom.", "items")
    def items(
        self: orders.Plan,
        context: RequestContext,
        first: Annotated[
            int | None,
            strawberry.argument(
                description="Only the first so many; all when absent. Each `target` is a read: ask for a page of them."
            ),
        ] = None,
    ) -> list[PlannedItem]:
        """What, and to whom."""
        items: Any = self.items if first is None else self.items[: page_size(first, context)]
        return items  # type: ignore[no-any-return]

    item_count: int = attribute("item_count", "How many things would be sent.")
    call_count: int = attribute("call_count", "In how many calls.")
    requests: list[PlannedRequest] = attribute("requests", "The very requests.")
    warnings: list[ProblemType] = attribute("warnings", "What to look at first.")


@strawberry.type(description="What became of a request to send.")
class DispatchPayload:
    """What became of a request to send."""

    problems: list[ProblemType] = strawberry.field(
        description="Why it was refused before anything was sent, or what to look at."
    )
    dispatch: Dispatch | None = _optional("The entry in the ledger; null when the request was refused before it.")
    replayed: bool = strawberry.field(
        default=False,
        description="This very request was made before under this key: the stored dispatch, and no vendor call.",
    )
    plan: DispatchPlan | None = _optional("With `dryRun`: what would be sent. Nothing was.")
