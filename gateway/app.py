"""The composition root: connected backends, ledger, schema and server meet here, and only here."""

import asyncio
import contextlib
import functools
import secrets
from collections.abc import AsyncIterator, Iterable
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp

from gateway.admission import authenticating
from gateway.backends import Backends
from gateway.connecting import Clock, connected_backends, utc_now
from gateway.context import LOCAL, Principal, RequestContext
from gateway.dispatch.draining import Patience, endless
from gateway.dispatch.engine import EngineFactory, dbos_engine
from gateway.dispatch.places import LedgerPlaces
from gateway.dispatch.running import sending_over
from gateway.dispatch.sending import Sending
from gateway.document_settings import documents_of, kept_documents, library_of
from gateway.documents.automatic import KeptDocuments
from gateway.engine.executor import CompiledExecutor
from gateway.files import FileLinks
from gateway.metrics import Metrics
from gateway.principals import Scope
from gateway.problems import Problem, ProblemCode, ProblemError
from gateway.schema.answer_scopes import AnswerScopes
from gateway.schema.build import build_schema, schema_needs
from gateway.schema.execution import PublicSchema
from gateway.schema.subgraph_directives import said_of_fields
from gateway.schema.subgraph_sdl import subgraph_sdl
from gateway.server.authenticating import Authenticator, LocalAuthenticator, UnauthenticatedError
from gateway.server.door import Door
from gateway.server.examples import example_queries
from gateway.server.executing import Operations
from gateway.server.explorer import explorer_routes
from gateway.server.files import file_route
from gateway.server.front_page import FrontPage
from gateway.server.graphql_view import GraphQLView
from gateway.server.guarding import caller_with
from gateway.server.health import health_routes
from gateway.server.hosts import Hosts
from gateway.server.metrics import metrics_route
from gateway.server.origins import Origins
from gateway.server.requests_reading import RequestRefusedError
from gateway.server.schema_file import SCHEMA_PATH, SchemaFile
from gateway.server.siblings import answering_siblings
from gateway.server.stopping import LastAnswers, Stopping
from gateway.server.straight import Straight
from gateway.server.watching import OperationWatch
from gateway.settings import ServerSettings, Settings

if TYPE_CHECKING:
    from gateway.tracing import Tracing

__all__ = ["Gateway", "build_app", "running_gateway"]

GRAPHQL_PATH = "/graphql"


class Gateway:
    """A gateway over connected backends, without its HTTP surface: what makes a context for each operation."""

    def __init__(
        self,
        settings: Settings,
        backends: Backends,
        sending: Sending,
        clock: Clock = utc_now,
        watch: OperationWatch | None = None,
        authenticator: Authenticator | None = None,
        kept: KeptDocuments | None = None,
        schema: PublicSchema | None = None,
    ) -> None:
        self.settings = settings
        self.watch = watch or OperationWatch(seconds=settings.server.operation_seconds)
        self.watch.metrics.watch(backends)
        self.backends = backends
        self.schema = schema or build_schema()
        documents = documents_of(settings, self.schema)
        library = library_of(settings, documents, kept)
        suggesting = settings.documents.suggestions
        executor = CompiledExecutor(self.schema, self.watch.metrics, suggesting=suggesting)
        self.operations = Operations(documents, executor, library)
        self.sending = sending
        given = settings.files.key
        key = secrets.token_bytes(32) if given is None else given.get_secret_value().encode()
        self.places = LedgerPlaces(key)
        self.file_links = FileLinks(
            key=key,
            base_url=settings.server.url,
            lifetime=timedelta(seconds=settings.files.lifetime_seconds),
            clock=clock,
        )
        self.authenticator = authenticator or LocalAuthenticator()
        self._clock = clock
        self._needs = functools.cache(schema_needs)
        self._answer_scopes = AnswerScopes(self.schema.core)

    def context(self, principal: Principal = LOCAL) -> RequestContext:
        """The context of one operation."""
        return RequestContext(
            principal=principal,
            backends=self.backends.visible(principal.backends),
            limits=self.settings.lists,
            sending=self.sending,
            file_links=self.file_links,
            places=self.places,
            needs=self._needs(principal.scopes),
            answer_scopes=self._answer_scopes,
            clock=self._clock,
            subgraph_sdl=self.subgraph_sdl,
            renewed=self._renewed,
        )

    @functools.cache  # noqa: B019 - a gateway lives as long as its process
    def subgraph_sdl(self) -> str:
        """Its schema as composers take it."""
        checks = self.settings.federation.router_checks_scopes
        return subgraph_sdl(self.schema.as_str(), said_of_fields(self.schema.core, router_checks_scopes=checks))

    async def _renewed(self, principal: Principal) -> Principal:
        try:
            return await self.authenticator.renewed(principal)
        except UnauthenticatedError as error:
            raise ProblemError(Problem(code=ProblemCode.FORBIDDEN, message=error.reason)) from None
        except RequestRefusedError as refusal:
            problem = Problem(code=ProblemCode.UNAVAILABLE, message=refusal.reason, retryable=True)
            raise ProblemError(problem) from None


@contextlib.asynccontextmanager
async def running_gateway(
    settings: Settings,
    clock: Clock = utc_now,
    engine_of: EngineFactory = dbos_engine,
    patience: Patience = endless,
    answer_now: asyncio.Event | None = None,
    schema: PublicSchema | None = None,
) -> AsyncIterator[Gateway]:
    """A gateway that can be asked: backends connected, the ledger open. At the end everything claimed is settled."""
    url, timing = settings.ledger.url.get_secret_value(), settings.ledger.timing
    metrics = Metrics()
    async with (
        traced(settings) as tracing,
        connected_backends(settings, clock, metrics, tracing) as backends,
        sending_over(url, backends, clock, engine_of, timing, metrics, patience, answer_now) as sending,
        authenticating(settings, clock) as authenticator,
    ):
        watch = OperationWatch(metrics, tracing, seconds=settings.server.operation_seconds)
        async with answering_siblings(settings.worker, metrics), kept_documents(settings) as kept:
            yield Gateway(settings, backends, sending, clock, watch, authenticator, kept, schema)


@contextlib.asynccontextmanager
async def traced(settings: Settings) -> AsyncIterator["Tracing | None"]:
    """Where traces go, if anywhere. At the end what is left is sent."""
    if settings.tracing.otlp_endpoint is None:
        yield None
        return
    from gateway.tracing import Tracing  # noqa: PLC0415 - its libraries are an optional install

    tracing = Tracing.to(settings.tracing.otlp_endpoint)
    try:
        yield tracing
    finally:
        await asyncio.to_thread(tracing.close)


def build_app(
    settings: Settings,
    clock: Clock = utc_now,
    engine_of: EngineFactory = dbos_engine,
    stopping: Stopping | None = None,
    schema: PublicSchema | None = None,
) -> Straight:
    """The whole application. Backends connect when it starts, and are let go when everything sent is settled.

    Whoever serves it tells ``stopping`` when it is to go. Without a ``schema`` it builds its own.
    """
    leaving = stopping or Stopping(settings.server.stop_seconds)
    first: list[Middleware] = [
        Middleware(LastAnswers, leaving),
        Middleware(Door, hosts=hosts_of(settings.server), origins=origins_of(settings.server)),
    ]
    often: dict[str, ASGIApp] = {}
    app = Starlette(middleware=first)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        running = running_gateway(settings, clock, engine_of, leaving.remaining, leaving.answer_now, schema)
        async with running as gateway:
            view = _view(gateway, leaving)
            often[GRAPHQL_PATH] = behind(first, view)
            app.router.routes.extend(_routes(gateway, leaving, view))
            yield

    app.router.lifespan_context = lifespan
    return Straight(app, often)


def behind(middleware: Iterable[Middleware], endpoint: ASGIApp) -> ASGIApp:
    """The endpoint behind all of these; requests pass the first of them first."""
    app = endpoint
    for cls, arguments, named in reversed([*middleware]):
        app = cls(app, *arguments, **named)
    return app


def hosts_of(server: ServerSettings) -> Hosts:
    """The names that the gateway is reached by."""
    public = urlsplit(server.url).hostname or ""
    return Hosts((server.host, public, *server.allowed_hosts))


def origins_of(server: ServerSettings) -> Origins:
    """The origins whose pages may use the gateway."""
    return Origins(server.url, server.cors_origins, credentials=server.cors_credentials)


def _view(gateway: Gateway, leaving: Stopping) -> GraphQLView:
    return GraphQLView(
        gateway.operations,
        gateway.context,
        gateway.watch,
        gateway.authenticator,
        leaving,
        gateway.settings.connections,
    )


def _routes(gateway: Gateway, stopping: Stopping | None = None, endpoint: GraphQLView | None = None) -> list[BaseRoute]:
    leaving = stopping or Stopping(gateway.settings.server.stop_seconds)
    view = endpoint or _view(gateway, leaving)
    return [
        Route(GRAPHQL_PATH, view),
        WebSocketRoute(GRAPHQL_PATH, view),
        file_route(gateway.backends, gateway.file_links, gateway.authenticator),
        *health_routes(gateway.backends, leaving, caller_with(gateway.authenticator, Scope.READ)),
        metrics_route(gateway.watch.metrics, gateway.authenticator, gateway.settings.worker),
        *explorer_routes(endpoint=GRAPHQL_PATH, tabs=example_queries(), signs_in=gateway.settings.auth.mode != "none"),
        SchemaFile(gateway.schema, caller_with(gateway.authenticator, counted=True)).route(),
        FrontPage(
            gateway.backends,
            gateway.sending.ledger,
            caller_with(gateway.authenticator, Scope.READ, counted=True),
            address=gateway.settings.server.url + GRAPHQL_PATH,
            endpoint=GRAPHQL_PATH,
            schema_path=SCHEMA_PATH,
        ).route(),
    ]
