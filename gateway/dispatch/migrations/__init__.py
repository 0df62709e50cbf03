"""The versions of the ledger's schema, for alembic; `gateway.dispatch.migrating` applies them."""
