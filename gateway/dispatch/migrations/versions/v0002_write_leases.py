"""How long a write under an idempotency key may be waited for."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Adds the lease; a key without one was not taken for a write."""
    op.add_column("idempotency_keys", sa.Column("lease_until", sa.BigInteger))
