"""The mutations that send. Each is an entry in the ledger, and calls the vendor once."""

import datetime
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import msgspec
import strawberry
from strawberry.scalars import JSON

from adapters import contract
from adapters.contract import ListRequest, PreparedCall
from adapters.filters import FilterOptions
from gateway.backends import Backend
from gateway.context import Ask
from gateway.dispatch import records
from gateway.dispatch.loading import visible_keys
from gateway.dispatch.records import DispatchAction
from gateway.dispatch.sending import PlannedCall
from gateway.ids import Ref
from gateway.loaders import PageKey
from gateway.problems import Problem, ProblemCode, ProblemError
from gateway.schema.dispatch import Dispatch
from gateway.schema.enums import PostSpeed
from gateway.schema.fields import action, attribute
from gateway.schema.filters import CustomerFilter, read_filter
from gateway.schema.node import Node
from gateway.schema.problem import ProblemType
from gateway.schema.query import dispatch_id
from gateway.schema.record_inputs import StatusInput, payload
from gateway.schema.record_mutations import part_of, status_change

__all__ = ["DispatchPayload", "SendMutations"]

_KEY = "Refused as UNSUPPORTED until the ledger is durable."


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


@strawberry.input(description="An e-mail of a document.")
class EmailDocumentInput:
    """An e-mail of a document."""

    document: strawberry.ID = strawberry.field(description="Which document.")
    recipients: list[RecipientInput] | None = _optional(
        "To whom. None: the vendor chooses, from the customer's addresses, where it can."
    )
    subject: str | None = _optional("The subject line.")
    body: str | None = _optional("The text.")
    attachments: list[str] | None = _optional("Further documents to attach, by the vendor's names of them.")
    status_after: StatusInput | None = _optional("The document's status after it was sent.")
    idempotency_key: str | None = _optional(_KEY)
    resend: bool = _flag(_KEY)
    dry_run: bool = _flag(_KEY)


@strawberry.input(description="A document to be marked as delivered by hand.")
class DeliverDocumentInput:
    """A document to be marked as delivered."""

    document: strawberry.ID = strawberry.field(description="Which document.")
    idempotency_key: str | None = _optional(_KEY)
    resend: bool = _flag(_KEY)
    dry_run: bool = _flag(_KEY)


@strawberry.input(description="A document to go by post.")
class PostDocumentInput:
    """A document to go by post."""

    document: strawberry.ID = strawberry.field(description="Which document.")
    speed: PostSpeed = strawberry.field(description="How fast.")
    color: bool = _flag("In colour.")
    status_when_sent: StatusInput | None = _optional("The status in which it is sent.")
    status_after: StatusInput | None = _optional("The document's status after it was sent.")
    idempotency_key: str | None = _optional(_KEY)
    resend: bool = _flag(_KEY)
    dry_run: bool = _flag(_KEY)


@strawberry.input(
    description="Statements by e-mail: to customers named by id, or to all of a backend that a filter finds."
)
class EmailStatementsInput:
    """Statements by e-mail."""

    customers: list[strawberry.ID] | None = _optional("To these customers, by id; each once.")
    backend: str | None = _optional("To customers of this backend, with `filter`.")
    filter: CustomerFilter | None = _optional("To which of the backend's customers; all when absent.")
    from_: datetime.date | None = strawberry.field(
        default=None, name="from", description="The first day of the invoices listed; goes with `to`."
    )
    to: datetime.date | None = _optional("The last day of the invoices listed. Without both, the vendor chooses.")
    all_invoices: bool = _flag("List all invoices, whatever the days.")
    exclude_paid: bool = _flag("Leave paid invoices out.")
    idempotency_key: str | None = _optional(_KEY)
    resend: bool = _flag(_KEY)
    dry_run: bool = _flag(_KEY)


@strawberry.type(description="One thing that would be sent.")
class PlannedItem:
    """One thing that would be sent."""

    target: Node | None = attribute("target", "The document, or the customer whose statement it is.")
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

    items: list[PlannedItem] = attribute("items", "What, and to whom.")
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


@strawberry.type
class SendMutations:
    """What sends."""

    @action("Sends a document by e-mail.", DispatchPayload)
    async def email_document(
        self: None, ask: Ask, input: Annotated[EmailDocumentInput, strawberry.argument(description="What, to whom.")]
    ) -> DispatchPayload:
        """Sends a document by e-mail."""
        recipients = input.recipients
        request = contract.EmailDocument(
            native_id="",
            recipients=None if recipients is None else tuple(map(_recipient, recipients)),
            subject=input.subject,
            body=input.body,
            attachments=tuple(input.attachments or ()),
            status_after=_status(input.status_after),
        )
        return await _send_document(ask, input, DispatchAction.EMAIL, "email_document", request)

    @action("Marks a document as delivered by hand.", DispatchPayload)
    async def deliver_document(
        self: None, ask: Ask, input: Annotated[DeliverDocumentInput, strawberry.argument(description="What.")]
    ) -> DispatchPayload:
        """Marks a document as delivered by hand."""
        request = contract.DeliverDocument(native_id="")
        return await _send_document(ask, input, DispatchAction.DELIVER, "deliver_document", request)

    @action("Has a document printed and posted.", DispatchPayload)
    async def post_document(
        self: None, ask: Ask, input: Annotated[PostDocumentInput, strawberry.argument(description="What, and how.")]
    ) -> DispatchPayload:
        """Has a document printed and posted."""
        request = contract.PostDocument(
            native_id="",
            priority=input.speed is PostSpeed.PRIORITY,
            color=input.color,
            status_when_sent=_status(input.status_when_sent),
            status_after=_status(input.status_after),
        )
        return await _send_document(ask, input, DispatchAction.POST, "post_document", request)

    @action("Sends customers their statements by e-mail, in as few calls as the vendor takes.", DispatchPayload)
    async def email_statements(
        self: None,
        ask: Ask,
        input: Annotated[EmailStatementsInput, strawberry.argument(description="To whom, of what.")],
    ) -> DispatchPayload:
        """Sends customers their statements by e-mail."""
        _refuse_what_does_not_act(input)
        calls: list[PlannedCall] = []
        for backend, customers in (await _statement_customers(ask, input)).items():
            prepare = part_of(backend, "email_statements")
            request = contract.EmailStatements(
                customer_ids=tuple(customers),
                start=input.from_,
                end=input.to,
                all_invoices=input.all_invoices,
                exclude_paid=input.exclude_paid,
            )
            calls += [_planned(backend, call, "Customer") for call in prepare(request)]
        if not calls:
            raise _invalid("customers", "No customer to send to.")
        dispatch = await ask.context.sending.send(
            DispatchAction.EMAIL_STATEMENT, calls, requested_by=ask.context.principal.id
        )
        return _payload(dispatch)

    @action(
        "Asks the vendors for evidence of what is UNKNOWN in a dispatch, and settles what they decide.", DispatchPayload
    )
    async def reconcile_dispatch(
        self: None, ask: Ask, id: Annotated[strawberry.ID, strawberry.argument(description="The dispatch.")]
    ) -> DispatchPayload:
        """Asks the vendors for evidence."""
        dispatch = await _dispatch(ask, id)
        return _payload(await ask.context.sending.reconcile(dispatch, ask.context.backends))

    @action("Sends again what is FAILED in a dispatch, and nothing else.", DispatchPayload)
    async def retry_dispatch(
        self: None, ask: Ask, id: Annotated[strawberry.ID, strawberry.argument(description="The dispatch.")]
    ) -> DispatchPayload:
        """Sends again what is FAILED."""
        await _dispatch(ask, id)
        raise _unsupported("A dispatch cannot be retried until the ledger is durable: send what failed anew.")

    @action("Cancels what has not begun in a dispatch.", DispatchPayload)
    async def cancel_dispatch(
        self: None, ask: Ask, id: Annotated[strawberry.ID, strawberry.argument(description="The dispatch.")]
    ) -> DispatchPayload:
        """Cancels what has not begun."""
        return _payload(await _dispatch(ask, id))


def _payload(dispatch: records.Dispatch) -> DispatchPayload:
    return payload(DispatchPayload, [], dispatch=dispatch)


async def _dispatch(ask: Ask, value: str) -> records.Dispatch:
    ledger_id = dispatch_id(value)
    found = None if ledger_id is None else await ask.context.sending.ledger.get(ledger_id, visible_keys(ask.context))
    if found is None:
        raise ProblemError(Problem(code=ProblemCode.NOT_FOUND, message="No Dispatch has this id here.", path=("id",)))
    return found


async def _send_document(ask: Ask, input: Any, action_: DispatchAction, part: str, request: Any) -> DispatchPayload:
    _refuse_what_does_not_act(input)
    ref = ask.context.backends.require(input.document, "Correspondence", "Letter", argument="document")
    backend = ask.context.backends.named(ref.backend)
    prepare: Callable[[Any], PreparedCall] = part_of(backend, part)
    call = prepare(msgspec.structs.replace(request, native_id=ref.native_id))
    planned = _planned(backend, call, ref.type)
    return _payload(await ask.context.sending.send(action_, [planned], requested_by=ask.context.principal.id))


def _planned(backend: Backend, call: PreparedCall, type_name: str) -> PlannedCall:
    targets = tuple(Ref(type_name, backend.key, native_id) for native_id in call.targets)
    return PlannedCall(backend=backend, call=call, targets=targets)


async def _statement_customers(ask: Ask, input: EmailStatementsInput) -> dict[Backend, Sequence[str]]:
    """Whom statements go to, by backend, each once."""
    if (input.customers is None) == (input.backend is None):
        raise _invalid("customers", "Name customers, or a backend: one of the two.")
    if input.backend is not None:
        backend = ask.context.backends.named(input.backend)
        part_of(backend, "email_statements")
        return {backend: await _matching(ask, backend, input.filter)}
    if input.filter is not None:
        raise _invalid("filter", "filter goes with backend.")
    chosen: dict[Backend, dict[str, None]] = {}
    for value in input.customers or ():
        ref = ask.context.backends.require(value, "Customer", argument="customers")
        chosen.setdefault(ask.context.backends.named(ref.backend), {})[ref.native_id] = None
    return {backend: list(customers) for backend, customers in chosen.items()}


async def _matching(ask: Ask, backend: Backend, given: CustomerFilter | None) -> list[str]:
    """All customers that a filter finds; when one page of them fails, nothing is sent to any."""
    found: dict[str, None] = {}
    position: str | None = None
    while True:
        request = ListRequest(
            first=ask.context.limits.max_page,
            position=position,
            filter=read_filter(given, ask.context),
            options=FilterOptions(today=ask.context.today),
            wanted=frozenset(("native_id",)),
        )
        page = await ask.context.loaders.page.load(PageKey("customers", backend.key, None, request))
        found.update(dict.fromkeys(record.native_id for record in page.records))
        position = page.end
        if position is None:
            return list(found)


def _recipient(given: RecipientInput) -> contract.Recipient:
    return contract.Recipient(email=given.email, name=given.name, cc=given.cc)


def _status(given: StatusInput | None) -> contract.StatusChange | None:
    return None if given is None else status_change(given)


def _refuse_what_does_not_act(input: Any) -> None:
    """Refuses what would be believed to act: the ledger of this process cannot keep such promises."""
    for name, argument in (("idempotency_key", "idempotencyKey"), ("resend", "resend"), ("dry_run", "dryRun")):
        if getattr(input, name) not in (None, False):
            raise _unsupported(f"{argument} does not act yet.", argument)


def _unsupported(message: str, argument: str | None = None) -> ProblemError:
    path = None if argument is None else (argument,)
    return ProblemError(Problem(code=ProblemCode.UNSUPPORTED, message=message, path=path))


def _invalid(argument: str, message: str) -> ProblemError:
    return ProblemError(Problem(code=ProblemCode.INVALID_INPUT, message=message, path=(argument,)))
