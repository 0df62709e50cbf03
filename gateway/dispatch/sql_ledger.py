"""The ledger in SQL: SQLite or PostgreSQL, the same statements.

Two guards make a double send impossible whatever processes race: the unique index over held fingerprints, and
compare-and-set on (item, attempt, state) for every transition.
"""

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import replace
from sqlalchemy import Row, and_, delete, exists, or_, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.dispatch.database import Database, LostRaceError, again_after_a_lost_race
from gateway.dispatch.finding import about, dispatch_where, find_dispatches, items_where
from gateway.dispatch.intending import ROWS_AT_ONCE, holders, insert_items
from gateway.dispatch.ledger import LOST, Begun, Claim, DispatchQuery, IdempotencyConflictError, Request, Settlement
from gateway.dispatch.records import TRANSITIONS, Dispatch, DispatchItem, ItemState
from gateway.dispatch.rows import chunks, dispatch_row, item_of, json_text, settled_values
from gateway.dispatch.tables import HELD_ITEMS, QUEUED_ITEMS, SENDING_ITEMS, dispatches, executors, items, keys
from gateway.ids import Ref
from gateway.problems import Problem

__all__ = ["SqlLedger"]

_BEGUN = (ItemState.SENDING, ItemState.UNKNOWN)
"""An attempt's outcome is news of an item only while it is being sent, or nobody knows what became of it."""

_NOT_QUEUED = [state.value for state in ItemState if state is not ItemState.QUEUED]
"""Asked of rows that are found by number: were it asked for QUEUED, SQLite would look through all that is queued."""


class SqlLedger:
    """The ledger in a database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        dialect: Any = sqlite if database.is_sqlite else postgresql
        self._insert: Callable[..., Any] = dialect.insert

    # ── asking ───────────────────────────────────────────────────────────────────────────────────────────────────────

    @again_after_a_lost_race
    async def begin(self, request: Request) -> Begun:
        """Writes a dispatch with its items."""
        dispatch_id = uuid.uuid4().hex
        async with self._database.writing() as connection:
            if request.idempotency_key is not None and not await self._take_key(connection, request, dispatch_id):
                earlier = await self._replayed(connection, request)
                return Begun(dispatch=earlier, items=(), replayed=True)
            if len(request.intents) > 1:
                await self._database.one_at_a_time(connection)
            await connection.execute(dispatches.insert().values(dispatch_row(dispatch_id, request)))
            await insert_items(connection, self._insert, dispatch_id, request)
            await _conclude(connection, [dispatch_id], request.at)
            dispatch = await dispatch_where(connection, dispatches.c.id == dispatch_id)
            assert dispatch is not None  # noqa: S101 - just written
            claimed = await items_where(connection, items.c.dispatch_id == dispatch_id, SENDING_ITEMS)
            return Begun(dispatch=dispatch, items=claimed)

    async def replay(self, principal: str, mutation: str, key: str, input_hash: str) -> Dispatch | None:
        """The dispatch made before under this key, or None."""
        async with self._database.reading() as connection:
            row = await _key(connection, principal, mutation, key)
            if row is None:
                return None
            _same_input(row, input_hash)
            return await dispatch_where(connection, dispatches.c.id == row.dispatch_id)

    async def _take_key(self, connection: AsyncConnection, request: Request, dispatch_id: str) -> bool:
        values = {
            "principal": request.requested_by,
            "mutation": request.mutation,
            "key": request.idempotency_key,
            "input_hash": request.input_hash,
            "dispatch_id": dispatch_id,
            "created_at": request.at,
        }
        return await self._inserted_key(connection, values)

    async def _inserted_key(self, connection: AsyncConnection, values: dict[str, Any]) -> bool:
        taking = self._insert(keys).values(values).on_conflict_do_nothing().returning(keys.c.number)
        return (await connection.execute(taking)).first() is not None

    async def _replayed(self, connection: AsyncConnection, request: Request) -> Dispatch:
        row = await _key_in_the_way(connection, request.requested_by, request.mutation, request.idempotency_key or "")
        _same_input(row, request.input_hash)
        earlier = await dispatch_where(connection, dispatches.c.id == row.dispatch_id)
        assert earlier is not None  # noqa: S101 - written with its key
        return earlier

    # ── sending ──────────────────────────────────────────────────────────────────────────────────────────────────────

    @again_after_a_lost_race
    async def claim(self, dispatch_id: str, backend: str, *, first: int, claim: Claim) -> Sequence[DispatchItem]:
        """Claims the next QUEUED items of a dispatch at one backend."""
        following = (
            select(items.c.number)
            .where(items.c.dispatch_id == dispatch_id, items.c.backend == backend, QUEUED_ITEMS)
            .order_by(items.c.number)
            .limit(first)
            .with_for_update(skip_locked=True)
            .cte("following")
            .prefix_with("MATERIALIZED")  # evaluated once: PostgreSQL may otherwise lock, and take, more than asked for
        )
        taking = (
            update(items)
            .where(items.c.number.in_(select(following.c.number)), items.c.state.not_in(_NOT_QUEUED))
            .values(
                state=ItemState.SENDING.value,
                attempt=items.c.attempt + 1,
                owner=claim.owner,
                lease_until=claim.until,
                problem=None,
                vendor_message=None,
                vendor_code=None,
                evidence=None,
            )
            .returning(items)
        )
        async with self._database.writing() as connection:
            rows = (await connection.execute(taking)).all()
        return sorted(map(item_of, rows), key=lambda item: item.number)

    @again_after_a_lost_race
    async def settle(self, settlements: Sequence[Settlement], *, at: datetime) -> Sequence[bool]:
        """Settles attempts; False for one whose item has moved on. Those that say the same are one statement."""
        alike: dict[Settlement, list[Settlement]] = {}
        for settlement in settlements:
            alike.setdefault(replace(settlement, number=0, attempt=0), []).append(settlement)
        settled: set[Settlement] = set()
        concerned: set[str] = set()
        async with self._database.writing() as connection:
            for said, those in alike.items():
                for part in chunks(those, ROWS_AT_ONCE):
                    for number, attempt, dispatch_id in await connection.execute(_settling(said, part, at)):
                        settled.add(replace(said, number=number, attempt=attempt))
                        concerned.add(dispatch_id)
            if concerned:
                await _conclude(connection, concerned, at)
        return [settlement in settled for settlement in settlements]

    async def pause(self, dispatch_id: str, problem: Problem | None) -> None:
        """Notes why a dispatch does not go on now."""
        pausing = update(dispatches).where(dispatches.c.id == dispatch_id, dispatches.c.finished_at.is_(None))
        async with self._database.writing() as connection:
            await connection.execute(pausing.values(paused=json_text(problem)))

    @again_after_a_lost_race
    async def retry(self, dispatch_id: str) -> int:
        """FAILED items back to QUEUED."""
        other = items.alias()
        # HELD_ITEMS speaks of the innermost table's `state`: the other item's
        elsewhere = exists().where(other.c.fingerprint == items.c.fingerprint, HELD_ITEMS)
        allowed = or_(~elsewhere, items.c.resent_in != "")
        async with self._database.writing() as connection:
            await self._database.one_at_a_time(connection)
            result = await connection.execute(
                update(items)
                .where(items.c.dispatch_id == dispatch_id, items.c.state == ItemState.FAILED.value, allowed)
                .values(state=ItemState.QUEUED.value, problem=None, settled_at=None)
            )
            if result.rowcount:
                going_on = {"finished_at": None, "cancelled_at": None}
                await connection.execute(update(dispatches).where(dispatches.c.id == dispatch_id).values(going_on))
        return result.rowcount

    @again_after_a_lost_race
    async def cancel(self, dispatch_id: str, *, at: datetime) -> int:
        """QUEUED items to CANCELLED, and those that come back to the queue later."""
        cancelling = update(dispatches).where(dispatches.c.id == dispatch_id, dispatches.c.finished_at.is_(None))
        async with self._database.writing() as connection:
            await connection.execute(cancelling.values(cancelled_at=at))
            cancelled = await connection.execute(_cancelling(at).where(items.c.dispatch_id == dispatch_id))
            await _conclude(connection, [dispatch_id], at)
        return cancelled.rowcount

    @again_after_a_lost_race
    async def expire(self, *, now: datetime) -> int:
        """Items still SENDING after their lease to UNKNOWN."""
        lost = {
            "state": ItemState.UNKNOWN.value,
            "problem": json_text(LOST),
            "owner": None,
            "lease_until": None,
            "settled_at": now,
        }
        expiring = update(items).where(SENDING_ITEMS, items.c.lease_until < now).values(lost)
        async with self._database.writing() as connection:
            concerned = (await connection.execute(expiring.returning(items.c.dispatch_id))).scalars().all()
            if concerned:
                await _conclude(connection, set(concerned), now)
        return len(concerned)

    # ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def get(self, dispatch_id: str, visible: frozenset[str] | None) -> Dispatch | None:
        """One dispatch as it stands, when all its backends are visible."""
        async with self._database.reading() as connection:
            dispatch = await dispatch_where(connection, dispatches.c.id == dispatch_id)
        if dispatch is None or (visible is not None and not dispatch.backends <= visible):
            return None
        return dispatch

    async def find(self, query: DispatchQuery) -> Sequence[Dispatch]:
        """Dispatches, newest first."""
        async with self._database.reading() as connection:
            return await find_dispatches(connection, query)

    async def held(self, fingerprints: Sequence[str]) -> Mapping[str, DispatchItem]:
        """The items that hold these fingerprints, by fingerprint."""
        async with self._database.reading() as connection:
            return await holders(connection, fingerprints)

    async def queued(self) -> Sequence[str]:
        """The ids of dispatches that have QUEUED items."""
        statement = select(items.c.dispatch_id).where(QUEUED_ITEMS).distinct()
        async with self._database.reading() as connection:
            return list((await connection.execute(statement)).scalars())

    async def items(
        self, dispatch_id: str, *, states: frozenset[ItemState] | None = None, after: int = 0, first: int = 100
    ) -> Sequence[DispatchItem]:
        """A dispatch's items in order."""
        conditions = [items.c.dispatch_id == dispatch_id, items.c.number > after]
        if states is not None:
            conditions.append(items.c.state.in_([state.value for state in states]))
        async with self._database.reading() as connection:
            return await items_where(connection, *conditions, first=first)

    async def items_for(self, target: Ref, *, before: int | None = None, first: int = 25) -> Sequence[DispatchItem]:
        """The items about one record, newest first."""
        conditions = about(target)
        if before is not None:
            conditions.append(items.c.number < before)
        statement = select(items).where(*conditions).order_by(items.c.number.desc()).limit(first)
        async with self._database.reading() as connection:
            return [item_of(row) for row in await connection.execute(statement)]

    # ── keys and processes ───────────────────────────────────────────────────────────────────────────────────────────

    @again_after_a_lost_race
    async def begin_write(
        self, principal: str, mutation: str, key: str, input_hash: str, *, at: datetime
    ) -> tuple[bool, bytes | None]:
        """Takes an idempotency key for a write that is no send."""
        values = {"principal": principal, "mutation": mutation, "key": key, "input_hash": input_hash, "created_at": at}
        async with self._database.writing() as connection:
            if await self._inserted_key(connection, values):
                return True, None
            row = await _key_in_the_way(connection, principal, mutation, key)
            _same_input(row, input_hash)
            return False, row.answer

    @again_after_a_lost_race
    async def end_write(self, principal: str, mutation: str, key: str, answer: bytes | None) -> None:
        """Keeps a write's answer under its key; None frees the key."""
        mine = and_(keys.c.principal == principal, keys.c.mutation == mutation, keys.c.key == key)
        async with self._database.writing() as connection:
            if answer is None:
                await connection.execute(delete(keys).where(mine))
            else:
                await connection.execute(update(keys).where(mine).values(answer=answer))

    async def forget_keys(self, *, before: datetime) -> int:
        """Drops idempotency keys taken before."""
        async with self._database.writing() as connection:
            return (await connection.execute(delete(keys).where(keys.c.created_at < before))).rowcount

    async def beat(self, executor: str, *, now: datetime) -> None:
        """Says that this process is alive."""
        statement = self._insert(executors).values(id=executor, seen_at=now)
        async with self._database.writing() as connection:
            await connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_={"seen_at": now}))

    async def silent(self, *, before: datetime) -> Sequence[str]:
        """The processes that have not said so since, told to every caller until one takes them."""
        statement = select(executors.c.id).where(executors.c.seen_at < before)
        async with self._database.reading() as connection:
            return list((await connection.execute(statement)).scalars())

    async def take_dead(self, *, before: datetime) -> Sequence[str]:
        """The processes that have not said so since."""
        statement = delete(executors).where(executors.c.seen_at < before).returning(executors.c.id)
        async with self._database.writing() as connection:
            return list((await connection.execute(statement)).scalars())


def _settling(said: Settlement, those: Sequence[Settlement], at: datetime) -> Any:
    """Compare and set: only the very attempts, and only out of a state that leads here."""
    sources = [state.value for state in _BEGUN if said.state in TRANSITIONS[state]]
    attempts = [(settlement.number, settlement.attempt) for settlement in those]
    return (
        update(items)
        .where(
            items.c.number.in_([number for number, _ in attempts]),  # what SQLite finds rows by; pairs it compares
            tuple_(items.c.number, items.c.attempt).in_(attempts),
            items.c.state.in_(sources),
        )
        .values(settled_values(said, at))
        .returning(items.c.number, items.c.attempt, items.c.dispatch_id)
    )


def _cancelling(at: datetime) -> Any:
    return update(items).where(QUEUED_ITEMS).values(state=ItemState.CANCELLED.value, settled_at=at)


async def _conclude(connection: AsyncConnection, concerned: Iterable[str], at: datetime) -> None:
    """After items have moved: what came back to the queue of a cancelled dispatch is cancelled; what is done, finished.

    The dispatches' rows are locked first: of two that settle the last items at once, the later sees what the earlier
    did, and a cancellation comes wholly before or wholly after.
    """
    locking = select(dispatches.c.id, dispatches.c.cancelled_at).where(dispatches.c.id.in_(concerned))
    rows = await connection.execute(locking.order_by(dispatches.c.id).with_for_update(key_share=True))
    cancelled = [row.id for row in rows if row.cancelled_at is not None]
    if cancelled:
        await connection.execute(_cancelling(at).where(items.c.dispatch_id.in_(cancelled)))
    mine = items.c.dispatch_id == dispatches.c.id
    await connection.execute(
        update(dispatches)
        .where(
            dispatches.c.id.in_(concerned),
            dispatches.c.finished_at.is_(None),
            ~exists().where(mine, QUEUED_ITEMS),
            ~exists().where(mine, SENDING_ITEMS),
        )
        .values(finished_at=at, paused=None)
    )


async def _key(connection: AsyncConnection, principal: str, mutation: str, key: str) -> Row[Any] | None:
    statement = select(keys).where(keys.c.principal == principal, keys.c.mutation == mutation, keys.c.key == key)
    return (await connection.execute(statement)).one_or_none()


async def _key_in_the_way(connection: AsyncConnection, principal: str, mutation: str, key: str) -> Row[Any]:
    row = await _key(connection, principal, mutation, key)
    if row is None:
        raise LostRaceError("the key was freed meanwhile")
    return row


def _same_input(row: Row[Any], input_hash: str) -> None:
    if row.input_hash != input_hash:
        raise IdempotencyConflictError
