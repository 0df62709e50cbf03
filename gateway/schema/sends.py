"""The mutations that send. Each is an entry in the ledger, written before any vendor is called."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec
import strawberry

from adapters import contract
from adapters.filters import fields_of
from gateway.context import Ask
from gateway.dispatch import records
from gateway.dispatch.fingerprint import input_hash
from gateway.dispatch.ledger import (
    AlreadySentError,
    IdempotencyConflictError,
    Intent,
    LedgerUnavailableError,
    UnconfirmedError,
    WithheldError,
)
from gateway.dispatch.loading import visible_keys
from gateway.dispatch.orders import document_intents, plan_of, statement_intents, with_hash
from gateway.dispatch.preparing import SendRequest, prepare
from gateway.dispatch.reconciling import reconcile
from gateway.dispatch.records import DispatchAction
from gateway.dispatch.sending import Order, Sent
from gateway.dispatch.stable_ids import Addressees, customers_matching, customers_named
from gateway.dispatch.vendor_status import withheld
from gateway.ids import Ref
from gateway.list_sizes import MOST_ATTACHMENTS, MOST_DOCUMENTS, MOST_RECIPIENTS, no_more_than
from gateway.principals import Scope
from gateway.problems import Problem, ProblemCode, ProblemError
from gateway.schema.enums import PostSpeed
from gateway.schema.fields import action
from gateway.schema.filters import read_filter
from gateway.schema.idempotency_keys import checked_key, input_json
from gateway.schema.query import dispatch_id
from gateway.schema.record_inputs import StatusInput, payload
from gateway.schema.record_mutations import part_of
from gateway.schema.record_requests import status_change
from gateway.schema.send_inputs import (
    DeliverDocumentInput,
    DeliverDocumentsInput,
    DispatchPayload,
    EmailDocumentInput,
    EmailDocumentsInput,
    EmailStatementsInput,
    PostDocumentInput,
    PostDocumentsInput,
    RecipientInput,
)
from gateway.schema.send_refusals import UNCONFIRMED_RUN, refusal

__all__ = ["SendMutations"]

What = strawberry.argument(description="What, and how.")
DispatchId = Annotated[strawberry.ID, strawberry.argument(description="The dispatch.")]


@strawberry.type
class SendMutations:
    """What sends."""

    @action("Sends a document by e-mail.", DispatchPayload, Scope.SEND)
    async def email_document(self: None, ask: Ask, input: Annotated[EmailDocumentInput, What]) -> DispatchPayload:
        """Sends a document by e-mail."""
        return await _send_document(ask, input, DispatchAction.EMAIL, "emailDocument", _email(input))

    @action("Marks a document as delivered by hand.", DispatchPayload, Scope.SEND)
    async def deliver_document(self: None, ask: Ask, input: Annotated[DeliverDocumentInput, What]) -> DispatchPayload:
        """Marks a document as delivered by hand."""
        request = contract.DeliverDocument(native_id="")
        return await _send_document(ask, input, DispatchAction.DELIVER, "deliverDocument", request)

    @action("Has a document printed and posted.", DispatchPayload, Scope.SEND)
    async def post_document(self: None, ask: Ask, input: Annotated[PostDocumentInput, What]) -> DispatchPayload:
        """Has a document printed and posted."""
        return await _send_document(ask, input, DispatchAction.POST, "postDocument", _post(input))

    @action("Sends many documents by e-mail, as a run.", DispatchPayload, Scope.SEND)
    async def email_documents(self: None, ask: Ask, input: Annotated[EmailDocumentsInput, What]) -> DispatchPayload:
        """Sends many documents by e-mail."""
        return await _send_documents(ask, input, DispatchAction.EMAIL, "emailDocuments", _email(input))

    @action("Marks many documents as delivered by hand, as a run.", DispatchPayload, Scope.SEND)
    async def deliver_documents(self: None, ask: Ask, input: Annotated[DeliverDocumentsInput, What]) -> DispatchPayload:
        """Marks many documents as delivered by hand."""
        request = contract.DeliverDocument(native_id="")
        return await _send_documents(ask, input, DispatchAction.DELIVER, "deliverDocuments", request)

    @action("Has many documents printed and posted, as a run.", DispatchPayload, Scope.SEND)
    async def post_documents(self: None, ask: Ask, input: Annotated[PostDocumentsInput, What]) -> DispatchPayload:
        """Has many documents printed and posted."""
        return await _send_documents(ask, input, DispatchAction.POST, "postDocuments", _post(input))

    @action(
        "Sends customers their statements by e-mail, as a run in as few calls as possible.", DispatchPayload, Scope.SEND
    )
    async def email_statements(self: None, ask: Ask, input: Annotated[EmailStatementsInput, What]) -> DispatchPayload:
        """Sends customers their statements by e-mail."""
        order = _order(ask, input, DispatchAction.EMAIL_STATEMENT, "emailStatements", _statements(input))
        if (replayed := await _replayed(ask, order)) is not None:
            return replayed
        refs, found = await _statement_customers(ask, input)
        _refuse_what_no_vendor_takes(ask, order.request, refs)
        assert isinstance(order.request, contract.EmailStatements)  # noqa: S101 - made above
        if found is None:
            found = await customers_named(ask.context, refs, planned=input.dry_run)
            found.inactive.clear()  # they were named
        now = ask.context.clock()
        intents = statement_intents(order.request, refs, found.stable_ids, now, inactive=found.inactive)
        return await _run(ask, input, order, intents, "customers", found.names)

    @action(
        "Asks the vendors for evidence of what is UNKNOWN in a dispatch; settles what it decides.",
        DispatchPayload,
        Scope.SEND,
    )
    async def reconcile_dispatch(self: None, ask: Ask, id: DispatchId) -> DispatchPayload:
        """Asks the vendors for evidence."""
        dispatch = await _dispatch(ask, id)
        context = ask.context
        return _standing(ask, await reconcile(context.sending.ledger, dispatch, context.backends, clock=context.clock))

    @action("Sends again what is FAILED in a dispatch, and nothing else.", DispatchPayload, Scope.SEND)
    async def retry_dispatch(self: None, ask: Ask, id: DispatchId) -> DispatchPayload:
        """Sends again what is FAILED."""
        return _standing(ask, await ask.context.sending.retry(await _dispatch(ask, id)))

    @action("Cancels what has not begun in a dispatch.", DispatchPayload, Scope.SEND)
    async def cancel_dispatch(self: None, ask: Ask, id: DispatchId) -> DispatchPayload:
        """Cancels what has not begun."""
        return _standing(ask, await ask.context.sending.cancel(await _dispatch(ask, id)))


def _standing(ask: Ask, dispatch: records.Dispatch) -> DispatchPayload:
    """A dispatch after something was done to it; what was read before is read again."""
    ask.context.forget()
    return payload(DispatchPayload, [], dispatch=dispatch)


def _sent(ask: Ask, sent: Sent) -> DispatchPayload:
    """The same of one that was asked for."""
    ask.context.forget()
    problems = [] if sent.problem is None else [sent.problem]
    return payload(DispatchPayload, problems, dispatch=sent.dispatch, replayed=sent.replayed)


async def _dispatch(ask: Ask, value: str) -> records.Dispatch:
    ledger_id = dispatch_id(value)
    found = None if ledger_id is None else await ask.context.sending.ledger.get(ledger_id, visible_keys(ask.context))
    if found is None:
        raise ProblemError(Problem(code=ProblemCode.NOT_FOUND, message="No Dispatch has this id here.", path=("id",)))
    return found


async def _send_document(
    ask: Ask, input: Any, kind: DispatchAction, mutation: str, request: SendRequest
) -> DispatchPayload:
    order = _order(ask, input, kind, mutation, request)
    if (replayed := await _replayed(ask, order)) is not None:
        return replayed
    ref = ask.context.backends.require(input.document, "Correspondence", "Letter", argument="document")
    backend = ask.context.backends.named(ref.backend)
    (call,) = prepare(backend, request, [ref.native_id])
    (intent,) = document_intents(kind, request, [ref])
    if input.dry_run:
        plan = await plan_of(ask.context, request, [intent], resend=input.resend)
        return payload(DispatchPayload, [], plan=plan)
    intent = await withheld(backend, kind, with_hash(intent, call), resend=input.resend)
    order = msgspec.structs.replace(order, intents=[intent])
    try:
        sent = await ask.context.sending.send_one(order, backend, call)
    except (AlreadySentError, WithheldError, IdempotencyConflictError, LedgerUnavailableError) as error:
        raise refusal(error, "document") from error
    return _sent(ask, sent)


async def _send_documents(
    ask: Ask, input: Any, kind: DispatchAction, mutation: str, request: SendRequest
) -> DispatchPayload:
    no_more_than(input.documents, MOST_DOCUMENTS, "documents", of="ids")
    order = _order(ask, input, kind, mutation, request)
    if (replayed := await _replayed(ask, order)) is not None:
        return replayed
    require = ask.context.backends.require
    refs = dict.fromkeys(require(one, "Correspondence", "Letter", argument="documents") for one in input.documents)
    _refuse_what_no_vendor_takes(ask, request, list(refs))
    return await _run(ask, input, order, document_intents(kind, request, list(refs)), "documents")


async def _run(
    ask: Ask,
    input: Any,
    order: Order,
    intents: Sequence[Intent],
    argument: str,
    names: Mapping[Ref, str | None] | None = None,
) -> DispatchPayload:
    """Plans or begins a run."""
    if not intents:
        raise _invalid(argument, "There is nothing to send.")
    if input.dry_run:
        plan = await plan_of(ask.context, order.request, intents, resend=order.resend, names=names)
        return payload(DispatchPayload, [], plan=plan)
    try:
        sent = await ask.context.sending.send_many(msgspec.structs.replace(order, intents=intents))
    except UnconfirmedError as error:
        raise ProblemError(UNCONFIRMED_RUN) from error
    except (IdempotencyConflictError, LedgerUnavailableError) as error:
        raise refusal(error, argument) from error
    return _sent(ask, sent)


def _refuse_what_no_vendor_takes(ask: Ask, request: SendRequest, refs: Sequence[Ref]) -> None:
    """Prepares all calls, and forgets them: what cannot be prepared is refused before anything is asked or written."""
    for key in dict.fromkeys(ref.backend for ref in refs):
        prepare(ask.context.backends.named(key), request, [ref.native_id for ref in refs if ref.backend == key])


def _order(ask: Ask, input: Any, kind: DispatchAction, mutation: str, request: SendRequest) -> Order:
    key = checked_key(input.idempotency_key)
    return Order(
        action=kind,
        mutation=mutation,
        principal=ask.context.principal.id,
        request=request,
        intents=(),
        idempotency_key=None if input.dry_run else key,
        input_hash="" if key is None else input_hash(mutation, input_json(input)),
        resend=input.resend,
    )


async def _replayed(ask: Ask, order: Order) -> DispatchPayload | None:
    """What was answered before under this key: no vendor is asked anything again."""
    if order.idempotency_key is None:
        return None
    try:
        earlier = await ask.context.sending.ledger.replay(
            order.principal, order.mutation, order.idempotency_key, order.input_hash
        )
    except (IdempotencyConflictError, LedgerUnavailableError) as error:
        raise refusal(error, "idempotencyKey") from error
    visible = visible_keys(ask.context)
    if earlier is None or (visible is not None and not earlier.backends <= visible):
        return None  # what it names is refused further on, as it would be without a key
    return payload(DispatchPayload, [], dispatch=earlier, replayed=True)


async def _statement_customers(ask: Ask, input: EmailStatementsInput) -> tuple[list[Ref], Addressees | None]:
    """Whom statements go to, each once, and what is known of those that a filter found.

    INACTIVE customers are left out of those that a filter finds, unless it speaks of the status.
    """
    if (input.customers is None) == (input.backend is None):
        raise _invalid("customers", "Name customers, or a backend: one of the two.")
    if input.backend is not None:
        backend = ask.context.backends.named(input.backend)
        part_of(backend, "email_statements")
        tree = read_filter(input.filter, ask.context)
        found = await customers_matching(ask.context, backend, tree, planned=input.dry_run)
        if tree is not None and "status" in fields_of(tree):
            found.inactive.clear()
        return list(found.stable_ids), found
    if input.filter is not None:
        raise _invalid("filter", "filter goes with backend.")
    require = ask.context.backends.require
    refs = dict.fromkeys(require(one, "Customer", argument="customers") for one in input.customers or ())
    for key in {ref.backend for ref in refs}:
        part_of(ask.context.backends.named(key), "email_statements")
    return list(refs), None


def _email(input: EmailDocumentInput | EmailDocumentsInput) -> contract.EmailDocument:
    given = input.recipients
    no_more_than(given, MOST_RECIPIENTS, "recipients")
    no_more_than(input.attachments, MOST_ATTACHMENTS, "attachments")
    return contract.EmailDocument(
        native_id="",
        recipients=None if given is None else tuple(map(_recipient, given)),
        subject=input.subject,
        body=input.body,
        attachments=tuple(input.attachments or ()),
        status_after=_status(input.status_after),
    )


def _post(input: PostDocumentInput | PostDocumentsInput) -> contract.PostDocument:
    return contract.PostDocument(
        native_id="",
        priority=input.speed is PostSpeed.PRIORITY,
        color=input.color,
        status_when_sent=_status(input.status_when_sent),
        status_after=_status(input.status_after),
    )


def _statements(input: EmailStatementsInput) -> contract.EmailStatements:
    return contract.EmailStatements(
        customer_ids=(),
        start=input.from_,
        end=input.to,
        all_invoices=input.all_invoices,
        exclude_paid=input.exclude_paid,
    )


def _recipient(given: RecipientInput) -> contract.Recipient:
    return contract.Recipient(email=given.email, name=given.name, cc=given.cc)


def _status(given: StatusInput | None) -> contract.StatusChange | None:
    return None if given is None else status_change(given)


def _invalid(argument: str, message: str) -> ProblemError:
    return ProblemError(Problem(code=ProblemCode.INVALID_INPUT, message=message, path=(argument,)))
