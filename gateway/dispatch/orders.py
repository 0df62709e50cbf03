"""From what a caller asks to what the ledger is asked: targets with their stable ids, fingerprints, calls and plans."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from adapters.contract import EmailDocument, EmailStatements, PreparedCall
from gateway.backends import Backend
from gateway.context import RequestContext
from gateway.dispatch.fingerprint import document_fingerprint, statement_fingerprint
from gateway.dispatch.ledger import Intent
from gateway.dispatch.preparing import SendRequest, action_of, prepare, request_hash
from gateway.dispatch.records import DispatchAction
from gateway.dispatch.vendor_status import decides, problems_before
from gateway.ids import Ref
from gateway.problems import Problem, ProblemCode

__all__ = ["Plan", "PlannedItem", "PlannedRequest", "document_intents", "plan_of", "statement_intents", "with_hash"]

MOST_SHOWN = 100
"""Requests that a plan shows; ``call_count`` counts all."""

MOST_ASKED = 100
"""Documents whose status a plan asks the vendor for; the run itself asks for each, just before it is sent."""


class PlannedItem(Struct, frozen=True, kw_only=True):
    """One thing that would be sent."""

    target: Ref
    name: str | None
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
    item_count: int
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
    request: EmailStatements,
    refs: Sequence[Ref],
    stable_ids: Mapping[Ref, str],
    at: datetime,
    *,
    inactive: Collection[Ref] = (),
) -> list[Intent]:
    """One intent per customer, in their order; those of the ``inactive`` are withheld."""
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
            withheld=_not_addressed(ref) if ref in inactive else None,
        )
        for ref in refs
    ]


def _not_addressed(ref: Ref) -> Problem:
    message = (
        "Not sent: this customer is INACTIVE (archived or dropped) at the vendor. Name it in `customers`, or let "
        "`filter` speak of `status`, to send it a statement."
    )
    return Problem(code=ProblemCode.INACTIVE, message=message, backend=ref.backend)


async def plan_of(
    context: RequestContext,
    request: SendRequest,
    intents: Sequence[Intent],
    *,
    resend: bool,
    names: Mapping[Ref, str | None] | None = None,
) -> Plan:
    """What would be sent: prepared as it would be, and nothing sent or written. ``names`` are those that are known."""
    by_backend: dict[str, list[Intent]] = {}
    going = [intent for intent in intents if intent.withheld is None]
    for intent in going:
        by_backend.setdefault(intent.target.backend, []).append(intent)
    calls: list[tuple[Backend, PreparedCall]] = []
    for key, mine in by_backend.items():
        backend = context.backends.named(key)
        prepared = prepare(backend, request, [intent.target.native_id for intent in mine])
        calls += [(backend, call) for call in prepared]
    items = [
        PlannedItem(
            target=intent.target,
            name=(names or {}).get(intent.target),
            recipients=intent.recipients,
            chosen_by_vendor=intent.recipients is None,
        )
        for intent in going
    ]
    warnings = _left_out(intents)
    if not resend:
        warnings += await _sent_before(context, action_of(request), going)
    shown = [_shown(backend, call) for backend, call in calls[:MOST_SHOWN]]
    return Plan(items=items, item_count=len(items), call_count=len(calls), requests=shown, warnings=warnings)


def _left_out(intents: Sequence[Intent]) -> list[Problem]:
    """How many are withheld, for each reason; said once for each backend."""
    problems = [intent.withheld for intent in intents if intent.withheld is not None]
    return [
        replace(problem, message=f"{problems.count(problem)} of {len(intents)}: {problem.message}")
        for problem in dict.fromkeys(problems)
    ]


async def _sent_before(context: RequestContext, action: DispatchAction, intents: Sequence[Intent]) -> list[Problem]:
    """What would not be sent, as it was before: by the ledger, and else by the vendor's own status."""
    held = await context.sending.ledger.held([intent.fingerprint for intent in intents])
    rest = [intent for intent in intents if intent.fingerprint not in held]
    return [
        Problem(
            code=ProblemCode.ALREADY_SENT,
            message=f"{intent.target.native_id} is {held[intent.fingerprint].state.value} already, since "
            f"{held[intent.fingerprint].requested_at.isoformat(timespec='seconds')}: it would not be sent again.",
            backend=intent.target.backend,
        )
        for intent in intents
        if intent.fingerprint in held
    ] + await _said_by_vendors(context, action, rest)


async def _said_by_vendors(context: RequestContext, action: DispatchAction, intents: Sequence[Intent]) -> list[Problem]:
    asked: dict[str, list[Ref]] = {}
    for intent in intents:
        key = intent.target.backend
        if decides(context.backends.named(key), action, intent.recipients, resend=False):
            asked.setdefault(key, []).append(intent.target)
    warnings: list[Problem] = []
    for key, targets in asked.items():
        found = await problems_before(context.backends.named(key), action, targets[:MOST_ASKED])
        warnings += [
            replace(problem, message=f"{target.native_id}: {problem.message}") for target, problem in found.items()
        ]
        if len(targets) > MOST_ASKED:
            message = f"Of {len(targets)} documents the first {MOST_ASKED} were looked at. The run looks at each."
            warnings.append(Problem(code=ProblemCode.SCAN_LIMIT, message=message, backend=key))
    return warnings


def _shown(backend: Backend, call: PreparedCall) -> PlannedRequest:
    url = str(backend.url(call.request)) + backend.vendor.credential_path
    headers = dict(call.request.headers) | dict(backend.vendor.credential_headers)
    body = None if call.request.body is None else call.request.body.decode("utf-8", "replace")
    return PlannedRequest(method=call.request.method, url=url, headers=headers, body=body)


def with_hash(intent: Intent, call: PreparedCall) -> Intent:
    """The intent of a single send, with the digest of what will be sent."""
    return replace(intent, request_hash=request_hash(call))
