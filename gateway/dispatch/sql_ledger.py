"""The ledger in SQL: SQLite or PostgreSQL, the same statements; each method is one transaction.

Two guards make a double send impossible whatever processes race: the unique index over held fingerprints, and
compare-and-set on (item, attempt, state) for every transition.
"""

import asyncio
import contextlib
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, select, update

from gateway.dispatch import key_rows, transitions
from gateway.dispatch.database import Database, insert_for
from gateway.dispatch.finding import about, dispatches_of_ids, find_dispatches, items_where
from gateway.dispatch.intending import holders, insert_items
from gateway.dispatch.ledger import (
    Begun,
    Claim,
    DispatchQuery,
    LedgerUnavailableError,
    Request,
    Settlement,
    TakenKey,
    WriteKey,
)
from gateway.dispatch.prepared import Prepared
from gateway.dispatch.records import PENDING, Dispatch, DispatchItem, ItemState
from gateway.dispatch.rows import begun_dispatch, dispatch_row, item_of, json_text
from gateway.dispatch.settling import tell_unwritten
from gateway.dispatch.tables import QUEUED_ITEMS, SENDING_ITEMS, dispatches, executors, items
from gateway.ids import Ref
from gateway.metrics import Metrics
from gateway.problems import Problem

__all__ = ["SqlLedger"]


_ADDING = Prepared(dispatches.insert().returning(dispatches.c.number), [dispatches.c.number])


class SqlLedger:
    """The ledger in a database."""

    def __init__(self, database: Database, metrics: Metrics | None = None) -> None:
        self._database = database
        self._metrics = metrics or Metrics()

    # ── asking ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def begin(self, request: Request, claiming: Callable[[], None] | None = None) -> Begun:
        """Writes a dispatch with its items."""
        dispatch_id = request.dispatch_id or uuid.uuid4().hex

        def begin(connection: Connection) -> Begun:
            if request.idempotency_key is not None and not key_rows.take_key(connection, request, dispatch_id):
                return Begun(dispatch=key_rows.replayed(connection, request), items=(), replayed=True)
            if len(request.intents) > 1:
                self._database.one_at_a_time(connection)
            (added,) = _ADDING.run(connection, dispatch_row(dispatch_id, request))
            written = insert_items(connection, dispatch_id, request)
            if not written.counts.keys() & PENDING:
                transitions.conclude(connection, [dispatch_id], request.at)
            if claiming is not None:
                claiming()
            return Begun(
                dispatch=begun_dispatch(added.number, dispatch_id, request, written.counts), items=written.claimed
            )

        return await self._database.write(begin)

    async def replay(self, principal: str, mutation: str, key: str, input_hash: str) -> Dispatch | None:
        """The dispatch made before under this key, or None."""
        return await self._database.read(lambda c: key_rows.sent_under(c, principal, mutation, key, input_hash))

    # ── sending ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def claim(self, dispatch_id: str, backend: str, *, first: int, claim: Claim) -> Sequence[DispatchItem]:
        """Claims the next QUEUED items of a dispatch at one backend."""
        return await self._database.write(lambda c: transitions.claim_items(c, dispatch_id, backend, first, claim))

    async def settle(self, settlements: Sequence[Settlement], *, at: datetime) -> Sequence[bool]:
        """Settles attempts; False for one whose item has moved on."""
        with self._whoever_leaves(settlements, at):
            settled = await self._database.write(lambda c: transitions.settle_items(c, settlements, at))
        self._count(settlements, settled)
        return settled

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
        """Settles attempts, and claims the next items, in one transaction."""

        def both(connection: Connection) -> tuple[Sequence[bool], Sequence[DispatchItem]]:
            settled = transitions.settle_items(connection, settlements, at)
            return settled, transitions.claim_items(connection, dispatch_id, backend, first, claim)

        with self._whoever_leaves(settlements, at):
            settled, claimed = await self._database.write(both)
        self._count(settlements, settled)
        return settled, claimed

    async def claimed(self, dispatch_id: str, claim: Claim) -> Sequence[DispatchItem]:
        """The items of a dispatch that this very claim took and that nobody has settled since."""
        mine = (items.c.dispatch_id == dispatch_id, SENDING_ITEMS, items.c.owner == claim.owner)
        return await self._database.read(lambda c: items_where(c, *mine))

    async def found_unsent(self, items: Sequence[DispatchItem], *, at: datetime) -> None:
        """Notes that the vendor's own status does not say of these attempts that they were sent."""
        await self._database.write(lambda c: transitions.note_unsent(c, items, at))

    @contextlib.contextmanager
    def _whoever_leaves(self, settlements: Sequence[Settlement], at: datetime) -> Iterator[None]:
        """Outcomes are settled also where their caller is cancelled: nobody else knows them.

        They may be settled by then: an attempt is settled once, however often that is asked for.
        """
        try:
            yield
        except asyncio.CancelledError:
            if settlements:
                self._database.leave(self._settle_left(settlements, at))
            raise

    async def _settle_left(self, settlements: Sequence[Settlement], at: datetime) -> None:
        try:
            await self.settle(settlements, at=at)
        except LedgerUnavailableError as error:
            tell_unwritten(settlements, error)

    def _count(self, settlements: Sequence[Settlement], settled: Sequence[bool]) -> None:
        for settlement, happened in zip(settlements, settled, strict=True):
            if happened:
                self._metrics.items_became(settlement.state)

    async def pause(self, dispatch_id: str, problem: Problem | None) -> None:
        """Notes why a dispatch does not go on now."""
        unfinished = update(dispatches).where(dispatches.c.id == dispatch_id, dispatches.c.finished_at.is_(None))
        await self._database.write(lambda c: c.execute(unfinished.values(paused=json_text(problem))))

    async def retry(self, dispatch_id: str) -> int:
        """FAILED items back to QUEUED."""

        def retry(connection: Connection) -> int:
            self._database.one_at_a_time(connection)
            return transitions.retry_items(connection, dispatch_id)

        return await self._database.write(retry)

    async def cancel(self, dispatch_id: str, *, at: datetime) -> int:
        """QUEUED items to CANCELLED, and those that come back to the queue later."""
        cancelled = await self._database.write(lambda c: transitions.cancel_items(c, dispatch_id, at))
        self._metrics.items_became(ItemState.CANCELLED, cancelled)
        return cancelled

    async def expire(self, *, now: datetime) -> int:
        """Items still SENDING after their lease to UNKNOWN."""
        expired = await self._database.write(lambda c: transitions.expire_items(c, now))
        self._metrics.items_became(ItemState.UNKNOWN, expired)
        return expired

    # ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def get(self, dispatch_id: str, visible: frozenset[str] | None) -> Dispatch | None:
        """One dispatch as it stands, when all its backends are visible."""
        return (await self.get_many((dispatch_id,), visible)).get(dispatch_id)

    async def get_many(self, dispatch_ids: Sequence[str], visible: frozenset[str] | None) -> Mapping[str, Dispatch]:
        """Those of these dispatches that are there, when all their backends are visible, by id."""
        found = await self._database.read(lambda c: dispatches_of_ids(c, dispatch_ids))
        return {one.id: one for one in found if visible is None or one.backends <= visible}

    async def find(self, query: DispatchQuery) -> Sequence[Dispatch]:
        """Dispatches, newest first."""
        return await self._database.read(lambda c: find_dispatches(c, query))

    async def held(self, fingerprints: Sequence[str]) -> Mapping[str, DispatchItem]:
        """The items that hold these fingerprints, by fingerprint."""
        return await self._database.read(lambda c: holders(c, fingerprints))

    async def queued(self) -> Sequence[str]:
        """The ids of dispatches that have QUEUED items."""
        statement = select(items.c.dispatch_id).where(QUEUED_ITEMS).distinct()
        return await self._database.read(lambda c: c.execute(statement).scalars().all())

    async def items(
        self, dispatch_id: str, *, states: frozenset[ItemState] | None = None, after: int = 0, first: int = 100
    ) -> Sequence[DispatchItem]:
        """A dispatch's items in order."""
        conditions = [items.c.dispatch_id == dispatch_id, items.c.number > after]
        if states is not None:
            conditions.append(items.c.state.in_([state.value for state in states]))
        return await self._database.read(lambda c: items_where(c, *conditions, first=first))

    async def items_for(self, target: Ref, *, before: int | None = None, first: int = 25) -> Sequence[DispatchItem]:
        """The items about one record, newest first."""
        conditions = about(target)
        if before is not None:
            conditions.append(items.c.number < before)
        statement = select(items).where(*conditions).order_by(items.c.number.desc()).limit(first)
        return await self._database.read(lambda c: list(map(item_of, c.execute(statement))))

    # ── keys and processes ───────────────────────────────────────────────────────────────────────────────────────────

    async def begin_write(self, key: WriteKey, *, at: datetime, until: datetime) -> TakenKey:
        """Takes an idempotency key for a write that is no send."""
        return await self._database.write(lambda c: key_rows.begin_write(c, key, at, until))

    async def end_write(self, key: WriteKey, answer: bytes | None) -> None:
        """Keeps a write's answer under its key; None frees the key."""
        await self._database.write(lambda c: key_rows.end_write(c, key, answer))

    async def forget_keys(self, *, before: datetime) -> int:
        """Drops idempotency keys taken before."""
        return await self._database.write(lambda c: key_rows.forget_keys(c, before))

    async def beat(self, executor: str, *, now: datetime) -> None:
        """Says that this process is alive."""

        def beat(connection: Connection) -> None:
            statement = insert_for(connection.dialect.name, executors).values(id=executor, seen_at=now)
            connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_={"seen_at": now}))

        await self._database.write(beat)

    async def silent(self, *, before: datetime) -> Sequence[str]:
        """The processes that have not said so since, told to every caller until one takes them."""
        statement = select(executors.c.id).where(executors.c.seen_at < before)
        return await self._database.read(lambda c: c.execute(statement).scalars().all())

    async def take_dead(self, *, before: datetime) -> Sequence[str]:
        """The processes that have not said so since."""
        statement = delete(executors).where(executors.c.seen_at < before).returning(executors.c.id)
        return await self._database.write(lambda c: c.execute(statement).scalars().all())
