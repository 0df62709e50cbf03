"""Random interleavings of several owners over one ledger, held against the model after every step.

An owner does what a process of ours does: it claims, calls the vendor once for what it claimed and only while its
lease lasts, writes the outcome down, and may die anywhere in between or answer late. Each has connections of its own.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import select

from gateway.dispatch.database import Database
from gateway.dispatch.ledger import AlreadySentError, Begun, Claim, DispatchQuery, IdempotencyConflictError, Settlement
from gateway.dispatch.records import TRANSITIONS, DispatchItem, ItemState
from gateway.dispatch.sql_ledger import SqlLedger
from gateway.dispatch.tables import items
from tests.dispatch.asking import NOW, PROBLEM, intent, request
from tests.dispatch.ledger_model import CANCELLED, Conflict, Item, Model, Refused, Standing
from tests.dispatch.moves import moves, watch

T = TypeVar("T")

LEASE_SECONDS = 10
BACKENDS = {"a": "uk", "b": "uk", "c": "ch", "d": "uk"}
WORDS = st.sampled_from(sorted(BACKENDS))
KEYS = st.none() | st.sampled_from(["k", "l"])
OWNERS = st.integers(0, 2)
PLACES = st.integers(0, 7)
"""Which of a dispatch's, or a hand's, that are there; taken modulo their number."""

FATES = {
    "sent": (True, ItemState.ACCEPTED),
    "refused": (False, ItemState.FAILED),
    "kept from going on": (False, ItemState.QUEUED),
    "said to be sent before": (False, ItemState.SKIPPED),
    "answer lost, sent": (True, ItemState.UNKNOWN),
    "answer lost, not sent": (False, ItemState.UNKNOWN),
}


@dataclass
class Held:
    """An item in an owner's hand, and the outcome once the vendor was called."""

    item: DispatchItem
    until: int
    outcome: ItemState | None = None


@dataclass
class Owner:
    """A process."""

    name: str
    database: Database
    ledger: SqlLedger
    hand: list[Held] = field(default_factory=list)
    answered: list[Held] = field(default_factory=list)


class LedgerMachine(RuleBasedStateMachine):
    """``make_database`` gives a fresh ledger as a function that opens it once per owner, and one that drops it."""

    make_database: Callable[[], tuple[Callable[[], Database], Callable[[], None]]]

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        open_database, self.drop = type(self).make_database()
        self.owners = []
        for name in ("north", "south", "east"):
            database = open_database()
            self.owners.append(Owner(name, database, SqlLedger(database)))
        self.model = Model()
        self.order: list[str] = []
        self.now = 0

    def run(self, work: Awaitable[T]) -> T:
        async def waiting() -> T:
            return await work

        return self.runner.run(waiting())

    def at(self, seconds: int) -> Any:
        return NOW + timedelta(seconds=seconds)

    def teardown(self) -> None:
        for owner in self.owners:
            self.run(owner.database.close())
        self.runner.close()
        self.drop()

    @initialize()
    def watch_the_items(self) -> None:
        self.run(watch(self.owners[0].database))

    # ── asking ───────────────────────────────────────────────────────────────────────────────────────────────────────

    @rule(owner=OWNERS, words=st.lists(WORDS, min_size=1, max_size=5), resend=st.booleans(), key=KEYS)
    def begin_a_run(self, owner: int, words: list[str], *, resend: bool, key: str | None) -> None:
        self.begin(self.owners[owner], words, resend=resend, key=key, single=False)

    @rule(owner=OWNERS, word=WORDS, resend=st.booleans(), key=KEYS)
    def begin_a_single_send(self, owner: int, word: str, *, resend: bool, key: str | None) -> None:
        self.begin(self.owners[owner], [word], resend=resend, key=key, single=True)

    def begin(self, owner: Owner, words: list[str], *, resend: bool, key: str | None, single: bool) -> None:
        given = f"{words} {resend} {single}"
        until = self.now + LEASE_SECONDS
        asked = request(
            *(intent(word, BACKENDS[word], fingerprint=word) for word in words),
            at=self.at(self.now),
            idempotency_key=key,
            input_hash=given,
            resend=resend,
            claim=Claim(owner=owner.name, at=self.at(self.now), until=self.at(until)) if single else None,
            strict=single,
        )
        try:
            replayed = self.model.replayed(key, given)
            states = [] if replayed else self.model.expected(words, resend=resend, strict=single)
        except Conflict:
            return self.must_raise(IdempotencyConflictError, owner.ledger.begin(asked))
        except Refused:
            return self.must_raise(AlreadySentError, owner.ledger.begin(asked))
        begun = self.run(owner.ledger.begin(asked))
        assert (begun.replayed, begun.dispatch.id if replayed else None) == (replayed is not None, replayed)
        if replayed is None:
            self.written(owner, begun, words, states, key=key, given=given, resend=resend, until=until)
        else:
            assert begun.items == ()
        return None

    def must_raise(self, error: type[Exception], work: Awaitable[Any]) -> None:
        try:
            answered = self.run(work)
        except error:
            return
        raise AssertionError(f"{error.__name__} expected, and not {answered}")

    def written(
        self,
        owner: Owner,
        begun: Begun,
        words: list[str],
        states: list[ItemState],
        *,
        key: str | None,
        given: str,
        resend: bool,
        until: int,
    ) -> None:
        dispatch = begun.dispatch.id
        found = self.run(owner.ledger.items(dispatch))
        assert [item.fingerprint for item in found] == words
        self.order.append(dispatch)
        self.model.dispatches[dispatch] = Standing(asked=len(words))
        if key is not None:
            self.model.keys[key] = (given, dispatch)
        for item, word, state in zip(found, words, states, strict=True):
            sending = state is ItemState.SENDING
            model = Item(dispatch, word, BACKENDS[word], resend, state, attempt=int(sending), until=until)
            self.model.add(item.number, model)
            if state is not ItemState.SKIPPED:
                self.must_not_have_gone_out(model)
        assert [item.number for item in begun.items] == [
            item.number for item in found if item.state is ItemState.SENDING
        ]
        owner.hand += [Held(item, until) for item in begun.items]

    def must_not_have_gone_out(self, item: Item) -> None:
        """What is put up for sending without being asked for again has gone out by no item."""
        assert item.resend or self.model.vendor.by_what[item.what] == 0

    # ── sending ──────────────────────────────────────────────────────────────────────────────────────────────────────

    @precondition(lambda self: self.order)
    @rule(owner=OWNERS, place=PLACES, backend=st.sampled_from(["uk", "ch"]), first=st.integers(1, 3))
    def claim(self, owner: int, place: int, backend: str, first: int) -> None:
        self.claim_of(owner, self.dispatch(place, ItemState.QUEUED), backend, first)

    def claim_of(self, owner: int, dispatch: str, backend: str, first: int) -> None:
        who = self.owners[owner]
        until = self.now + LEASE_SECONDS
        expected = self.model.claimable(dispatch, backend, first)
        claim = Claim(owner=who.name, at=self.at(self.now), until=self.at(until))
        claimed = self.run(who.ledger.claim(dispatch, backend, first=first, claim=claim))
        assert [item.number for item in claimed] == expected
        self.model.claim(expected, until)
        who.hand += [Held(item, until) for item in claimed]

    @precondition(lambda self: any(owner.hand for owner in self.owners))
    @rule(owner=OWNERS, place=PLACES, fate=st.sampled_from(sorted(FATES)))
    def call_the_vendor(self, owner: int, place: int, fate: str) -> None:
        self.call(owner, place, fate)

    def call(self, owner: int, place: int, fate: str) -> None:
        hand = [held for held in self.owners[owner].hand if held.outcome is None]
        if not hand:
            return
        held = hand[place % len(hand)]
        if self.now >= held.until:
            held.outcome = ItemState.FAILED  # too late to begin: nothing was sent
            return
        went_out, held.outcome = FATES[fate]
        if went_out:
            self.model.vendor.receive(held.item.number, held.item.attempt, held.item.fingerprint)

    @precondition(lambda self: any(owner.hand for owner in self.owners))
    @rule(owner=OWNERS)
    def write_the_outcomes(self, owner: int) -> None:
        self.write(owner)

    def write(self, owner: int) -> None:
        who = self.owners[owner]
        done = [held for held in who.hand if held.outcome is not None]
        who.hand = [held for held in who.hand if held.outcome is None]
        self.settle(who, done)
        who.answered += done

    @precondition(lambda self: self.order)
    @rule(owner=OWNERS, place=PLACES, fate=st.sampled_from(sorted(FATES)))
    def claim_call_and_write(self, owner: int, place: int, fate: str) -> None:
        dispatch = self.dispatch(place, ItemState.QUEUED)
        for backend in ("uk", "ch"):
            self.claim_of(owner, dispatch, backend, 3)
        for _ in self.owners[owner].hand:
            self.call(owner, 0, fate)
        self.write(owner)

    @precondition(lambda self: any(owner.answered for owner in self.owners))
    @rule(owner=OWNERS, place=PLACES)
    def write_an_outcome_again(self, owner: int, place: int) -> None:
        who = self.owners[owner]
        if who.answered:
            self.settle(who, [who.answered[place % len(who.answered)]])

    @precondition(lambda self: self.stale())
    @rule(owner=OWNERS, place=PLACES)
    def write_an_outcome_of_an_earlier_attempt(self, owner: int, place: int) -> None:
        stale = self.stale()
        self.settle(self.owners[owner], [stale[place % len(stale)]])

    @precondition(lambda self: self.order)
    @rule(owner=OWNERS, place=PLACES, backend=st.sampled_from(["uk", "ch"]), first=st.integers(1, 3))
    def write_the_outcomes_and_claim(self, owner: int, place: int, backend: str, first: int) -> None:
        who = self.owners[owner]
        done = [held for held in who.hand if held.outcome is not None]
        who.hand = [held for held in who.hand if held.outcome is None]
        dispatch = self.dispatch(place, ItemState.QUEUED)
        settlements, expected = self.settlements(done)
        claimable = self.model.claimable(dispatch, backend, first)
        until = self.now + LEASE_SECONDS
        claim = Claim(owner=who.name, at=self.at(self.now), until=self.at(until))
        settled, claimed = self.run(
            who.ledger.settle_and_claim(settlements, dispatch, backend, at=self.at(self.now), first=first, claim=claim)
        )
        assert (settled, [item.number for item in claimed]) == (expected, claimable)
        self.model.claim(claimable, until)
        who.hand += [Held(item, until) for item in claimed]
        who.answered += done

    def settle(self, owner: Owner, done: list[Held]) -> None:
        settlements, expected = self.settlements(done)
        assert self.run(owner.ledger.settle(settlements, at=self.at(self.now))) == expected

    def settlements(self, done: list[Held]) -> tuple[list[Settlement], list[bool]]:
        """What is to be written, and of what the model says that it is taken."""
        said = [(held.item.number, held.item.attempt, held.outcome) for held in done if held.outcome is not None]
        expected = []
        for number, attempt, outcome in said:
            expected.append(self.model.settles(number, attempt, outcome))
            if expected[-1]:
                self.model.settle(number, outcome)
        return [
            Settlement(number=number, attempt=attempt, state=outcome) for number, attempt, outcome in said
        ], expected

    @rule(owner=OWNERS)
    def crash(self, owner: int) -> None:
        self.owners[owner].hand.clear()  # what it had said may yet arrive, and again

    @rule(seconds=st.sampled_from([1, LEASE_SECONDS, LEASE_SECONDS + 1]))
    def wait(self, seconds: int) -> None:
        self.now += seconds

    @rule(owner=OWNERS)
    def expire(self, owner: int) -> None:
        late = self.model.late(self.now)
        assert self.run(self.owners[owner].ledger.expire(now=self.at(self.now))) == len(late)
        self.model.move(late, ItemState.UNKNOWN)

    # ── by hand ──────────────────────────────────────────────────────────────────────────────────────────────────────

    @precondition(lambda self: self.order)
    @rule(owner=OWNERS, place=PLACES)
    def retry(self, owner: int, place: int) -> None:
        dispatch = self.dispatch(place, ItemState.FAILED)
        numbers = self.model.retriable(dispatch)
        assert self.run(self.owners[owner].ledger.retry(dispatch)) == len(numbers)
        for number in numbers:
            self.must_not_have_gone_out(self.model.items[number])
        self.model.move(numbers, ItemState.QUEUED)
        if numbers:
            self.model.dispatches[dispatch].cancelled = False

    @precondition(lambda self: self.order)
    @rule(owner=OWNERS, place=PLACES)
    def cancel(self, owner: int, place: int) -> None:
        dispatch = self.dispatch(place)
        mine = [n for n, i in self.model.items.items() if (i.dispatch, i.state) == (dispatch, ItemState.QUEUED)]
        if self.model.pending(dispatch):
            self.model.dispatches[dispatch].cancelled = True
        assert self.run(self.owners[owner].ledger.cancel(dispatch, at=self.at(self.now))) == len(mine)
        self.model.move(mine, CANCELLED)

    @precondition(lambda self: self.order)
    @rule(owner=OWNERS, place=PLACES, paused=st.booleans())
    def pause(self, owner: int, place: int, *, paused: bool) -> None:
        dispatch = self.dispatch(place)
        self.run(self.owners[owner].ledger.pause(dispatch, PROBLEM if paused else None))
        self.model.dispatches[dispatch].paused = paused and self.model.pending(dispatch)

    @precondition(lambda self: any(item.state is ItemState.UNKNOWN for item in self.model.items.values()))
    @rule(owner=OWNERS, place=PLACES, decided=st.booleans())
    def reconcile(self, owner: int, place: int, *, decided: bool) -> None:
        unknown = [number for number, item in self.model.items.items() if item.state is ItemState.UNKNOWN]
        number = unknown[place % len(unknown)]
        attempt = self.model.items[number].attempt
        went_out = self.model.vendor.by_attempt[number, attempt] > 0
        evidence = ItemState.ACCEPTED if went_out else ItemState.FAILED
        state = evidence if decided else ItemState.UNKNOWN
        settlement = Settlement(number=number, attempt=attempt, state=state, evidence="The log says so.")
        assert self.run(self.owners[owner].ledger.settle([settlement], at=self.at(self.now))) == [True]
        self.model.settle(number, state)

    def dispatch(self, place: int, state: ItemState | None = None) -> str:
        """One of the dispatches that have an item in this state, else of all; small places are the newest."""
        having = [dispatch for dispatch in self.order if state is None or state in self.model.states(dispatch)]
        among = having or self.order
        return among[-1 - place % len(among)]

    def stale(self) -> list[Held]:
        """Outcomes of earlier attempts of items that are being sent again, or of which nobody knows again."""
        begun = (ItemState.SENDING, ItemState.UNKNOWN)
        answered = [held for owner in self.owners for held in owner.answered]
        now = {held.item.number: self.model.items[held.item.number] for held in answered}
        return [
            held
            for held in answered
            if now[held.item.number].state in begun and now[held.item.number].attempt > held.item.attempt
        ]

    # ── what holds after every step ──────────────────────────────────────────────────────────────────────────────────

    @invariant()
    def nothing_goes_out_twice(self) -> None:
        assert [number for number, count in self.model.vendor.by_item.items() if count > 1] == []

    @invariant()
    def items_stand_as_in_the_model_and_none_is_lost(self) -> None:
        if not self.order:
            return
        stood = {number: (item.state, item.attempt) for number, item in self.model.items.items()}
        assert self.run(self.standing_items()) == stood

    @invariant()
    def items_move_by_the_table_alone(self) -> None:
        if not self.order:
            return
        moved = self.run(moves(self.owners[0].database))
        assert [move for move in moved if move[2] not in TRANSITIONS[move[1]]] == []

    @invariant()
    def dispatches_stand_and_count_as_their_items_do(self) -> None:
        if not self.order:
            return
        found = self.run(self.owners[1].ledger.find(DispatchQuery(visible=None, first=1_000)))
        assert [dispatch.id for dispatch in reversed(found)] == self.order
        for dispatch in found:
            states = self.model.states(dispatch.id)
            assert dispatch.state is self.model.standing(dispatch.id)
            assert dispatch.counts == {state: states.count(state) for state in set(states)}
            assert sum(dispatch.counts.values()) == self.model.dispatches[dispatch.id].asked
            assert (dispatch.finished_at is None) == self.model.pending(dispatch.id)
            assert (dispatch.paused is not None) == self.model.dispatches[dispatch.id].paused

    async def standing_items(self) -> dict[int, tuple[ItemState, int]]:
        with self.owners[2].database.transaction(writing=False) as connection:
            rows = connection.execute(select(items.c.number, items.c.state, items.c.attempt))
            return {row.number: (ItemState(row.state), row.attempt) for row in rows}
