"""When the vendor's own status did not say yet that an item was sent."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Adds the time; of what was sent before this, nobody wrote it down."""
    op.add_column("items", sa.Column("unsent_at", sa.BigInteger))
