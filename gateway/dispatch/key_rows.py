"""Idempotency keys in the database: each belongs to a principal and a mutation, and stands for one input."""

from datetime import datetime
from typing import Any

from msgspec import structs
from sqlalchemy import Connection, Row, and_, delete, select, update

from gateway.dispatch.database import LostRaceError, insert_for
from gateway.dispatch.finding import dispatch_of_id
from gateway.dispatch.ledger import IdempotencyConflictError, Request, TakenKey, WriteKey
from gateway.dispatch.records import Dispatch
from gateway.dispatch.tables import keys

__all__ = ["begin_write", "end_write", "forget_keys", "replayed", "sent_under", "take_key"]


def take_key(connection: Connection, request: Request, dispatch_id: str) -> bool:
    """Takes the request's key for a dispatch; False when it was taken before."""
    return _inserted(
        connection,
        {
            "principal": request.requested_by,
            "mutation": request.mutation,
            "key": request.idempotency_key,
            "input_hash": request.input_hash,
            "dispatch_id": dispatch_id,
            "created_at": request.at,
        },
    )


def replayed(connection: Connection, request: Request) -> Dispatch:
    """The dispatch that took the request's key before. Raises `IdempotencyConflictError`."""
    row = _in_the_way(connection, request.requested_by, request.mutation, request.idempotency_key or "")
    _same_input(row, request.input_hash)
    earlier = dispatch_of_id(connection, row.dispatch_id)
    assert earlier is not None  # noqa: S101 - written with its key
    return earlier


def sent_under(connection: Connection, principal: str, mutation: str, key: str, input_hash: str) -> Dispatch | None:
    """The dispatch made before under a key, or None. Raises `IdempotencyConflictError`."""
    row = _found(connection, principal, mutation, key)
    if row is None:
        return None
    _same_input(row, input_hash)
    return dispatch_of_id(connection, row.dispatch_id)


def begin_write(connection: Connection, key: WriteKey, at: datetime, until: datetime) -> TakenKey:
    """Takes a key for a write that is no send. Raises `IdempotencyConflictError`."""
    if _inserted(connection, structs.asdict(key) | {"created_at": at, "lease_until": until}):
        return TakenKey(ours=True)
    row = _in_the_way(connection, key.principal, key.mutation, key.key)
    _same_input(row, key.input_hash)
    return TakenKey(ours=False, answer=row.answer, until=row.lease_until)


def end_write(connection: Connection, key: WriteKey, answer: bytes | None) -> None:
    """Keeps a write's answer under its key; None frees the key."""
    mine = and_(keys.c.principal == key.principal, keys.c.mutation == key.mutation, keys.c.key == key.key)
    if answer is None:
        connection.execute(delete(keys).where(mine))
    else:
        connection.execute(update(keys).where(mine).values(answer=answer))


def forget_keys(connection: Connection, before: datetime) -> int:
    """Drops keys taken before; how many."""
    return connection.execute(delete(keys).where(keys.c.created_at < before)).rowcount


def _inserted(connection: Connection, values: dict[str, Any]) -> bool:
    taking = insert_for(connection.dialect.name, keys).values(values).on_conflict_do_nothing().returning(keys.c.number)
    return connection.execute(taking).first() is not None


def _found(connection: Connection, principal: str, mutation: str, key: str) -> Row[Any] | None:
    statement = select(keys).where(keys.c.principal == principal, keys.c.mutation == mutation, keys.c.key == key)
    return connection.execute(statement).one_or_none()


def _in_the_way(connection: Connection, principal: str, mutation: str, key: str) -> Row[Any]:
    row = _found(connection, principal, mutation, key)
    if row is None:
        raise LostRaceError("the key was freed meanwhile")
    return row


def _same_input(row: Row[Any], input_hash: str) -> None:
    if row.input_hash != input_hash:
        raise IdempotencyConflictError
