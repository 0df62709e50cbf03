"""The composition root: settings, vendors, policies, schema and server meet here, and only here."""

import contextlib
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import BaseRoute, Route, WebSocketRoute

from adapters.contract import Connection
from gateway.backends import Backend, Backends, capabilities_of
from gateway.context import LOCAL, Principal, RequestContext
from gateway.dispatch.engine import DbosEngine, EngineFactory
from gateway.dispatch.running import sending_over
from gateway.dispatch.sending import Sending
from gateway.files import FileLinks
from gateway.schema.build import build_schema, schema_needs
from gateway.server.examples import EXAMPLES
from gateway.server.explorer import explorer_routes
from gateway.server.files import file_route
from gateway.server.graphql_view import GraphQLView
from gateway.server.health import health_routes
from gateway.settings import BackendSettings, Settings
from gateway.upstream.cache import CacheTransport
from gateway.upstream.cache_memory import MemoryStore
from gateway.upstream.cache_store import Store
from gateway.upstream.coalesce import CoalesceTransport
from gateway.upstream.engine import EngineTransport
from gateway.upstream.health import Health, HealthTransport
from gateway.upstream.permits import Permits, PermitsTransport
from gateway.upstream.questions import account_of

__all__ = ["Gateway", "build_app", "connected_backends", "running_gateway"]

Clock = Callable[[], datetime]
GRAPHQL_PATH = "/graphql"
MIB = 1024 * 1024


def utc_now() -> datetime:
    """The time now, in UTC."""
    return datetime.now(UTC)


class Gateway:
    """A gateway over connected backends, without its HTTP surface: what makes a context for each operation."""

    def __init__(self, settings: Settings, backends: Backends, sending: Sending, clock: Clock = utc_now) -> None:
        self.settings = settings
        self.backends = backends
        self.schema = build_schema()
        self.sending = sending
        key = settings.files.key
        self.file_links = FileLinks(
            key=secrets.token_bytes(32) if key is None else key.get_secret_value().encode(),
            base_url=settings.server.url,
            lifetime=timedelta(seconds=settings.files.lifetime_seconds),
            clock=clock,
        )
        self._clock = clock
        self._needs = schema_needs()

    def context(self, principal: Principal = LOCAL) -> RequestContext:
        """The context of one operation."""
        return RequestContext(
            principal=principal,
            backends=self.backends.visible(principal.backends),
            limits=self.settings.lists,
            sending=self.sending,
            file_links=self.file_links,
            needs=self._needs,
            clock=self._clock,
        )


@contextlib.asynccontextmanager
async def connected_backends(settings: Settings, clock: Clock = utc_now) -> AsyncIterator[Backends]:
    """The configured backends; nothing is called yet. Connections are closed at the end."""
    async with contextlib.AsyncExitStack() as stack:
        shared: dict[str, list[str]] = {}
        for configured in settings.backends:
            if configured.shares_codes is not None:
                shared.setdefault(configured.shares_codes, []).append(configured.key)
        store = MemoryStore(settings.cache.memory_mib * MIB)
        backends = []
        for configured in settings.backends:
            sharing = [key for key in shared.get(configured.shares_codes or "", ()) if key != configured.key]
            health, permits = Health(clock), Permits(configured.limits.concurrency)
            transport = await stack.enter_async_context(outbound(configured, health, permits, store, clock))
            backends.append(connect(configured, transport, health, permits, sharing, clock))
        yield Backends(backends)


def outbound(
    configured: BackendSettings, health: Health, permits: Permits, store: Store, clock: Clock
) -> httpx.AsyncBaseTransport:
    """One backend's way out: cache → coalesce → permits → health → credential → engine.

    Closing the outermost closes all.
    """
    credential = configured.vendor.authenticate(
        EngineTransport(),
        key=configured.key,
        base_url=configured.base_url,
        credentials=configured.credentials,
        settings=configured.settings,
        clock=clock,
    )
    return cached(CoalesceTransport(PermitsTransport(HealthTransport(credential, health), permits)), configured, store)


def cached(inner: httpx.AsyncBaseTransport, configured: BackendSettings, store: Store) -> httpx.AsyncBaseTransport:
    """The same way, with answers kept where the backend's settings say for how long."""
    if not configured.cache_seconds:
        return inner
    return CacheTransport(
        inner,
        store,
        account=account_of(configured.key, configured.base_url, configured.credentials, configured.settings),
        seconds=configured.cache_seconds,
        is_sound=lambda _, body: configured.vendor.is_sound(body),
    )


def connect(
    configured: BackendSettings,
    transport: httpx.AsyncBaseTransport,
    health: Health,
    permits: Permits,
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
        permits=permits,
        shares_codes_with=tuple(shares_codes_with),
    )


@contextlib.asynccontextmanager
async def running_gateway(
    settings: Settings, clock: Clock = utc_now, engine_of: EngineFactory = DbosEngine
) -> AsyncIterator[Gateway]:
    """A gateway that can be asked: backends connected, the ledger open. At the end everything claimed is settled."""
    url, timing = settings.ledger.url.get_secret_value(), settings.ledger.timing
    async with (
        connected_backends(settings, clock) as backends,
        sending_over(url, backends, clock, engine_of, timing) as sending,
    ):
        yield Gateway(settings, backends, sending, clock)


def build_app(settings: Settings, clock: Clock = utc_now, engine_of: EngineFactory = DbosEngine) -> Starlette:
    """The whole application. Backends connect when it starts, and are let go when everything sent is settled."""
    app = Starlette()

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with running_gateway(settings, clock, engine_of) as gateway:
            app.router.routes.extend(_routes(gateway))
            yield

    app.router.lifespan_context = lifespan
    return app


def _routes(gateway: Gateway) -> list[BaseRoute]:
    view = GraphQLView(gateway.schema, gateway.context)
    return [
        Route(GRAPHQL_PATH, view, methods=["GET", "HEAD", "POST"]),
        WebSocketRoute(GRAPHQL_PATH, view),
        file_route(gateway.backends, gateway.file_links, _local),
        *health_routes(gateway.backends),
        *explorer_routes(endpoint=GRAPHQL_PATH, tabs=EXAMPLES),
    ]


def _local(_: Request) -> Principal:
    return LOCAL
