"""The emulator of Sage Intacct's documented REST API: OAuth 2, objects of accounts receivable, and the query service.

Settings:

* ``query_errors_as_200``: answer refused queries with HTTP 200, which has been seen
* ``bad_token_as_400``: answer an invalid token with 400 in place of 401, which has been seen
* ``private_entities``: ids of entities whose records top-level queries leave out
* ``example_scene``: with the examples seed, whose company it is: ``collection``, ``record`` or ``empty``
"""

import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from adapters.sage_intacct.sandbox_access import CLIENT_ID, CLIENT_SECRET, USERNAME, Caller, Tokens, Visibility
from adapters.sage_intacct.sandbox_assumptions import ASSUMPTIONS
from adapters.sage_intacct.sandbox_catalogue import (
    CUSTOMER,
    CUSTOMER_EMAIL_TEMPLATE,
    CUSTOMER_MESSAGE,
    EMAIL_TEMPLATE,
    ENTITY,
    OBJECTS,
    TXN_DEFINITION,
)
from adapters.sage_intacct.sandbox_idempotency import Replays
from adapters.sage_intacct.sandbox_objects import Objects
from adapters.sage_intacct.sandbox_query import parse_query
from adapters.sage_intacct.sandbox_records import Records
from adapters.sage_intacct.sandbox_refusals import RefusedError, bad_request, gateway_error
from adapters.sage_intacct.sandbox_seed import LAST_KEYS, SCENES, company_records, example_records
from adapters.sandboxing import Sandbox, SandboxAccess, SandboxOptions, SandboxState

__all__ = ["build_sandbox"]

BASE_PATH = "/ia/api/v1"
QUERY_PATH = "/services/core/query"
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"

_COLLECTION_METHODS: Mapping[str, list[str]] = {
    CUSTOMER: ["GET"],
    CUSTOMER_MESSAGE: ["GET", "POST"],
    CUSTOMER_EMAIL_TEMPLATE: ["GET", "POST"],
    EMAIL_TEMPLATE: ["GET"],
    TXN_DEFINITION: ["GET"],
}
_RECORD_METHODS: Mapping[str, list[str]] = {
    CUSTOMER: ["GET", "PATCH"],
    CUSTOMER_MESSAGE: ["GET", "PATCH"],
    CUSTOMER_EMAIL_TEMPLATE: ["GET", "PATCH", "DELETE"],
    EMAIL_TEMPLATE: ["GET"],
    TXN_DEFINITION: ["GET"],
}
_DEFAULT_SETTINGS: Mapping[str, Any] = {
    "query_errors_as_200": False,
    "bad_token_as_400": False,
    "private_entities": (),
    "example_scene": SCENES[0],
}

Endpoint = Callable[[Request], Awaitable[Response]]


def build_sandbox(options: SandboxOptions) -> Sandbox:
    """The emulator. An unknown setting, or a value that it cannot have, raises ValueError."""
    unknown = options.settings.keys() - _DEFAULT_SETTINGS.keys()
    if unknown:
        raise ValueError(f"settings: {', '.join(sorted(unknown))}: not known; there are {', '.join(_DEFAULT_SETTINGS)}")
    settings = {**_DEFAULT_SETTINGS, **options.settings}
    if settings["example_scene"] not in SCENES:
        raise ValueError(f"settings: example_scene: one of {', '.join(SCENES)}")
    state = SandboxState(options.clock)
    database = sqlite3.connect(options.database, check_same_thread=False)
    try:
        api = _Api(database, state, options, settings)
    except ValueError:
        database.close()
        raise
    app = Starlette(routes=api.routes(), exception_handlers={RefusedError: _refused, HTTPException: api.not_routed})
    app.router.redirect_slashes = False
    state.expire_sessions = api.tokens.expire_all
    return Sandbox(
        app=app,
        state=state,
        access=SandboxAccess(
            base_path=BASE_PATH,
            credentials={"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "username": USERNAME},
        ),
        assumptions=ASSUMPTIONS,
        close=database.close,
    )


class _Api:
    """The routes, and what each request is checked for before it reaches its object."""

    def __init__(
        self, database: sqlite3.Connection, state: SandboxState, options: SandboxOptions, settings: Mapping[str, Any]
    ) -> None:
        self._state = state
        self._clock = options.clock
        self._lenient = options.lenient
        self._query_error_status = 200 if settings["query_errors_as_200"] else None
        self._private_entities = frozenset(settings["private_entities"])
        self._records = Records(database)
        if self._records.is_empty():
            seed = company_records() if options.seed == "company" else example_records(settings["example_scene"])
            self._records.fill(seed, {} if options.seed == "company" else LAST_KEYS[settings["example_scene"]])
        unknown = self._private_entities - {record["id"] for record in self._records.all(ENTITY)}
        if unknown:
            raise ValueError(f"settings: private_entities: {', '.join(sorted(unknown))}: no such entity")
        self._replays = Replays(database, options.clock)
        self.tokens = Tokens(
            database, self._records, options.clock, bad_token_as_400=bool(settings["bad_token_as_400"])
        )

    def routes(self) -> list[Route]:
        """All documented routes that the emulator has."""
        routes = [
            Route(f"{BASE_PATH}/oauth2/token", self._token, methods=["POST"]),
            Route(f"{BASE_PATH}/oauth2/revoke", self._revoke, methods=["POST"]),
            Route(f"{BASE_PATH}{QUERY_PATH}", self._query, methods=["POST"]),
        ]
        for name, methods in _COLLECTION_METHODS.items():
            path = f"{BASE_PATH}/objects/{name}"
            routes.append(Route(path, self._object(name), methods=methods))
            routes.append(Route(f"{path}/{{key}}", self._object(name), methods=_RECORD_METHODS[name]))
        return routes

    async def not_routed(self, request: Request, error: Exception) -> Response:
        """A wrong method on a known path is told to everyone; an unknown path to who is signed in."""
        if isinstance(error, HTTPException) and error.status_code == 405:
            message = f"{request.method} is not supported on this resource"
            return RefusedError(405, "invalidRequest", message, headers=error.headers).response()
        path = request.scope["path"]
        if not path.startswith("/ia/api/"):
            return Response(status_code=404)
        try:
            self.tokens.caller(request.headers)
        except RefusedError as refusal:
            return refusal.response()
        known_version = path.startswith(f"{BASE_PATH}/")
        return bad_request("Malformed URL" if known_version else "Version is not supported.").response()

    async def _token(self, request: Request) -> Response:
        answer = self.tokens.grant(await _read_form(request))
        return JSONResponse(answer, headers={"Cache-Control": "no-store"})

    async def _revoke(self, request: Request) -> Response:
        self.tokens.revoke(await _read_form(request))
        return JSONResponse({})

    async def _query(self, request: Request) -> Response:
        caller = self._admit(request)
        try:
            body = _json_object(request, await request.body())
            name = body.get("object")
            if not isinstance(name, str) or name not in OBJECTS or not OBJECTS[name].routed:
                raise bad_request("object must be the name of an object, as in accounts-receivable/customer")
            query = parse_query(body, self._records.columns(name), today=self._clock().date(), lenient=self._lenient)
        except RefusedError as refusal:
            return refusal.response(None if refusal.placement == "gateway" else self._query_error_status)
        visibility = Visibility(self._records, caller, self._private_entities)
        return JSONResponse(query.answer(visibility.listed(name, include_private=query.include_private)))

    def _object(self, name: str) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            caller = self._admit(request)
            body = await request.body()
            visibility = Visibility(self._records, caller, self._private_entities)
            objects = Objects(name, self._records, self._state, self._clock, caller=caller, visibility=visibility)
            if request.method in {"POST", "PATCH"}:
                return self._replays.once(request, caller, body, lambda: _write(objects, request, body))
            key = request.path_params.get("key")
            if request.method == "DELETE":
                objects.delete(key or "")
                return Response(status_code=204)
            return JSONResponse(objects.list_references() if key is None else objects.get(key))

        return endpoint

    def _admit(self, request: Request) -> Caller:
        """Who is calling; refuses what no route takes."""
        caller = self.tokens.caller(request.headers)
        if request.url.query:
            raise bad_request("This resource takes no query parameters")
        if "respond-async" in request.headers.get("prefer", ""):
            raise bad_request("Asynchronous answers are not available")
        return caller


def _write(objects: Objects, request: Request, body: bytes) -> Response:
    payload = _json_object(request, body)
    if request.method == "POST":
        return JSONResponse(objects.create(payload), 201)
    return JSONResponse(objects.update(request.path_params["key"], payload))


def _content_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _json_object(request: Request, body: bytes) -> dict[str, Any]:
    if not body:
        message = f"A {request.method} request requires a payload"
        raise bad_request(message, number="REST-1028", message_id="IA.REQUEST_REQUIRES_A_PAYLOAD")
    if _content_type(request) != JSON:
        raise gateway_error(400, 14, f"The content type must be {JSON}")
    payload = _decoded(body)
    if not isinstance(payload, dict):
        raise bad_request("The payload must be a JSON object")
    return payload


def _decoded(body: bytes) -> object:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise bad_request("The payload is not valid JSON") from None


async def _read_form(request: Request) -> dict[str, str]:
    """The parameters of a token request: a form, as documented, or JSON, as two clients send."""
    if request.url.query:
        raise gateway_error(400, 33, "The token endpoint takes no query parameters")
    body = await request.body()
    if not body:
        raise gateway_error(400, 35, "The token payload is missing")
    if _content_type(request) == FORM:
        return _read_pairs(body)
    if _content_type(request) != JSON:
        raise gateway_error(400, 14, f"The content type must be {FORM} or {JSON}")
    try:
        return msgspec.json.decode(body, type=dict[str, str])
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise gateway_error(400, 32, "The token payload is not valid") from None


def _read_pairs(body: bytes) -> dict[str, str]:
    pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
    names = [name for name, _ in pairs]
    for name, number in (("client_id", 38), ("username", 39)):
        if names.count(name) > 1:
            raise gateway_error(400, number, f"The {name} is given twice")
    return dict(pairs)


async def _refused(_: Request, error: Exception) -> Response:
    if not isinstance(error, RefusedError):
        raise error
    return error.response()
