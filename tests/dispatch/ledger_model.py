"""What the ledger promises, in plain Python: which item may stand how, and what a pretend vendor got of it.

Written from the promise, not from the ledger's code: no SQL, no transition table, one process, no clock of its own.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from gateway.dispatch.records import DispatchState, ItemState

Q, S, A = ItemState.QUEUED, ItemState.SENDING, ItemState.ACCEPTED
F, U, SKIPPED, CANCELLED = ItemState.FAILED, ItemState.UNKNOWN, ItemState.SKIPPED, ItemState.CANCELLED


class Refused(Exception):
    """Sent before, and the request was strict."""


class Conflict(Exception):
    """The key was used with another input."""


@dataclass
class Item:
    """One thing to send. ``until`` is the end of its lease while it is being sent."""

    dispatch: str
    what: str
    backend: str
    resend: bool
    state: ItemState
    attempt: int = 0
    until: int = 0


@dataclass
class Standing:
    """One dispatch."""

    asked: int
    paused: bool = False
    cancelled: bool = False


@dataclass
class Vendor:
    """Counts what went out, by item and by what it was."""

    by_item: Counter[int] = field(default_factory=Counter)
    by_attempt: Counter[tuple[int, int]] = field(default_factory=Counter)
    by_what: Counter[str] = field(default_factory=Counter)

    def receive(self, number: int, attempt: int, what: str) -> None:
        """It went out."""
        self.by_item[number] += 1
        self.by_attempt[number, attempt] += 1
        self.by_what[what] += 1


class Model:
    """Every dispatch and item, and what each request must answer."""

    def __init__(self) -> None:
        self.items: dict[int, Item] = {}
        self.dispatches: dict[str, Standing] = {}
        self.keys: dict[str, tuple[str, str]] = {}
        self.vendor = Vendor()

    # ── what the ledger must answer ──────────────────────────────────────────────────────────────────────────────────

    def replayed(self, key: str | None, given: str) -> str | None:
        """The dispatch that was made under this key, if one was. Raises `Conflict`."""
        if key is None or key not in self.keys:
            return None
        before, dispatch = self.keys[key]
        if before != given:
            raise Conflict
        return dispatch

    def expected(self, words: Sequence[str], *, resend: bool, strict: bool) -> list[ItemState]:
        """How each item must begin. Raises `Refused`."""
        held = {item.what for item in self.items.values() if item.state in {Q, S, A, U}}
        states = []
        for place, word in enumerate(words):
            if word in words[:place]:
                states.append(SKIPPED)
            elif word in held and not resend:
                if strict:
                    raise Refused
                states.append(SKIPPED)
            else:
                states.append(S if strict else Q)
        return states

    def claimable(self, dispatch: str, backend: str, first: int) -> list[int]:
        """The items that a claim must take."""
        mine = (
            n for n, item in self.items.items() if (item.dispatch, item.backend, item.state) == (dispatch, backend, Q)
        )
        return sorted(mine)[:first]

    def retriable(self, dispatch: str) -> list[int]:
        """The items that a retry must queue: those that failed, and that nothing else is about to send or has sent."""
        held = {item.what for item in self.items.values() if item.state in {Q, S, A, U}}
        return [
            number
            for number, item in self.items.items()
            if item.dispatch == dispatch and item.state is F and (item.resend or item.what not in held)
        ]

    def settles(self, number: int, attempt: int, state: ItemState) -> bool:
        """Whether an outcome is news."""
        item = self.items[number]
        if item.attempt != attempt:
            return False
        return item.state is S or (item.state is U and state is not Q)

    def late(self, now: int) -> list[int]:
        """The items whose lease has ended."""
        return [number for number, item in self.items.items() if item.state is S and item.until < now]

    # ── what happens ─────────────────────────────────────────────────────────────────────────────────────────────────

    def add(self, number: int, item: Item) -> None:
        """An item was written."""
        self.items[number] = item

    def claim(self, numbers: Iterable[int], until: int) -> None:
        """Items were claimed."""
        for number in numbers:
            item = self.items[number]
            item.state, item.attempt, item.until = S, item.attempt + 1, until

    def settle(self, number: int, state: ItemState) -> None:
        """An outcome was written; what comes back to the queue of a cancelled dispatch is not sent."""
        item = self.items[number]
        returned = state is Q and self.dispatches[item.dispatch].cancelled
        self.move([number], CANCELLED if returned else state)

    def move(self, numbers: Iterable[int], state: ItemState) -> None:
        """Items came to a state."""
        for number in numbers:
            self.items[number].state = state
        for dispatch, standing in self.dispatches.items():
            if not self.pending(dispatch):
                standing.paused = False

    def states(self, dispatch: str) -> list[ItemState]:
        """How a dispatch's items stand."""
        return [item.state for item in self.items.values() if item.dispatch == dispatch]

    def pending(self, dispatch: str) -> bool:
        """Whether something of it may yet go out."""
        return bool({Q, S} & set(self.states(dispatch)))

    def standing(self, dispatch: str) -> DispatchState:
        """How a dispatch must stand."""
        states = set(self.states(dispatch))
        if {Q, S} & states:
            if self.dispatches[dispatch].paused:
                return DispatchState.PAUSED
            return DispatchState.RUNNING if {S, A, F, U} & states else DispatchState.QUEUED
        if U in states:
            return DispatchState.UNKNOWN
        if F in states:
            return DispatchState.FAILED if states == {F} else DispatchState.COMPLETED_WITH_FAILURES
        return DispatchState.CANCELLED if CANCELLED in states and A not in states else DispatchState.SUCCEEDED
