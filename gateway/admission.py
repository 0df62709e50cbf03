"""The composition root's door: from the settings to what knows who asks, and counts how much."""

import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import datetime

from gateway.auth.claims import Claims
from gateway.auth.key_table import KeyTable
from gateway.auth.known_keys import KnownKeys
from gateway.auth.rates import LocalRates, Rates
from gateway.dispatch.database import Database
from gateway.server.authenticating import Authenticator, BearerAuthenticator, LocalAuthenticator, Verifier
from gateway.settings import Settings
from gateway.upstream.engine import EngineTransport, prepare_for

__all__ = ["authenticating"]


@contextlib.asynccontextmanager
async def authenticating(settings: Settings, clock: Callable[[], datetime]) -> AsyncIterator[Authenticator]:
    """What knows who asks, by these settings. The ledger's database is up to date already."""
    async with contextlib.AsyncExitStack() as stack:
        rates = await stack.enter_async_context(_rates(settings))
        if settings.auth.mode == "none":
            yield LocalAuthenticator(rates)
            return
        verifying = _known_keys if settings.auth.mode == "api_key" else _tokens
        verifier = await stack.enter_async_context(verifying(settings, clock))
        yield BearerAuthenticator(verifier, LocalRates(settings.auth.failures_per_minute), rates)


@contextlib.asynccontextmanager
async def _known_keys(settings: Settings, clock: Callable[[], datetime]) -> AsyncIterator[Verifier]:
    async with contextlib.AsyncExitStack() as stack:
        database = Database(settings.ledger.url.get_secret_value(), read_only=True)
        stack.push_async_callback(database.close)
        keys = KnownKeys(KeyTable(database), clock)
        stack.push_async_callback(keys.aclose)
        yield keys


@contextlib.asynccontextmanager
async def _tokens(settings: Settings, clock: Callable[[], datetime]) -> AsyncIterator[Verifier]:
    from gateway.auth.issuer_keys import IssuerKeys  # noqa: PLC0415 - cryptography is 10 MiB, and only tokens need it
    from gateway.auth.tokens import TokenRules, Tokens  # noqa: PLC0415

    jwt = settings.jwt
    assert jwt.issuer is not None  # noqa: S101 - the settings were checked
    assert jwt.audience is not None  # noqa: S101
    assert jwt.jwks_url is not None  # noqa: S101
    rules = TokenRules(issuer=jwt.issuer, audience=jwt.audience, algorithms=tuple(jwt.algorithms))
    claims = Claims(
        scopes=jwt.scopes_claim,
        prefix=jwt.scopes_prefix,
        backends=jwt.backends_claim,
        all_backends=jwt.all_backends,
    )
    prepare_for(jwt.jwks_url)
    tokens = Tokens(rules, IssuerKeys(jwt.jwks_url, EngineTransport()), claims, clock)
    try:
        yield tokens
    finally:
        await tokens.aclose()


@contextlib.asynccontextmanager
async def _rates(settings: Settings) -> AsyncIterator[Rates | None]:
    """What counts each principal's operations: with other processes through Redis, or for this one alone."""
    per_minute, url = settings.auth.requests_per_minute, settings.redis.url
    if per_minute is None:
        yield None
    elif url is None:
        yield LocalRates(per_minute / settings.processes)
    else:
        from gateway.auth.rates_shared import SharedRates  # noqa: PLC0415 - redis is 7 MiB, and most have none
        from gateway.upstream.redis_client import let_go, redis_client  # noqa: PLC0415

        async with let_go(redis_client(url.get_secret_value())) as client:
            yield SharedRates(per_minute, settings.processes, client)
