"""The composition root's outbound half: settings, vendors and policies meet here, and only here."""

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import httpx

from adapters.contract import Connection
from adapters.signing import SigningTransport
from adapters.wire import connect_seconds
from gateway.backends import Backend, Backends, capabilities_of
from gateway.metrics import Metrics
from gateway.settings import BackendSettings, Settings
from gateway.upstream.accounts import account_of
from gateway.upstream.breaker import BreakerTransport
from gateway.upstream.cache import CacheTransport
from gateway.upstream.cache_memory import MemoryStore
from gateway.upstream.cache_store import Store
from gateway.upstream.call_log import CallLogTransport
from gateway.upstream.coalesce import CoalesceTransport
from gateway.upstream.deadline import DeadlineTransport, SignInDeadlineTransport
from gateway.upstream.engine import EngineTransport, prepare_for
from gateway.upstream.health import Health, HealthTransport
from gateway.upstream.limits import Limiter, LimitsTransport
from gateway.upstream.limits_turns import Bounds
from gateway.upstream.plain_reads import PlainReads
from gateway.upstream.retry import RetryTransport
from gateway.upstream.shared_reads import SharedReads
from gateway.upstream.whole_answers import WholeAnswersTransport

if TYPE_CHECKING:
    from gateway.tracing import Tracing

__all__ = ["Clock", "connected_backends", "utc_now"]

Clock = Callable[[], datetime]
MIB = 1024 * 1024


def utc_now() -> datetime:
    """The time now, in UTC."""
    return datetime.now(UTC)


@contextlib.asynccontextmanager
async def connected_backends(
    settings: Settings, clock: Clock = utc_now, metrics: Metrics | None = None, tracing: "Tracing | None" = None
) -> AsyncIterator[Backends]:
    """The configured backends; nothing is called yet. Connections are closed at the end."""
    metrics = metrics or Metrics()
    async with contextlib.AsyncExitStack() as stack:
        shared: dict[str, list[str]] = {}
        for configured in settings.backends:
            if configured.shares_codes is not None:
                shared.setdefault(configured.shares_codes, []).append(configured.key)
        backends = []
        limiter_of = await stack.enter_async_context(_limiters(settings, clock))
        store = await stack.enter_async_context(_store(settings))
        for configured in settings.backends:
            sharing = [key for key in shared.get(configured.shares_codes or "", ()) if key != configured.key]
            health, limiter = Health(clock), limiter_of(configured)
            prepare_for(configured.base_url)
            engine = EngineTransport()
            coalescing = outbound(engine, configured, health, limiter, clock)
            told = CallLogTransport(_cached(coalescing, configured, store), metrics, tracing)
            deadline = DeadlineTransport(told, configured.timeout)
            plain = tracing is None and not configured.cache_seconds  # what is between them, for every read
            way_out = SharedReads(deadline, told, coalescing) if plain else deadline
            transport = await stack.enter_async_context(way_out)
            backend = connect(configured, transport, health, limiter, sharing, clock)
            backends.append(replace(backend, ahead=_reaching(engine, configured, health)))
        yield Backends(backends)


@contextlib.asynccontextmanager
async def _limiters(settings: Settings, clock: Clock) -> AsyncIterator[Callable[[BackendSettings], Limiter]]:
    """What makes a backend's limiter: kept with other processes through Redis, or for this one alone."""
    url, processes = settings.redis.url, settings.processes
    if url is None:
        yield lambda configured: Limiter(Bounds.of(configured.limits).share(processes, least_writes=1), clock=clock)
        return
    from gateway.upstream.limits_fleet import Fleet  # noqa: PLC0415 - redis is 7 MiB, and most have none
    from gateway.upstream.limits_shared import SharedLimiter, name_of  # noqa: PLC0415

    pepper = b"" if settings.files.key is None else settings.files.key.get_secret_value().encode()
    async with Fleet(url.get_secret_value(), processes, clock=clock) as fleet:

        def shared(configured: BackendSettings) -> Limiter:
            key, base_url = configured.key, configured.base_url
            account = account_of("limits", key, base_url, configured.credentials, pepper=pepper)
            return SharedLimiter(Bounds.of(configured.limits), fleet, name_of(key, account))

        yield shared


@contextlib.asynccontextmanager
async def _store(settings: Settings) -> AsyncIterator[Store]:
    """Where answers are kept: with other processes in Redis, or in this one alone."""
    url = settings.redis.url
    if url is None:
        yield MemoryStore(settings.cache.memory_mib * MIB)
        return
    from gateway.upstream.cache_redis import RedisStore, answers_client  # noqa: PLC0415 - as above
    from gateway.upstream.redis_client import let_go  # noqa: PLC0415

    async with let_go(answers_client(url.get_secret_value())) as client:
        yield RedisStore(client)


def outbound(
    engine: EngineTransport, configured: BackendSettings, health: Health, limiter: Limiter, clock: Clock
) -> CoalesceTransport:
    """One backend's way out, as it is written here from the inside out. Closing the outermost closes all.

    (deadline → log → cache →) coalesce → retry → breaker → limits → whole answers → health → credential → engine
    """
    vendor = configured.vendor
    credential = vendor.authenticate(
        SignInDeadlineTransport(engine, configured.timeout),
        key=configured.key,
        base_url=configured.base_url,
        credentials=configured.credentials,
        settings=configured.settings,
        clock=clock,
    )
    answers = WholeAnswersTransport(HealthTransport(credential, health))
    breaker = BreakerTransport(LimitsTransport(answers, limiter), health, is_outage=vendor.is_outage)
    retry = RetryTransport(breaker, is_outage=vendor.is_outage, patience=vendor.retry_after)
    plain: PlainReads | None = None
    if isinstance(credential, SigningTransport):
        plain = PlainReads(
            retry=retry, breakers=breaker, limiter=limiter, health=health, credential=credential, engine=engine
        )
    return CoalesceTransport(retry, plain)


def _reaching(
    engine: EngineTransport, configured: BackendSettings, health: Health
) -> Callable[[], contextlib.AbstractContextManager[Callable[[], None] | None]]:
    """What reaches a vendor ahead of a write; one that is left alone, not even by a connection."""
    url, seconds = httpx.URL(configured.base_url), connect_seconds(configured.timeout)
    return lambda: contextlib.nullcontext() if health.rests("sending") else engine.ahead(url, seconds)


def _cached(inner: httpx.AsyncBaseTransport, configured: BackendSettings, store: Store) -> httpx.AsyncBaseTransport:
    """The same way, with answers kept where the backend's settings say for how long."""
    if not configured.cache_seconds:
        return inner
    vendor = configured.vendor
    return CacheTransport(
        inner,
        store,
        account=account_of("answers", configured.key, configured.base_url, configured.credentials, configured.settings),
        seconds=configured.cache_seconds,
        is_sound=lambda status, body: vendor.is_sound(body) and not vendor.is_outage(status, body),
    )


def connect(
    configured: BackendSettings,
    transport: httpx.AsyncBaseTransport,
    health: Health,
    limiter: Limiter,
    shares_codes_with: Sequence[str],
    clock: Clock,
) -> Backend:
    """One backend over its way out."""
    vendor = configured.vendor
    adapter = vendor.connect(
        Connection(
            key=configured.key,
            base_url=configured.base_url,
            transport=transport,
            settings=configured.settings,
            limits=configured.limits,
            timeout=configured.timeout,
            clock=clock,
        )
    )
    return Backend(
        key=configured.key,
        vendor=vendor,
        adapter=adapter,
        capabilities=capabilities_of(adapter),
        base_url=configured.base_url,
        limits=configured.limits,
        timeout=configured.timeout,
        health=health,
        limiter=limiter,
        shares_codes_with=tuple(shares_codes_with),
    )
