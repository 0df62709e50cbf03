"""The composition root: settings, vendors, policies, schema and server meet here, and only here."""

import contextlib
import secrets
import time
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta

import httpx
from pydantic import SecretStr
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
from gateway.upstream.breaker import BreakerTransport
from gateway.upstream.calls import Operation
from gateway.upstream.deadline import DeadlineTransport, SignInDeadlineTransport
from gateway.upstream.engine import EngineTransport
from gateway.upstream.health import Health, HealthTransport
from gateway.upstream.limits import Limiter, LimitsTransport
from gateway.upstream.limits_fleet import Fleet
from gateway.upstream.limits_shared import SharedLimiter, name_of
from gateway.upstream.limits_turns import Bounds
from gateway.upstream.retry import RetryTransport
from gateway.upstream.whole_answers import WholeAnswersTransport

__all__ = ["Gateway", "build_app", "connected_backends", "running_gateway"]

Clock = Callable[[], datetime]
GRAPHQL_PATH = "/graphql"


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

    def operation(self) -> Operation:
        """What belongs to one operation, begun now; `gateway.upstream.calls.running` is its scope."""
        return Operation(deadline=time.monotonic() + self.settings.server.operation_seconds)


@contextlib.asynccontextmanager
async def connected_backends(settings: Settings, clock: Clock = utc_now) -> AsyncIterator[Backends]:
    """The configured backends; nothing is called yet. Connections are closed at the end."""
    async with contextlib.AsyncExitStack() as stack:
        shared: dict[str, list[str]] = {}
        for configured in settings.backends:
            if configured.shares_codes is not None:
                shared.setdefault(configured.shares_codes, []).append(configured.key)
        backends = []
        limiter_of = await stack.enter_async_context(_limiters(settings, clock))
        for configured in settings.backends:
            sharing = [key for key in shared.get(configured.shares_codes or "", ()) if key != configured.key]
            health, limiter = Health(clock), limiter_of(configured)
            transport = await stack.enter_async_context(outbound(configured, health, limiter, clock))
            backends.append(connect(configured, transport, health, limiter, sharing, clock))
        yield Backends(backends)


@contextlib.asynccontextmanager
async def _limiters(settings: Settings, clock: Clock) -> AsyncIterator[Callable[[BackendSettings], Limiter]]:
    """What makes a backend's limiter: kept with other processes through Redis, or for this one alone."""
    url, processes = settings.redis.url, settings.processes
    if url is None:
        yield lambda configured: Limiter(Bounds.of(configured.limits).share(processes, least_writes=1), clock=clock)
        return
    pepper = b"" if settings.files.key is None else settings.files.key.get_secret_value().encode()
    async with Fleet(url.get_secret_value(), processes, clock=clock) as fleet:

        def shared(configured: BackendSettings) -> Limiter:
            secrets = (
                value.get_secret_value() if isinstance(value, SecretStr) else str(value)
                for _, value in configured.credentials
            )
            name = name_of(configured.key, configured.base_url, secrets, pepper)
            return SharedLimiter(Bounds.of(configured.limits), fleet, name)

        yield shared


def outbound(configured: BackendSettings, health: Health, limiter: Limiter, clock: Clock) -> httpx.AsyncBaseTransport:
    """One backend's way out, as it is written here from the inside out. Closing the outermost closes all.

    deadline → retry → breaker → limits → whole answers → health → credential → engine
    """
    vendor = configured.vendor
    credential = vendor.authenticate(
        SignInDeadlineTransport(EngineTransport(), configured.timeout),
        key=configured.key,
        base_url=configured.base_url,
        credentials=configured.credentials,
        settings=configured.settings,
        clock=clock,
    )
    answers = WholeAnswersTransport(HealthTransport(credential, health))
    breaker = BreakerTransport(LimitsTransport(answers, limiter), health, is_outage=vendor.is_outage)
    retry = RetryTransport(breaker, is_outage=vendor.is_outage, patience=vendor.retry_after)
    return DeadlineTransport(retry, configured.timeout)


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
        Route(GRAPHQL_PATH, view),
        WebSocketRoute(GRAPHQL_PATH, view),
        file_route(gateway.backends, gateway.file_links, _local),
        *health_routes(gateway.backends),
        *explorer_routes(endpoint=GRAPHQL_PATH, tabs=EXAMPLES),
    ]


def _local(_: Request) -> Principal:
    return LOCAL
