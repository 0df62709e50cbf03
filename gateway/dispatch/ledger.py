"""The ledger's port: every send is written here before the vendor is called, and its outcome after. The only truth.

Whatever runs the work holds a dispatch's id and nothing else. A claim moves an item to SENDING under an owner and a
lease; an outcome settles it by compare-and-set on item and attempt. What is still SENDING after its lease is UNKNOWN.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from msgspec import Struct

from gateway.dispatch.records import Dispatch, DispatchAction, DispatchItem, DispatchState, ItemState
from gateway.ids import Ref
from gateway.problems import Problem, ProblemCode, UnavailableError

__all__ = [
    "LOST",
    "AlreadySentError",
    "Begun",
    "Claim",
    "DispatchQuery",
    "IdempotencyConflictError",
    "Intent",
    "Ledger",
    "LedgerUnavailableError",
    "Request",
    "Settlement",
    "TakenKey",
    "UnconfirmedError",
    "WithheldError",
    "WriteKey",
]

LOST = Problem(
    code=ProblemCode.OUTCOME_UNKNOWN,
    message="Whoever was sending this did not live to hear the answer; it may have gone out.",
)
"""Why an item is UNKNOWN after its lease: it is not known how far the attempt came."""


class IdempotencyConflictError(Exception):
    """The principal used this key before, with another input."""


class AlreadySentError(Exception):
    """What was to be sent was sent before, or may have been, or is about to be: by this ``item``."""

    def __init__(self, item: DispatchItem) -> None:
        super().__init__(f"already sent by dispatch {item.dispatch_id}")
        self.item = item


class WithheldError(Exception):
    """What was to be sent is not to go out, for this ``problem``."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class LedgerUnavailableError(UnavailableError):
    """The ledger could not be written or read. What was to be written before a call was not: nothing was sent."""

    problem = Problem(code=ProblemCode.UNAVAILABLE, message="The ledger cannot be reached. Try again.", retryable=True)


class UnconfirmedError(LedgerUnavailableError):
    """The ledger went away while it was told to commit: what was to be written may be written, or be written yet."""

    problem = Problem(
        code=ProblemCode.OUTCOME_UNKNOWN,
        message="The ledger did not say whether this was written down. Look at the dispatch, or ask again.",
    )


class Intent(Struct, frozen=True, kw_only=True):
    """One item that is to be sent. ``fingerprint`` says what would be the same sending.

    ``withheld`` is why it is not to go out after all, where there is such a reason: then it is refused, or SKIPPED.
    ``unsent`` says that the vendor's own status was just read, and does not say that it was sent.
    """

    target: Ref
    stable_id: str
    fingerprint: str
    recipients: tuple[str, ...] | None
    request_hash: str | None = None
    withheld: Problem | None = None
    unsent: bool = False


class Claim(Struct, frozen=True, kw_only=True):
    """Who sends, since when, and until when an answer may be waited for.

    ``owner`` names the process, or this one claim of it.
    """

    owner: str
    at: datetime
    until: datetime


class Request(Struct, frozen=True, kw_only=True):
    """What is to be written when a send is asked for. ``mutation`` and ``idempotency_key`` belong to the principal.

    Under ``dispatch_id``, where it is given, the new dispatch can be looked for if nobody knows whether it was written.

    With ``claim`` the items are SENDING from the start (a single send, in one transaction), else QUEUED. ``strict``
    refuses the whole when an item was sent before or is withheld; otherwise (a run) such items are SKIPPED, saying so.
    """

    action: DispatchAction
    mutation: str
    requested_by: str
    at: datetime
    asked: dict[str, Any]
    input_hash: str
    intents: Sequence[Intent]
    dispatch_id: str | None = None
    idempotency_key: str | None = None
    resend: bool = False
    claim: Claim | None = None
    strict: bool = False


class Begun(Struct, frozen=True, kw_only=True):
    """What was written, or with ``replayed`` what had been written before under the key. ``items`` are the claimed."""

    dispatch: Dispatch
    items: Sequence[DispatchItem]
    replayed: bool = False


class Settlement(Struct, frozen=True, kw_only=True):
    """What became of one attempt of an item."""

    number: int
    attempt: int
    state: ItemState
    vendor_message: str | None = None
    vendor_code: str | None = None
    problem: Problem | None = None
    evidence: str | None = None


class WriteKey(Struct, frozen=True, kw_only=True):
    """An idempotency key of a write that is no send, with the digest of the input that it is used for."""

    principal: str
    mutation: str
    key: str
    input_hash: str


class TakenKey(Struct, frozen=True, kw_only=True):
    """Whether a write is ``ours`` to do. Where it is another's: its answer once it is known, and its lease's end.

    Without an answer it is still being done; after its lease nobody knows what became of it.
    """

    ours: bool
    answer: bytes | None = None
    until: datetime | None = None


class DispatchQuery(Struct, frozen=True, kw_only=True):
    """Which dispatches, newest first: those whose every backend is ``visible`` (None: all), and that match the rest."""

    visible: frozenset[str] | None
    backends: frozenset[str] | None = None
    states: frozenset[DispatchState] | None = None
    actions: frozenset[DispatchAction] | None = None
    customer: Ref | None = None
    since: datetime | None = None
    until: datetime | None = None
    requested_by: str | None = None
    before: int | None = None
    first: int = 50


class Ledger(Protocol):
    """Where sends are written. Every method is one transaction, and raises `LedgerUnavailableError` when it fails."""

    async def begin(self, request: Request, claiming: Callable[[], None] | None = None) -> Begun:
        """Writes a dispatch with its items. ``claiming`` is called, in a thread, when a claim is about to be committed.

        Raises `IdempotencyConflictError`, or with ``strict`` `AlreadySentError` or `WithheldError`; then nothing was
        written.
        """

    async def replay(self, principal: str, mutation: str, key: str, input_hash: str) -> Dispatch | None:
        """The dispatch made before under this key, or None. Raises `IdempotencyConflictError`."""

    async def claim(self, dispatch_id: str, backend: str, *, first: int, claim: Claim) -> Sequence[DispatchItem]:
        """Claims the next QUEUED items of a dispatch at one backend, at most ``first``; none when there are none."""

    async def settle(self, settlements: Sequence[Settlement], *, at: datetime) -> Sequence[bool]:
        """Settles attempts; False for one whose item has moved on, which then stays as it is.

        It is done also when the caller is cancelled meanwhile: nobody else knows the outcomes.
        """

    async def settle_and_claim(
        self,
        settlements: Sequence[Settlement],
        dispatch_id: str,
        backend: str,
        *,
        at: datetime,
        first: int,
        claim: Claim,
    ) -> tuple[Sequence[bool], Sequence[DispatchItem]]:
        """`settle`, then `claim`, in one transaction: a run's way from one batch to the next."""

    async def claimed(self, dispatch_id: str, claim: Claim) -> Sequence[DispatchItem]:
        """The items that this very claim took and nobody has settled: for whoever did not hear what came of claiming.

        ``claim.owner`` must be of that claim alone.
        """

    async def found_unsent(self, items: Sequence[DispatchItem], *, at: datetime) -> None:
        """Notes that the vendor's own status was read for these attempts, and does not say that they were sent."""

    async def pause(self, dispatch_id: str, problem: Problem | None) -> None:
        """Notes why a dispatch does not go on now; None: it goes on."""

    async def retry(self, dispatch_id: str) -> int:
        """FAILED items back to QUEUED, except those that were sent in another dispatch meanwhile; how many."""

    async def cancel(self, dispatch_id: str, *, at: datetime) -> int:
        """QUEUED items to CANCELLED; how many. What is being sent and comes back to the queue is CANCELLED then."""

    async def expire(self, *, now: datetime) -> int:
        """Items still SENDING after their lease to UNKNOWN, for they are `LOST`; how many."""

    async def get(self, dispatch_id: str, visible: frozenset[str] | None) -> Dispatch | None:
        """One dispatch as it stands, when all its backends are visible."""

    async def get_many(self, dispatch_ids: Sequence[str], visible: frozenset[str] | None) -> Mapping[str, Dispatch]:
        """Those of these dispatches that are there, when all their backends are visible, by id."""

    async def find(self, query: DispatchQuery) -> Sequence[Dispatch]:
        """Dispatches, newest first."""

    async def held(self, fingerprints: Sequence[str]) -> Mapping[str, DispatchItem]:
        """The items that hold these fingerprints, by fingerprint."""

    async def queued(self) -> Sequence[str]:
        """The ids of dispatches that have QUEUED items."""

    async def items(
        self, dispatch_id: str, *, states: frozenset[ItemState] | None = None, after: int = 0, first: int = 100
    ) -> Sequence[DispatchItem]:
        """A dispatch's items in order."""

    async def items_for(self, target: Ref, *, before: int | None = None, first: int = 25) -> Sequence[DispatchItem]:
        """The items about one record, newest first."""

    async def begin_write(self, key: WriteKey, *, at: datetime, until: datetime) -> TakenKey:
        """Takes a key for a write that is begun before ``until``, or says what its first use left.

        Raises `IdempotencyConflictError`.
        """

    async def end_write(self, key: WriteKey, answer: bytes | None) -> None:
        """Keeps a write's answer under its key; None frees the key, when it is proved that nothing was done."""

    async def forget_keys(self, *, before: datetime) -> int:
        """Drops idempotency keys taken before; how many."""

    async def beat(self, executor: str, *, now: datetime) -> None:
        """Says that this process is alive."""

    async def silent(self, *, before: datetime) -> Sequence[str]:
        """The processes that have not said so since, told to every caller until one takes them."""

    async def take_dead(self, *, before: datetime) -> Sequence[str]:
        """The processes that have not said so since, each told to one caller only."""
