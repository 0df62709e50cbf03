"""What alembic runs: the migrations, on the connection and in the transaction that it is given."""

from alembic import context

context.configure(**context.config.attributes["context"])
with context.begin_transaction():  # one is open, so this opens none: commit and rollback are the caller's
    context.run_migrations()
