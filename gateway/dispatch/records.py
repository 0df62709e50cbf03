"""What the ledger holds: dispatches and their items."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from gateway.ids import Ref
from gateway.problems import Problem

__all__ = ["Dispatch", "DispatchAction", "DispatchItem", "DispatchState", "ItemState", "state_of"]


class DispatchAction(StrEnum):
    """How something is sent; the values are those of `adapters.contract.SendAction`."""

    EMAIL = "EMAIL"
    DELIVER = "DELIVER"
    POST = "POST"
    EMAIL_STATEMENT = "EMAIL_STATEMENT"


class ItemState(StrEnum):
    """How one item stands."""

    QUEUED = "QUEUED"
    SENDING = "SENDING"
    ACCEPTED = "ACCEPTED"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"
    SKIPPED = "SKIPPED"
    CANCELLED = "CANCELLED"


class DispatchState(StrEnum):
    """How a dispatch stands as a whole."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    SUCCEEDED = "SUCCEEDED"
    COMPLETED_WITH_FAILURES = "COMPLETED_WITH_FAILURES"
    FAILED = "FAILED"
    UNKNOWN = "UNKNOWN"
    CANCELLED = "CANCELLED"


class DispatchItem(Struct, frozen=True, kw_only=True):
    """One thing to send. ``number`` is its place in the ledger; ``recipients`` is None where the vendor chooses."""

    number: int
    dispatch_id: str
    target: Ref
    recipients: tuple[str, ...] | None
    state: ItemState
    requested_at: datetime
    attempt: int = 1
    vendor_message: str | None = None
    problem: Problem | None = None
    evidence: str | None = None
    settled_at: datetime | None = None


class Dispatch(Struct, frozen=True, kw_only=True):
    """One request to send, as it stands: ``counts`` of its items by state. ``number`` is its place in the ledger."""

    number: int
    id: str
    action: DispatchAction
    backends: frozenset[str]
    requested_by: str
    requested_at: datetime
    counts: Mapping[ItemState, int]
    idempotency_key: str | None = None
    finished_at: datetime | None = None

    @property
    def state(self) -> DispatchState:
        """How it stands as a whole."""
        return state_of(self.counts)


def state_of(counts: Mapping[ItemState, int]) -> DispatchState:
    """Pending before anything else; then the gravest: unknown before failed. Cancelled only when nothing was sent."""
    count = Counter(counts)
    if count[ItemState.SENDING]:
        return DispatchState.RUNNING
    settled = count[ItemState.ACCEPTED] + count[ItemState.FAILED] + count[ItemState.UNKNOWN]
    if count[ItemState.QUEUED]:
        return DispatchState.RUNNING if settled else DispatchState.QUEUED
    if count[ItemState.UNKNOWN]:
        return DispatchState.UNKNOWN
    if count[ItemState.FAILED]:
        every = count[ItemState.FAILED] == count.total()
        return DispatchState.FAILED if every else DispatchState.COMPLETED_WITH_FAILURES
    if count[ItemState.CANCELLED] and not count[ItemState.ACCEPTED]:
        return DispatchState.CANCELLED
    return DispatchState.SUCCEEDED
