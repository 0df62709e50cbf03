"""The ledger's tables, the same in SQLite and PostgreSQL."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)

__all__ = [
    "HELD_ITEMS",
    "QUEUED_ITEMS",
    "SENDING_ITEMS",
    "Moment",
    "api_keys",
    "dispatches",
    "executors",
    "items",
    "keys",
    "metadata_for",
]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_Number = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows by INTEGER keys alone


class Moment(TypeDecorator[datetime]):
    """A time, kept as whole microseconds since 1970 UTC: it orders and compares alike everywhere."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        """To microseconds."""
        return None if value is None else (value - _EPOCH) // timedelta(microseconds=1)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """From microseconds."""
        return None if value is None else _EPOCH + timedelta(microseconds=int(value))


_metadata = MetaData()

dispatches = Table(
    "dispatches",
    _metadata,
    Column("number", _Number, primary_key=True, autoincrement=True),
    Column("id", String(32), nullable=False, unique=True),
    Column("action", String(20), nullable=False),
    Column("backends", Text, nullable=False, doc="JSON: the keys of its items' backends."),
    Column("requested_by", Text, nullable=False, index=True),
    Column("requested_at", Moment, nullable=False, index=True),
    Column("idempotency_key", Text),
    Column("asked", Text, nullable=False, doc="JSON: the input as it was given."),
    Column("resend", Boolean, nullable=False),
    Column("paused", Text, doc="JSON: the problem that keeps it from going on."),
    Column("cancelled_at", Moment, doc="Since then nothing of it is sent that was not being sent."),
    Column("finished_at", Moment, doc="Since then none of its items is QUEUED or SENDING."),
    sqlite_autoincrement=True,
)

items = Table(
    "items",
    _metadata,
    Column("number", _Number, primary_key=True, autoincrement=True),
    Column("dispatch_id", ForeignKey("dispatches.id"), nullable=False),
    Column("backend", Text, nullable=False),
    Column("type", String(40), nullable=False),
    Column("native_id", Text, nullable=False),
    Column("stable_id", Text, nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("resent_in", String(32), nullable=False, doc="Its dispatch, where it may go out again; else empty."),
    Column("recipients", Text, doc="JSON; null where the vendor chooses."),
    Column("request_hash", String(64), doc="SHA-256 of the prepared request."),
    Column("state", String(10), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("owner", Text, doc="The process that is sending it."),
    Column("lease_until", Moment, doc="After this, an item that is still SENDING is UNKNOWN."),
    Column("vendor_message", Text),
    Column("vendor_code", Text),
    Column("problem", Text, doc="JSON."),
    Column("evidence", Text),
    Column("requested_at", Moment, nullable=False),
    Column("settled_at", Moment),
    Column("claimed_at", Moment, doc="When the last attempt began: not before that was anything sent."),
    Column("unsent_at", Moment, doc="When the vendor's status was read for this attempt, and did not say it was sent."),
    Column("claimed_attempt", Integer, doc="The attempt that both are of: an older release leaves them."),
    Index("items_of_dispatch", "dispatch_id", "number", "state"),
    Index("items_of_target", "backend", "type", "native_id", "number"),
    sqlite_autoincrement=True,
)

# The conditions of partial indexes. SQLite uses such an index only where a query repeats the condition's very words,
# and prefers it to a dispatch's whole index only where the column is in it too.
HELD_ITEMS = text("state IN ('QUEUED', 'SENDING', 'ACCEPTED', 'UNKNOWN')")
"""The items that hold their fingerprint (`gateway.dispatch.records.HELD`), as the index that enforces it says it."""
QUEUED_ITEMS = text("state = 'QUEUED'")
SENDING_ITEMS = text("state = 'SENDING'")

_PARTIAL = {
    Index("items_sent_once", items.c.fingerprint, items.c.resent_in, unique=True): HELD_ITEMS,
    Index("items_to_send", items.c.state, items.c.dispatch_id, items.c.backend, items.c.number): QUEUED_ITEMS,
    Index("items_being_sent", items.c.state, items.c.dispatch_id, items.c.lease_until): SENDING_ITEMS,
}

keys = Table(
    "idempotency_keys",
    _metadata,
    Column("number", _Number, primary_key=True, autoincrement=True),
    Column("principal", Text, nullable=False),
    Column("mutation", String(40), nullable=False),
    Column("key", Text, nullable=False),
    Column("input_hash", String(64), nullable=False),
    Column("dispatch_id", String(32), doc="For a send."),
    Column("answer", LargeBinary, doc="For another write: its outcome, once it is known."),
    Column("created_at", Moment, nullable=False, index=True),
    Column("lease_until", Moment, doc="For another write: after this, one without an answer is lost."),
    UniqueConstraint("principal", "mutation", "key", name="idempotency_keys_once"),
    sqlite_autoincrement=True,
)

api_keys = Table(
    "api_keys",
    _metadata,
    Column("id", String(12), primary_key=True),
    Column("name", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False, doc="SHA-256 of the secret."),
    Column("scopes", Text, nullable=False, doc="JSON."),
    Column("backends", Text, doc="JSON; null for all."),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment),
    Column("revoked_at", Moment),
)

executors = Table(
    "executors",
    _metadata,
    Column("id", String(64), primary_key=True),
    Column("seen_at", Moment, nullable=False),
)


def metadata_for(dialect: str) -> MetaData:
    """All tables, and their partial indexes as this database would have them said.

    Not with the indexes themselves: for an option of PostgreSQL's SQLAlchemy loads all that it knows of PostgreSQL,
    which is 2 MiB that a ledger in SQLite has no use for.
    """
    for index, condition in _PARTIAL.items():
        index.dialect_kwargs[f"{dialect}_where"] = condition
    return _metadata
