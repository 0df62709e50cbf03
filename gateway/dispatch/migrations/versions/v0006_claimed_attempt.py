"""The attempt that the time of claiming is of, and that the vendor's status was read for.

A process of an older release, which goes on while the others are replaced, claims an item anew without writing either.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Adds it. Until now all that claimed wrote the time; only of what has no outcome yet it is asked."""
    op.add_column("items", sa.Column("claimed_attempt", sa.Integer))
    op.execute(
        "UPDATE items SET claimed_attempt = attempt WHERE claimed_at IS NOT NULL AND state IN ('SENDING', 'UNKNOWN')"
    )
