"""What the ledger holds: dispatches, their items, and how an item may go from one state to the next."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from msgspec import Struct

from gateway.ids import Ref
from gateway.problems import Problem

__all__ = [
    "HELD",
    "PENDING",
    "TRANSITIONS",
    "Dispatch",
    "DispatchAction",
    "DispatchItem",
    "DispatchState",
    "ItemState",
    "state_of",
]


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


TRANSITIONS: Mapping[ItemState, frozenset[ItemState]] = {
    ItemState.QUEUED: frozenset((ItemState.SENDING, ItemState.CANCELLED)),
    ItemState.SENDING: frozenset(
        (ItemState.ACCEPTED, ItemState.FAILED, ItemState.UNKNOWN, ItemState.QUEUED, ItemState.SKIPPED)
    ),
    ItemState.UNKNOWN: frozenset((ItemState.ACCEPTED, ItemState.FAILED, ItemState.UNKNOWN, ItemState.SKIPPED)),
    ItemState.FAILED: frozenset((ItemState.QUEUED,)),
    ItemState.ACCEPTED: frozenset(),
    ItemState.SKIPPED: frozenset(),
    ItemState.CANCELLED: frozenset(),
}
"""Where an item may go from each state. SENDING goes back to QUEUED only when it is proved that nothing was sent, and
UNKNOWN goes on only by evidence or by a late answer to the very attempt that it is unknown of. An attempt ends SKIPPED
when it sent nothing, since the vendor's own status said that it went out before."""

PENDING = frozenset((ItemState.QUEUED, ItemState.SENDING))
"""A dispatch with an item in one of these states is not finished."""

HELD = frozenset((ItemState.QUEUED, ItemState.SENDING, ItemState.ACCEPTED, ItemState.UNKNOWN))
"""In these states an item holds its fingerprint: the same is not sent again, except where that is asked for."""


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
    """One thing to send. ``number`` is its place in the ledger; ``recipients`` is None where the vendor chooses.

    ``attempt`` counts how often it was claimed: an outcome belongs to the attempt that brought it. ``unsent_at`` is
    when the vendor's own status was read for this attempt and did not say that it was sent: what it says later is news.
    ``claimed_at`` is when the last attempt began; None before the first, and of what an older release claimed:
    during an upgrade one may work on the same ledger.
    """

    number: int
    dispatch_id: str
    target: Ref
    stable_id: str
    fingerprint: str
    recipients: tuple[str, ...] | None
    state: ItemState
    requested_at: datetime
    attempt: int
    vendor_message: str | None = None
    vendor_code: str | None = None
    problem: Problem | None = None
    evidence: str | None = None
    claimed_at: datetime | None = None
    settled_at: datetime | None = None
    unsent_at: datetime | None = None


class Dispatch(Struct, frozen=True, kw_only=True):
    """One request to send, as it stands: ``counts`` of its items by state. ``number`` is its place in the ledger.

    ``asked`` is the input as it was given; ``paused`` why it does not go on now, where it does not.
    """

    number: int
    id: str
    action: DispatchAction
    backends: frozenset[str]
    requested_by: str
    requested_at: datetime
    counts: Mapping[ItemState, int]
    asked: dict[str, Any]
    resend: bool = False
    idempotency_key: str | None = None
    paused: Problem | None = None
    finished_at: datetime | None = None

    @property
    def state(self) -> DispatchState:
        """How it stands as a whole."""
        return state_of(self.counts, paused=self.paused is not None)


def state_of(counts: Mapping[ItemState, int], *, paused: bool = False) -> DispatchState:
    """Pending before anything else; then the gravest: unknown before failed. Cancelled only when nothing was sent."""
    count = Counter(counts)
    settled = count[ItemState.ACCEPTED] + count[ItemState.FAILED] + count[ItemState.UNKNOWN]
    if count[ItemState.SENDING] or count[ItemState.QUEUED]:
        if paused:
            return DispatchState.PAUSED
        return DispatchState.RUNNING if count[ItemState.SENDING] or settled else DispatchState.QUEUED
    if count[ItemState.UNKNOWN]:
        return DispatchState.UNKNOWN
    if count[ItemState.FAILED]:
        every = count[ItemState.FAILED] == count.total()
        return DispatchState.FAILED if every else DispatchState.COMPLETED_WITH_FAILURES
    if count[ItemState.CANCELLED] and not count[ItemState.ACCEPTED]:
        return DispatchState.CANCELLED
    return DispatchState.SUCCEEDED
