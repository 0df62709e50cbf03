"""Imports what processes that serve with these settings would each import for themselves.

Before they are forked: what is there already is shared by all, and takes memory once. Otherwise nobody needs this.
"""

# ruff: noqa: F401, PLC0415 - that something is imported, and only when it is needed, is all that is done here

from gateway.dispatch.database import database_url
from gateway.settings import Settings

__all__ = ["preload"]


def preload(settings: Settings) -> None:
    """Imports the event loop, the ledger's driver, and what `gateway.app` would import for what the settings ask."""
    import uvicorn.lifespan.on
    import uvloop

    database_url(settings.ledger.url.get_secret_value()).get_dialect().import_dbapi()
    if settings.redis.url is not None:
        import gateway.auth.rates_shared
        import gateway.documents.automatic_redis
        import gateway.upstream.cache_redis
        import gateway.upstream.limits_fleet
        import gateway.upstream.limits_shared
    if settings.auth.mode == "jwt":
        import gateway.auth.issuer_keys
        import gateway.auth.tokens
    if settings.tracing.otlp_endpoint is not None:
        import gateway.tracing
