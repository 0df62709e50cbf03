"""KashFlow REST v2, emulated: `build_sandbox`.

Settings (``SandboxOptions.settings``), all optional:

* ``published_braces``: answer the bulk e-mailing of statements as its page prints it, ``{ {…}, {…} }``, not JSON
* ``padded_codes``: pad ``CustomerCode`` in that answer with spaces, as seen in samples
* ``idle_minutes``: how long an unused session lives (60)
* ``email_delay_seconds``: how long a statement marked to send is ``Queued`` in the e-mail log (0)
* ``failing_recipients``: addresses at which a statement marked to send then fails
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from adapters.kashflow.sandbox_assumptions import ASSUMPTIONS
from adapters.kashflow.sandbox_customers import CustomerRoutes
from adapters.kashflow.sandbox_query import RefusedError, answer, answer_refusal
from adapters.kashflow.sandbox_routes import Api
from adapters.kashflow.sandbox_seed import (
    COMPANY_ACCOUNT,
    EXAMPLE_TEMPORARY_TOKEN,
    EXAMPLES_ACCOUNT,
    seed_company,
    seed_examples,
)
from adapters.kashflow.sandbox_sessions import Sessions
from adapters.kashflow.sandbox_statements import Post
from adapters.kashflow.sandbox_store import Store, open_database
from adapters.sandboxing import Sandbox, SandboxAccess, SandboxOptions, SandboxState

__all__ = ["build_sandbox"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Settings:
    published_braces: bool = False
    padded_codes: bool = False
    idle_minutes: float = 60
    email_delay_seconds: float = 0
    failing_recipients: Sequence[str] = ()


def build_sandbox(options: SandboxOptions) -> Sandbox:
    """The emulator, seeded if its database is new."""
    settings = _Settings(**options.settings)
    state = SandboxState(options.clock)
    account = COMPANY_ACCOUNT if options.seed == "company" else EXAMPLES_ACCOUNT
    database, is_new = open_database(options.database)
    store = Store(database)
    sessions = Sessions(database, account, options.clock, idle_minutes=settings.idle_minutes)
    state.expire_sessions = sessions.end_all
    if is_new:
        with database:
            (seed_company if options.seed == "company" else seed_examples)(store)
    if is_new and options.seed == "examples":
        sessions.issue_temporary_token(*EXAMPLE_TEMPORARY_TOKEN)
    api = Api(
        store=store,
        sessions=sessions,
        post=Post(
            store=store,
            state=state,
            account=account,
            clock=options.clock,
            delay=timedelta(seconds=settings.email_delay_seconds),
            failing=frozenset(settings.failing_recipients),
        ),
        customers=CustomerRoutes(
            store=store, state=state, account=account, clock=options.clock, lenient=options.lenient
        ),
        clock=options.clock,
        lenient=options.lenient,
        published_braces=settings.published_braces,
        padded_codes=settings.padded_codes,
    )
    app = Starlette(
        routes=api.routes(), exception_handlers={RefusedError: answer_refusal, HTTPException: _answer_no_route}
    )
    app.router.redirect_slashes = False
    credentials = {
        "username": account.username,
        "password": account.password,
        "memorable_word": account.memorable_word,
    }
    return Sandbox(
        app=_AnyCasePaths(app),
        state=state,
        access=SandboxAccess(base_path="/v2", credentials=credentials),
        assumptions=ASSUMPTIONS,
        close=database.close,
    )


async def _answer_no_route(_request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    name = "MethodNotAllowed" if error.status_code == 405 else "NotFound"
    response = answer({"Message": "No resource matches the request.", "Error": name}, error.status_code)
    response.headers.update(error.headers or {})
    return response


class _AnyCasePaths:
    """Takes the words of a path in any case; a customer's code and a token stay as they are."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope = {**scope, "path": _fold(scope["path"])}
        await self._app(scope, receive, send)


def _fold(path: str) -> str:
    segments = path.split("/")
    own = 3 if len(segments) > 3 and segments[2].lower() in {"customers", "sessiontoken"} else None
    return "/".join(segment if place == own else segment.lower() for place, segment in enumerate(segments))
