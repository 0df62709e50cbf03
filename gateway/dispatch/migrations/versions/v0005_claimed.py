"""When the last attempt at an item began."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Adds the time; of what was claimed before this, nobody wrote it down."""
    op.add_column("items", sa.Column("claimed_at", sa.BigInteger))
