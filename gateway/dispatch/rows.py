"""The ledger's rows as records, and back."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from gateway.dispatch.ledger import Intent, Request, Settlement
from gateway.dispatch.records import PENDING, Dispatch, DispatchAction, DispatchItem, ItemState
from gateway.ids import Ref
from gateway.problems import Problem

__all__ = [
    "begun_dispatch",
    "begun_item",
    "chunks",
    "dispatch_of",
    "dispatch_row",
    "item_of",
    "item_row",
    "json_text",
    "settled_values",
]


def json_text(value: Any) -> str | None:
    """JSON, or null for None."""
    return None if value is None else _storable(json.dumps(msgspec.to_builtins(value), ensure_ascii=False))


def dispatch_row(dispatch_id: str, request: Request) -> dict[str, Any]:
    """The row of a new dispatch."""
    return {
        "id": dispatch_id,
        "action": request.action.value,
        "backends": json_text(sorted({intent.target.backend for intent in request.intents})),
        "requested_by": request.requested_by,
        "requested_at": request.at,
        "idempotency_key": request.idempotency_key,
        "asked": json_text(request.asked),
        "resend": request.resend,
    }


def begun_dispatch(number: int, dispatch_id: str, request: Request, counts: Mapping[ItemState, int]) -> Dispatch:
    """What `dispatch_of` would make of that row, in the transaction that wrote it."""
    return Dispatch(
        number=number,
        id=dispatch_id,
        action=request.action,
        backends=frozenset(intent.target.backend for intent in request.intents),
        requested_by=request.requested_by,
        requested_at=request.at,
        counts=dict(counts),
        asked=request.asked,
        resend=request.resend,
        idempotency_key=request.idempotency_key,
        finished_at=None if counts.keys() & PENDING else request.at,
    )


def begun_item(number: int, dispatch_id: str, intent: Intent, request: Request) -> DispatchItem:
    """What `item_of` would make of the row of an item that was claimed from the start."""
    return DispatchItem(
        number=number,
        dispatch_id=dispatch_id,
        target=intent.target,
        stable_id=intent.stable_id,
        fingerprint=intent.fingerprint,
        recipients=intent.recipients,
        state=ItemState.SENDING,
        requested_at=request.at,
        attempt=1,
        claimed_at=None if request.claim is None else request.claim.at,
        unsent_at=request.at if intent.unsent else None,
    )


def item_row(dispatch_id: str, intent: Intent, request: Request) -> dict[str, Any]:
    """The row of a new item: claimed from the start, where the request says so."""
    claim = request.claim
    return {
        "dispatch_id": dispatch_id,
        "backend": intent.target.backend,
        "type": intent.target.type,
        "native_id": intent.target.native_id,
        "stable_id": intent.stable_id,
        "fingerprint": intent.fingerprint,
        "resent_in": dispatch_id if request.resend else "",
        "recipients": json_text(intent.recipients),
        "request_hash": intent.request_hash,
        "state": (ItemState.QUEUED if claim is None else ItemState.SENDING).value,
        "attempt": 0 if claim is None else 1,
        "owner": None if claim is None else claim.owner,
        "lease_until": None if claim is None else claim.until,
        "claimed_at": None if claim is None else claim.at,
        "claimed_attempt": None if claim is None else 1,
        "requested_at": request.at,
        "problem": None,
        "settled_at": None,
        "unsent_at": request.at if intent.unsent and claim is not None else None,
    }


def settled_values(settlement: Settlement, at: datetime) -> dict[str, Any]:
    """The columns that a settlement sets; what it does not say stays as it was, as does why an item is UNKNOWN."""
    values: dict[str, Any] = {
        "state": settlement.state.value,
        "owner": None,
        "lease_until": None,
        "settled_at": None if settlement.state is ItemState.QUEUED else at,
    }
    if settlement.state is not ItemState.UNKNOWN or settlement.problem is not None:
        values["problem"] = json_text(settlement.problem)
    said = {
        "vendor_message": settlement.vendor_message,
        "vendor_code": settlement.vendor_code,
        "evidence": settlement.evidence,
    }
    return values | {name: _storable(text) for name, text in said.items() if text is not None}


def _storable(text: str) -> str:
    """Without NUL and lone surrogates, which a database's text cannot hold: an outcome is not lost for such a thing."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def item_of(row: Any) -> DispatchItem:
    """The item of a row."""
    recipients = row.recipients
    known = row.claimed_attempt == row.attempt
    return DispatchItem(
        number=row.number,
        dispatch_id=row.dispatch_id,
        target=Ref(row.type, row.backend, row.native_id),
        stable_id=row.stable_id,
        fingerprint=row.fingerprint,
        recipients=None if recipients is None else msgspec.json.decode(recipients, type=tuple[str, ...]),
        state=ItemState(row.state),
        requested_at=row.requested_at,
        attempt=row.attempt,
        vendor_message=row.vendor_message,
        vendor_code=row.vendor_code,
        problem=_problem(row.problem),
        evidence=row.evidence,
        claimed_at=row.claimed_at if known else None,
        settled_at=row.settled_at,
        unsent_at=row.unsent_at if known else None,
    )


def dispatch_of(row: Any, counts: Mapping[str, int]) -> Dispatch:
    """The dispatch of a row, with its items counted by state."""
    return Dispatch(
        number=row.number,
        id=row.id,
        action=DispatchAction(row.action),
        backends=msgspec.json.decode(row.backends, type=frozenset[str]),
        requested_by=row.requested_by,
        requested_at=row.requested_at,
        counts={ItemState(state): count for state, count in counts.items()},
        asked=msgspec.json.decode(row.asked),
        resend=row.resend,
        idempotency_key=row.idempotency_key,
        paused=_problem(row.paused),
        finished_at=row.finished_at,
    )


def _problem(text: str | None) -> Problem | None:
    return None if text is None else msgspec.json.decode(text, type=Problem)


def chunks(values: Sequence[Any], size: int) -> list[Sequence[Any]]:
    """``values`` in parts of at most ``size``."""
    return [values[start : start + size] for start in range(0, len(values), size)]
