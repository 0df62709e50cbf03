"""The ledger's first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_moment = sa.BigInteger
_held = sa.text("state IN ('QUEUED', 'SENDING', 'ACCEPTED', 'UNKNOWN')")
_queued = sa.text("state = 'QUEUED'")
_sending = sa.text("state = 'SENDING'")


def upgrade() -> None:
    """Creates the tables."""
    _dispatches()
    _items()
    _keys()
    op.create_table(
        "executors",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("seen_at", _moment, nullable=False),
    )


def _dispatches() -> None:
    op.create_table(
        "dispatches",
        sa.Column("number", _number, primary_key=True, autoincrement=True),
        sa.Column("id", sa.String(32), nullable=False, unique=True),
        sa.Column("action", sa.String(20), nullable=False),
        sa.Column("backends", sa.Text, nullable=False),
        sa.Column("requested_by", sa.Text, nullable=False),
        sa.Column("requested_at", _moment, nullable=False),
        sa.Column("idempotency_key", sa.Text),
        sa.Column("asked", sa.Text, nullable=False),
        sa.Column("resend", sa.Boolean, nullable=False),
        sa.Column("paused", sa.Text),
        sa.Column("cancelled_at", _moment),
        sa.Column("finished_at", _moment),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_dispatches_requested_by", "dispatches", ["requested_by"])
    op.create_index("ix_dispatches_requested_at", "dispatches", ["requested_at"])


def _items() -> None:
    op.create_table(
        "items",
        sa.Column("number", _number, primary_key=True, autoincrement=True),
        sa.Column("dispatch_id", sa.String(32), sa.ForeignKey("dispatches.id"), nullable=False),
        sa.Column("backend", sa.Text, nullable=False),
        sa.Column("type", sa.String(40), nullable=False),
        sa.Column("native_id", sa.Text, nullable=False),
        sa.Column("stable_id", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("resent_in", sa.String(32), nullable=False),
        sa.Column("recipients", sa.Text),
        sa.Column("request_hash", sa.String(64)),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("owner", sa.Text),
        sa.Column("lease_until", _moment),
        sa.Column("vendor_message", sa.Text),
        sa.Column("vendor_code", sa.Text),
        sa.Column("problem", sa.Text),
        sa.Column("evidence", sa.Text),
        sa.Column("requested_at", _moment, nullable=False),
        sa.Column("settled_at", _moment),
        sqlite_autoincrement=True,
    )
    op.create_index("items_of_dispatch", "items", ["dispatch_id", "number", "state"])
    op.create_index("items_of_target", "items", ["backend", "type", "native_id", "number"])
    op.create_index(
        "items_sent_once",
        "items",
        ["fingerprint", "resent_in"],
        unique=True,
        sqlite_where=_held,
        postgresql_where=_held,
    )
    op.create_index(
        "items_to_send",
        "items",
        ["state", "dispatch_id", "backend", "number"],
        sqlite_where=_queued,
        postgresql_where=_queued,
    )
    op.create_index(
        "items_being_sent",
        "items",
        ["state", "dispatch_id", "lease_until"],
        sqlite_where=_sending,
        postgresql_where=_sending,
    )


def _keys() -> None:
    op.create_table(
        "idempotency_keys",
        sa.Column("number", _number, primary_key=True, autoincrement=True),
        sa.Column("principal", sa.Text, nullable=False),
        sa.Column("mutation", sa.String(40), nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("input_hash", sa.String(64), nullable=False),
        sa.Column("dispatch_id", sa.String(32)),
        sa.Column("answer", sa.LargeBinary),
        sa.Column("created_at", _moment, nullable=False),
        sa.UniqueConstraint("principal", "mutation", "key", name="idempotency_keys_once"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"])
