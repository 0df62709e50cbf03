"""The ledger in SQL: SQLite or PostgreSQL, the same statements.

Two guards make a double send impossible whatever processes race: the unique index over held fingerprints, and
compare-and-set on (item, attempt, state) for every transition.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import replace
from sqlalchemy import Row, Update, and_, delete, exists, func, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.dispatch.database import Database
from gateway.dispatch.fingerprint import resend_of
from gateway.dispatch.ledger import (
    AlreadySentError,
    Begun,
    Claim,
    DispatchQuery,
    IdempotencyConflictError,
    Request,
    Settlement,
)
from gateway.dispatch.records import HELD, TRANSITIONS, Dispatch, DispatchItem, ItemState
from gateway.dispatch.rows import chunks, dispatch_of, dispatch_row, item_of, item_row, json_text, settled_values
from gateway.dispatch.tables import HELD_ITEMS, dispatches, executors, items, keys
from gateway.ids import Ref
from gateway.problems import Problem, ProblemCode

__all__ = ["SqlLedger"]

ROWS_AT_ONCE = 500
"""Rows in one statement: 15 columns each stay far below the 32,766 parameters that SQLite takes."""

_HELD = [state.value for state in HELD]
_PENDING = [ItemState.QUEUED.value, ItemState.SENDING.value]
_EXPIRED = Problem(
    code=ProblemCode.OUTCOME_UNKNOWN,
    message="Whoever was sending this did not live to hear the answer; it may have gone out.",
)


class SqlLedger:
    """The ledger in a database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        dialect: Any = sqlite if database.is_sqlite else postgresql
        self._insert: Callable[..., Any] = dialect.insert

    # ── asking ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def begin(self, request: Request) -> Begun:
        """Writes a dispatch with its items."""
        dispatch_id = uuid.uuid4().hex
        async with self._database.writing() as connection:
            if request.idempotency_key is not None and not await self._take_key(connection, request, dispatch_id):
                earlier = await self._replayed(connection, request)
                return Begun(dispatch=earlier, items=(), replayed=True)
            await connection.execute(dispatches.insert().values(dispatch_row(dispatch_id, request)))
            await self._insert_items(connection, dispatch_id, request)
            dispatch = await _one(connection, dispatches.c.id == dispatch_id)
            assert dispatch is not None  # noqa: S101 - just written
            claimed = await _items(connection, items.c.dispatch_id == dispatch_id) if request.claim else ()
            return Begun(dispatch=dispatch, items=claimed)

    async def replay(self, principal: str, mutation: str, key: str, input_hash: str) -> Dispatch | None:
        """The dispatch made before under this key, or None."""
        async with self._database.reading() as connection:
            row = await _key(connection, principal, mutation, key)
            if row is None:
                return None
            _same_input(row, input_hash)
            return await _one(connection, dispatches.c.id == row.dispatch_id)

    async def _take_key(self, connection: AsyncConnection, request: Request, dispatch_id: str) -> bool:
        values = {
            "principal": request.requested_by,
            "mutation": request.mutation,
            "key": request.idempotency_key,
            "input_hash": request.input_hash,
            "dispatch_id": dispatch_id,
            "created_at": request.at,
        }
        taken = await connection.execute(self._insert(keys).values(values).on_conflict_do_nothing())
        return taken.rowcount == 1

    async def _replayed(self, connection: AsyncConnection, request: Request) -> Dispatch:
        row = await _key(connection, request.requested_by, request.mutation, request.idempotency_key or "")
        assert row is not None  # noqa: S101 - it is what stood in the way
        _same_input(row, request.input_hash)
        earlier = await _one(connection, dispatches.c.id == row.dispatch_id)
        assert earlier is not None  # noqa: S101 - written with its key
        return earlier

    async def _insert_items(self, connection: AsyncConnection, dispatch_id: str, request: Request) -> None:
        for part in chunks(request.intents, ROWS_AT_ONCE):
            rows: dict[str, dict[str, Any]] = {}
            repeated: list[dict[str, Any]] = []
            for intent in part:
                own = resend_of(intent.fingerprint, dispatch_id) if request.resend else intent.fingerprint
                row = item_row(dispatch_id, intent, request, own)
                if rows.setdefault(own, row) is not row:
                    repeated.append(row)
            statement = self._insert(items).on_conflict_do_nothing(
                index_elements=[items.c.fingerprint], index_where=HELD_ITEMS
            )
            written = await connection.execute(statement.returning(items.c.fingerprint), list(rows.values()))
            new = set(written.scalars())
            held = [row for fingerprint, row in rows.items() if fingerprint not in new] + repeated
            if held:
                await self._skip(connection, held, request)

    async def _skip(self, connection: AsyncConnection, held: Sequence[dict[str, Any]], request: Request) -> None:
        skipped = []
        for row in held:
            earlier = await _items(connection, items.c.fingerprint == row["fingerprint"], items.c.state.in_(_HELD))
            if request.strict and earlier:
                raise AlreadySentError(earlier[0])
            problem = Problem(
                code=ProblemCode.ALREADY_SENT,
                message=f"Sent before, or about to be: {_what(earlier)}. `resend` sends it again.",
                backend=row["backend"],
            )
            settled = {"state": ItemState.SKIPPED.value, "attempt": 0, "owner": None, "lease_until": None}
            skipped.append(row | settled | {"problem": json_text(problem), "settled_at": request.at})
        await connection.execute(items.insert(), skipped)

    # ── sending ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def claim(self, dispatch_id: str, backend: str, *, first: int, claim: Claim) -> Sequence[DispatchItem]:
        """Claims the next QUEUED items of a dispatch at one backend."""
        following = (
            select(items.c.number)
            .where(
                items.c.dispatch_id == dispatch_id,
                items.c.backend == backend,
                items.c.state == ItemState.QUEUED.value,
            )
            .order_by(items.c.number)
            .limit(first)
            .with_for_update(skip_locked=True)
        )
        taking = (
            update(items)
            .where(items.c.number.in_(following), items.c.state == ItemState.QUEUED.value)
            .values(
                state=ItemState.SENDING.value,
                attempt=items.c.attempt + 1,
                owner=claim.owner,
                lease_until=claim.until,
            )
            .returning(items)
        )
        async with self._database.writing() as connection:
            rows = (await connection.execute(taking)).all()
        return sorted(map(item_of, rows), key=lambda item: item.number)

    async def settle(self, settlements: Sequence[Settlement], *, at: datetime) -> Sequence[bool]:
        """Settles attempts; False for one whose item has moved on. Those that say the same are one statement."""
        alike: dict[Settlement, list[Settlement]] = {}
        for settlement in settlements:
            alike.setdefault(replace(settlement, number=0, attempt=0), []).append(settlement)
        settled: set[int] = set()
        concerned: set[str] = set()
        async with self._database.writing() as connection:
            for said, those in alike.items():
                for number, dispatch_id in await connection.execute(_settling(said, those, at)):
                    settled.add(number)
                    concerned.add(dispatch_id)
            await connection.execute(_finishing(at).where(dispatches.c.id.in_(concerned)))
        return [settlement.number in settled for settlement in settlements]

    async def pause(self, dispatch_id: str, problem: Problem | None) -> None:
        """Notes why a dispatch does not go on now."""
        async with self._database.writing() as connection:
            await connection.execute(
                update(dispatches).where(dispatches.c.id == dispatch_id).values(paused=json_text(problem))
            )

    async def retry(self, dispatch_id: str) -> int:
        """FAILED items back to QUEUED."""
        other = items.alias()
        elsewhere = exists().where(other.c.fingerprint == items.c.fingerprint, other.c.state.in_(_HELD))
        async with self._database.writing() as connection:
            result = await connection.execute(
                update(items)
                .where(items.c.dispatch_id == dispatch_id, items.c.state == ItemState.FAILED.value, ~elsewhere)
                .values(state=ItemState.QUEUED.value, problem=None, settled_at=None)
            )
            if result.rowcount:
                await connection.execute(
                    update(dispatches).where(dispatches.c.id == dispatch_id).values(finished_at=None)
                )
        return result.rowcount

    async def cancel(self, dispatch_id: str, *, at: datetime) -> int:
        """QUEUED items to CANCELLED."""
        async with self._database.writing() as connection:
            result = await connection.execute(
                update(items)
                .where(items.c.dispatch_id == dispatch_id, items.c.state == ItemState.QUEUED.value)
                .values(state=ItemState.CANCELLED.value, settled_at=at)
            )
            await connection.execute(_finishing(at).where(dispatches.c.id == dispatch_id))
        return result.rowcount

    async def expire(self, *, now: datetime) -> int:
        """Items still SENDING after their lease to UNKNOWN."""
        late = and_(items.c.state == ItemState.SENDING.value, items.c.lease_until < now)
        async with self._database.writing() as connection:
            rows = (
                await connection.execute(
                    update(items)
                    .where(late)
                    .values(
                        state=ItemState.UNKNOWN.value,
                        problem=json_text(_EXPIRED),
                        owner=None,
                        lease_until=None,
                        settled_at=now,
                    )
                    .returning(items.c.dispatch_id)
                )
            ).scalars()
            concerned = list(rows)
            await connection.execute(_finishing(now).where(dispatches.c.id.in_(set(concerned))))
        return len(concerned)

    # ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def get(self, dispatch_id: str, visible: frozenset[str] | None) -> Dispatch | None:
        """One dispatch as it stands, when all its backends are visible."""
        async with self._database.reading() as connection:
            dispatch = await _one(connection, dispatches.c.id == dispatch_id)
        if dispatch is None or (visible is not None and not dispatch.backends <= visible):
            return None
        return dispatch

    async def find(self, query: DispatchQuery) -> Sequence[Dispatch]:
        """Dispatches, newest first."""
        found: list[Dispatch] = []
        before = query.before
        async with self._database.reading() as connection:
            while len(found) < query.first:
                part = await _dispatches(connection, _conditions(query, before), ROWS_AT_ONCE)
                found += [dispatch for dispatch in part if _matches(dispatch, query)]
                if len(part) < ROWS_AT_ONCE:
                    break
                before = part[-1].number
        return found[: query.first]

    async def held(self, fingerprints: Sequence[str]) -> Mapping[str, DispatchItem]:
        """The items that hold these fingerprints, by fingerprint."""
        found: list[DispatchItem] = []
        async with self._database.reading() as connection:
            for part in chunks(fingerprints, ROWS_AT_ONCE):
                found += await _items(connection, items.c.fingerprint.in_(part), items.c.state.in_(_HELD))
        return {item.fingerprint: item for item in found}

    async def queued(self) -> Sequence[str]:
        """The ids of dispatches that have QUEUED items."""
        statement = select(items.c.dispatch_id).where(items.c.state == ItemState.QUEUED.value).distinct()
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
            return await _items(connection, *conditions, first=first)

    async def items_for(self, target: Ref, *, before: int | None = None, first: int = 25) -> Sequence[DispatchItem]:
        """The items about one record, newest first."""
        conditions = [
            items.c.backend == target.backend,
            items.c.type == target.type,
            items.c.native_id == target.native_id,
        ]
        if before is not None:
            conditions.append(items.c.number < before)
        statement = select(items).where(*conditions).order_by(items.c.number.desc()).limit(first)
        async with self._database.reading() as connection:
            return [item_of(row) for row in await connection.execute(statement)]

    # ── keys and processes ───────────────────────────────────────────────────────────────────────────────────────────

    async def begin_write(
        self, principal: str, mutation: str, key: str, input_hash: str, *, at: datetime
    ) -> tuple[bool, bytes | None]:
        """Takes an idempotency key for a write that is no send."""
        values = {"principal": principal, "mutation": mutation, "key": key, "input_hash": input_hash, "created_at": at}
        async with self._database.writing() as connection:
            taken = await connection.execute(self._insert(keys).values(values).on_conflict_do_nothing())
            if taken.rowcount == 1:
                return True, None
            row = await _key(connection, principal, mutation, key)
            assert row is not None  # noqa: S101 - it is what stood in the way
            _same_input(row, input_hash)
            return False, row.answer

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

    async def take_dead(self, *, before: datetime) -> Sequence[str]:
        """The processes that have not said so since."""
        statement = delete(executors).where(executors.c.seen_at < before).returning(executors.c.id)
        async with self._database.writing() as connection:
            return list((await connection.execute(statement)).scalars())


def _settling(said: Settlement, those: Sequence[Settlement], at: datetime) -> Any:
    """Compare and set: only the very attempts, and only out of a state that leads here."""
    sources = [state.value for state, targets in TRANSITIONS.items() if said.state in targets]
    if said.state is ItemState.QUEUED:
        sources = [ItemState.SENDING.value]  # FAILED goes back by `retry` alone
    attempts = [(settlement.number, settlement.attempt) for settlement in those]
    return (
        update(items)
        .where(tuple_(items.c.number, items.c.attempt).in_(attempts), items.c.state.in_(sources))
        .values(settled_values(said, at))
        .returning(items.c.number, items.c.dispatch_id)
    )


def _finishing(at: datetime) -> Update:
    pending = exists().where(items.c.dispatch_id == dispatches.c.id, items.c.state.in_(_PENDING))
    return update(dispatches).where(dispatches.c.finished_at.is_(None), ~pending).values(finished_at=at, paused=None)


async def _key(connection: AsyncConnection, principal: str, mutation: str, key: str) -> Row[Any] | None:
    statement = select(keys).where(keys.c.principal == principal, keys.c.mutation == mutation, keys.c.key == key)
    return (await connection.execute(statement)).one_or_none()


def _same_input(row: Row[Any], input_hash: str) -> None:
    if row.input_hash != input_hash:
        raise IdempotencyConflictError


def _what(earlier: Sequence[DispatchItem]) -> str:
    if not earlier:
        return "it is in this request twice"
    item = earlier[0]
    return f"{item.state.value.lower()} since {item.requested_at.isoformat(timespec='seconds')}"


async def _items(connection: AsyncConnection, *conditions: Any, first: int | None = None) -> list[DispatchItem]:
    statement = select(items).where(*conditions).order_by(items.c.number).limit(first)
    return [item_of(row) for row in await connection.execute(statement)]


async def _one(connection: AsyncConnection, condition: Any) -> Dispatch | None:
    found = await _dispatches(connection, [condition], 1)
    return found[0] if found else None


async def _dispatches(connection: AsyncConnection, conditions: Sequence[Any], first: int) -> list[Dispatch]:
    statement = select(dispatches).where(*conditions).order_by(dispatches.c.number.desc()).limit(first)
    rows = (await connection.execute(statement)).all()
    counts: dict[str, dict[str, int]] = {row.id: {} for row in rows}
    counting = (
        select(items.c.dispatch_id, items.c.state, func.count())
        .where(items.c.dispatch_id.in_(list(counts)))
        .group_by(items.c.dispatch_id, items.c.state)
    )
    for dispatch_id, state, count in await connection.execute(counting):
        counts[dispatch_id][state] = count
    return [dispatch_of(row, counts[row.id]) for row in rows]


def _conditions(query: DispatchQuery, before: int | None) -> list[Any]:
    conditions: list[Any] = []
    if before is not None:
        conditions.append(dispatches.c.number < before)
    if query.actions is not None:
        conditions.append(dispatches.c.action.in_([action.value for action in query.actions]))
    if query.since is not None:
        conditions.append(dispatches.c.requested_at >= query.since)
    if query.until is not None:
        conditions.append(dispatches.c.requested_at < query.until)
    if query.requested_by is not None:
        conditions.append(dispatches.c.requested_by == query.requested_by)
    if query.customer is not None:
        about = query.customer
        conditions.append(
            exists().where(
                items.c.dispatch_id == dispatches.c.id,
                items.c.backend == about.backend,
                items.c.type == about.type,
                items.c.native_id == about.native_id,
            )
        )
    return conditions


def _matches(dispatch: Dispatch, query: DispatchQuery) -> bool:
    return (
        (query.visible is None or dispatch.backends <= query.visible)
        and (query.backends is None or bool(dispatch.backends & query.backends))
        and (query.states is None or dispatch.state in query.states)
    )
