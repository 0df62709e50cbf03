"""The routes of KashFlow's emulator: sessions, templates, the e-mail log, statements; with the customers', all."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adapters.kashflow.sandbox_customers import CustomerRoutes, Table
from adapters.kashflow.sandbox_query import (
    DAY_END,
    DAY_START,
    ORDERS,
    Handler,
    Parameters,
    RefusedError,
    Window,
    answer,
    read_json,
    require_json_accepted,
)
from adapters.kashflow.sandbox_sessions import Sessions
from adapters.kashflow.sandbox_statements import PARAMETERS, Post, read_codes, read_period
from adapters.kashflow.sandbox_store import Store, Template

__all__ = ["Api"]

LOG_PER_PAGE, MOST_PER_PAGE = 10, 100
_LOG_SORTS = {
    name.lower(): name for name in ("CreatedTimestamp", "SentTimestamp", "Status", "Subject", "RecipientEmailId")
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """The handlers, each one documented operation; those of the customers are `CustomerRoutes`."""

    store: Store
    sessions: Sessions
    post: Post
    customers: CustomerRoutes
    clock: Callable[[], datetime]
    lenient: bool
    published_braces: bool
    padded_codes: bool

    def routes(self) -> list[Route]:
        """Every route, under ``/v2``; all but the login's need a session."""
        table: Table = (
            ("DELETE", "/sessiontoken", self.log_out),
            ("GET", "/emailtemplates", self.list_templates),
            ("GET", "/emailtemplates/defaultstatementtemplate", self.get_statement_template),
            ("GET", "/emailtemplates/{number}", self.get_template),
            ("GET", "/reports/emaillog", self.email_log),
            ("POST", "/customerstatements/bulk/email", self.email_statements),
            *self.customers.table(),
        )
        login: Table = (
            ("POST", "/sessiontoken", self.log_in),
            ("PUT", "/sessiontoken", self.confirm_login),
            ("DELETE", "/sessiontoken/{token}", self.end_session),
        )
        paths: dict[str, dict[str, Handler]] = {}
        for method, path, handler in (*login, *((m, p, self._with_session(h)) for m, p, h in table)):
            paths.setdefault(path, {})[method] = handler
        return [Route(f"/v2{path}", _by_method(handlers), methods=list(handlers)) for path, handlers in paths.items()]

    def _with_session(self, handler: Handler) -> Handler:
        async def with_session(request: Request) -> Response:
            request.state.session = self.sessions.authenticate(request.headers.get("authorization"))
            return await handler(request)

        return with_session

    def _parameters(self, request: Request, *known: str) -> Parameters:
        return Parameters(request, *known, lenient=self.lenient)

    # Sessions

    async def log_in(self, request: Request) -> Response:
        """Step 1."""
        self._parameters(request, "oldApp")
        form = self.lenient and request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
        body = dict(parse_qsl((await request.body()).decode("utf-8", "replace"))) if form else await read_json(request)
        return answer(self.sessions.begin(body, lenient=self.lenient), 201)

    async def confirm_login(self, request: Request) -> Response:
        """Step 2."""
        self._parameters(request)
        return answer(self.sessions.complete(await read_json(request), lenient=self.lenient))

    async def log_out(self, request: Request) -> Response:
        """Ends the session of the header."""
        self._parameters(request)
        self.sessions.end(request.state.session)
        return answer({})

    async def end_session(self, request: Request) -> Response:
        """Ends the session of the path."""
        self._parameters(request)
        self.sessions.end(request.path_params["token"])
        return answer({})

    # Templates and the e-mail log

    async def list_templates(self, request: Request) -> Response:
        """The e-mail templates, a bare list."""
        self._parameters(request)
        return answer(self.store.templates())

    async def get_template(self, request: Request) -> Response:
        """One e-mail template."""
        self._parameters(request)
        number = request.path_params["number"]
        found: list[Template] = [t for t in self.store.templates() if str(t.Number) == number]
        if not found:
            raise RefusedError(404, "EmailTemplateNotFound", "Email template not found.")
        return answer(found[0])

    async def get_statement_template(self, request: Request) -> Response:
        """The template of statements."""
        self._parameters(request)
        return answer(self.store.statement_template())

    async def email_log(self, request: Request) -> Response:
        """A page of the e-mail log, newest first."""
        parameters = self._parameters(
            request, "page", "perpage", "sortby", "order", "fromDate", "toDate", "subject", "email"
        )
        window = Window.read(parameters, default=LOG_PER_PAGE, maximum=None if self.lenient else MOST_PER_PAGE)
        rows, total = self.store.log_page(
            window,
            now=self.clock(),
            sort=parameters.choice("sortby", _LOG_SORTS, "CreatedTimestamp"),
            order=parameters.choice("order", ORDERS, "Desc"),
            filters={
                "start": parameters.moment("fromDate", DAY_START),
                "end": parameters.moment("toDate", DAY_END),
                "subject": parameters.text("subject"),
                "email": parameters.text("email"),
            },
        )
        return answer(window.envelope(request, parameters, total, rows))

    # Statements

    async def email_statements(self, request: Request) -> Response:
        """E-mails statements to up to 35 customers; a customer who cannot get one does not hold up the others."""
        period = read_period(self._parameters(request, *PARAMETERS), self.clock().date())
        rows = self.post.send(read_codes(await read_json(request)), period)
        if self.padded_codes:
            rows = [{**row, "CustomerCode": f"{row['CustomerCode']:<10}"} for row in rows]
        if self.published_braces:
            inner = ",\n".join(json.dumps(row, indent=0) for row in rows)
            return Response(f"{{\n{inner}\n}}", media_type="application/json; charset=utf-8")
        return answer(rows)


def _by_method(handlers: dict[str, Handler]) -> Handler:
    async def dispatch(request: Request) -> Response:
        require_json_accepted(request)
        return await handlers["GET" if request.method == "HEAD" else request.method](request)

    return dispatch
