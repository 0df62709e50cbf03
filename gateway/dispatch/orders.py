"""From what a caller asks to what the ledger is asked: targets with their stable ids, fingerprints, calls and plans."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from adapters.contract import EmailDocument, EmailStatements, PreparedCall
from gateway.backends import Backend
from gateway.context import RequestContext
from gateway.dispatch.fingerprint import document_fingerprint, statement_fingerprint
from gateway.dispatch.ledger import Intent
from gateway.dispatch.preparing import SendRequest, prepare, request_hash
from gateway.dispatch.records import DispatchAction
from gateway.ids import Ref
from gateway.problems import Problem, ProblemCode

__all__ = ["Plan", "PlannedItem", "PlannedRequest", "document_intents", "plan_of", "statement_intents", "with_hash"]

MOST_SHOWN = 100
"""Requests that a plan shows; ``call_count`` counts all."""


class PlannedItem(Struct, frozen=True, kw_only=True):
    """One thing that would be sent."""

    target: Ref
    recipients: tuple[str, ...] | None
    chosen_by_vendor: bool


class PlannedRequest(Struct, frozen=True, kw_only=True):
    """One request that the vendor would get, its credential redacted."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: str | None


class Plan(Struct, frozen=True, kw_only=True):
    """What would be sent."""

    items: Sequence[PlannedItem]
    call_count: int
    requests: Sequence[PlannedRequest]
    warnings: Sequence[Problem]


def document_intents(action: DispatchAction, request: SendRequest, refs: Sequence[Ref]) -> list[Intent]:
    """One intent per document. A document's native id never changes, so it is its stable id."""
    recipients = None
    if isinstance(request, EmailDocument) and request.recipients is not None:
        recipients = tuple(recipient.email for recipient in request.recipients)
    return [
        Intent(
            target=ref,
            stable_id=ref.native_id,
            fingerprint=document_fingerprint(ref.backend, ref.type, ref.native_id, action, recipients),
            recipients=recipients,
        )
        for ref in refs
    ]


def statement_intents(
    request: EmailStatements, refs: Sequence[Ref], stable_ids: Mapping[Ref, str], at: datetime
) -> list[Intent]:
    """One intent per customer, in their order."""
    return [
        Intent(
            target=ref,
            stable_id=stable_ids[ref],
            fingerprint=statement_fingerprint(
                ref.backend,
                stable_ids[ref],
                start=request.start,
                end=request.end,
                all_invoices=request.all_invoices,
                exclude_paid=request.exclude_paid,
                day=at.date(),
            ),
            recipients=None,
        )
        for ref in refs
    ]


async def plan_of(context: RequestContext, request: SendRequest, intents: Sequence[Intent], *, resend: bool) -> Plan:
    """What would be sent: prepared as it would be, and nothing sent or written."""
    by_backend: dict[str, list[Intent]] = {}
    for intent in intents:
        by_backend.setdefault(intent.target.backend, []).append(intent)
    calls: list[tuple[Backend, PreparedCall]] = []
    for key, mine in by_backend.items():
        backend = context.backends.named(key)
        prepared = prepare(backend, request, [intent.target.native_id for intent in mine])
        calls += [(backend, call) for call in prepared]
    items = [
        PlannedItem(target=intent.target, recipients=intent.recipients, chosen_by_vendor=intent.recipients is None)
        for intent in intents
    ]
    warnings = [] if resend else await _sent_before(context, intents)
    shown = [_shown(backend, call) for backend, call in calls[:MOST_SHOWN]]
    return Plan(items=items, call_count=len(calls), requests=shown, warnings=warnings)


async def _sent_before(context: RequestContext, intents: Sequence[Intent]) -> list[Problem]:
    held = await context.sending.ledger.held([intent.fingerprint for intent in intents])
    return [
        Problem(
            code=ProblemCode.ALREADY_SENT,
            message=f"{intent.target.native_id} is {held[intent.fingerprint].state.value} already, since "
            f"{held[intent.fingerprint].requested_at.isoformat(timespec='seconds')}: it would not be sent again.",
            backend=intent.target.backend,
        )
        for intent in intents
        if intent.fingerprint in held
    ]


def _shown(backend: Backend, call: PreparedCall) -> PlannedRequest:
    url = str(backend.url(call.request)) + backend.vendor.credential_path
    headers = dict(call.request.headers) | dict(backend.vendor.credential_headers)
    body = None if call.request.body is None else call.request.body.decode("utf-8", "replace")
    return PlannedRequest(method=call.request.method, url=url, headers=headers, body=body)


def with_hash(intent: Intent, call: PreparedCall) -> Intent:
    """The intent of a single send, with the digest of what will be sent."""
    return Intent(
        target=intent.target,
        stable_id=intent.stable_id,
        fingerprint=intent.fingerprint,
        recipients=intent.recipients,
        request_hash=request_hash(call),
    )
