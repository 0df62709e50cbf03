"""From what was asked to the exact calls: one way for a dry run, a single send and a run.

What is asked is kept in the ledger without its targets (`asked_of`), so that whoever sends a part of it later prepares
the very calls that were prepared to show them.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from adapters import contract
from adapters.contract import PreparedCall
from adapters.errors import UnsupportedByVendor
from gateway.backends import Backend
from gateway.dispatch.records import DispatchAction

__all__ = ["SendRequest", "action_of", "asked_of", "batch_size", "prepare", "request_hash", "request_of"]

SendRequest = contract.EmailDocument | contract.DeliverDocument | contract.PostDocument | contract.EmailStatements
"""What is asked of a vendor; its targets are filled in by `prepare`."""

_KINDS: Mapping[DispatchAction, type[Any]] = {
    DispatchAction.EMAIL: contract.EmailDocument,
    DispatchAction.DELIVER: contract.DeliverDocument,
    DispatchAction.POST: contract.PostDocument,
    DispatchAction.EMAIL_STATEMENT: contract.EmailStatements,
}
_PARTS: Mapping[DispatchAction, str] = {
    DispatchAction.EMAIL: "email_document",
    DispatchAction.DELIVER: "deliver_document",
    DispatchAction.POST: "post_document",
    DispatchAction.EMAIL_STATEMENT: "email_statements",
}


def action_of(request: SendRequest) -> DispatchAction:
    """How it is sent."""
    return next(action for action, kind in _KINDS.items() if isinstance(request, kind))


def asked_of(request: SendRequest) -> dict[str, Any]:
    """What was asked, as JSON."""
    asked: dict[str, Any] = msgspec.to_builtins(request)
    return asked


def request_of(action: DispatchAction, asked: Mapping[str, Any]) -> SendRequest:
    """What was asked, of its JSON."""
    request: SendRequest = msgspec.convert(asked, type=_KINDS[action])
    return request


def batch_size(backend: Backend, action: DispatchAction) -> int:
    """How many targets this backend takes in one call."""
    return backend.limits.statement_batch if action is DispatchAction.EMAIL_STATEMENT else 1


def prepare(backend: Backend, request: SendRequest, native_ids: Sequence[str]) -> tuple[PreparedCall, ...]:
    """The calls that send to these targets, in their order.

    Raises `UnsupportedByVendor` where the backend cannot do it, `InvalidInput` for what it could never take.
    """
    prepare_one: Callable[[Any], Any] | None = getattr(backend.adapter, _PARTS[action_of(request)])
    if prepare_one is None:
        raise UnsupportedByVendor("This backend cannot do that.", backend=backend.key)
    if isinstance(request, contract.EmailStatements):
        calls: tuple[PreparedCall, ...] = prepare_one(msgspec.structs.replace(request, customer_ids=tuple(native_ids)))
        return calls
    return tuple(prepare_one(msgspec.structs.replace(request, native_id=native_id)) for native_id in native_ids)


def request_hash(call: PreparedCall) -> str:
    """The digest of a prepared request: proof, later, of what it was that was sent."""
    return hashlib.sha256(msgspec.json.encode(call.request, order="deterministic")).hexdigest()
