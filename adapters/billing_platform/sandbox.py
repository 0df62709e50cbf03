"""The emulator of The Billing Platform's documented REST API: customers, their contacts and their correspondence.

Its one setting is ``page_cap``: the most records that a list answers, or None (the default) for all of them.
No tolerance beyond the pages is known of this vendor, so the lenient emulator is as strict as the other.
"""

from collections.abc import Callable, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adapters.billing_platform.sandbox_assumptions import ASSUMPTIONS
from adapters.billing_platform.sandbox_call import Call
from adapters.billing_platform.sandbox_correspondence import CorrespondenceApi
from adapters.billing_platform.sandbox_customers import CustomersApi
from adapters.billing_platform.sandbox_records import Records
from adapters.billing_platform.sandbox_refusals import FORBIDDEN, NOT_ALLOWED, NOT_FOUND, UNAUTHORIZED, RefusedError
from adapters.billing_platform.sandbox_refusals import refusal as refused
from adapters.billing_platform.sandbox_seed import company_seed, examples_seed
from adapters.sandboxing import Sandbox, SandboxAccess, SandboxOptions, SandboxState

__all__ = ["READ_ONLY_TOKEN", "TOKEN", "build_sandbox"]

BASE_PATH = "/backend/api/v1"
TOKEN = "sandbox-token"  # noqa: S105 - the emulator's
"""The token that reads and writes."""
READ_ONLY_TOKEN = "sandbox-token-read-only"  # noqa: S105 - the emulator's
"""A second token, of a user who has API access for reading only."""

READING = {"GET", "HEAD"}

Handler = Callable[[Call], Response]


def build_sandbox(options: SandboxOptions) -> Sandbox:
    """The emulator. An unknown setting, or a page cap that is not a positive whole number, raises ValueError."""
    page_cap = _page_cap(options.settings)
    state = SandboxState(options.clock)
    records = Records(options.database)
    if records.is_empty():
        records.fill(company_seed() if options.seed == "company" else examples_seed())
    customers = CustomersApi(records, page_cap)
    correspondence = CorrespondenceApi(records, state, options.clock, page_cap)
    routes = [
        *_collection("/customers", GET=customers.list_customers),
        _route("/customers/{id}", GET=customers.get_customer),
        *_collection("/customers/{id}/correspondence", GET=correspondence.list_of_customer, POST=correspondence.create),
        *_collection("/customers/{id}/customerContacts", GET=customers.list_contacts_of_customer),
        *_collection("/customerContacts", GET=customers.list_contacts),
        _route("/customerContacts/{id}", GET=customers.get_contact),
        *_collection("/correspondence", GET=correspondence.list_all),
        _route(
            "/correspondence/{id}",
            GET=correspondence.get,
            PATCH=correspondence.update,
            DELETE=correspondence.delete,
            POST=correspondence.act,
        ),
    ]
    app = Starlette(routes=routes, exception_handlers={RefusedError: _refused, HTTPException: _not_routed})
    app.router.redirect_slashes = False
    return Sandbox(
        app=app,
        state=state,
        access=SandboxAccess(base_path=BASE_PATH, credentials={"token": TOKEN}),
        assumptions=ASSUMPTIONS,
        close=records.close,
    )


def _page_cap(settings: Mapping[str, Any]) -> int | None:
    unknown = settings.keys() - {"page_cap"}
    if unknown:
        raise ValueError(f"settings: {', '.join(sorted(unknown))}: not known; there is only page_cap")
    cap = settings.get("page_cap")
    if cap is not None and (type(cap) is not int or cap < 1):
        raise ValueError("settings: page_cap: a positive whole number, or None")
    return cap


def _collection(path: str, **handlers: Handler) -> tuple[Route, Route]:
    """The pages write collections with a trailing slash, their curl examples without."""
    return _route(path, **handlers), _route(path + "/", **handlers)


def _route(path: str, **handlers: Handler) -> Route:
    async def endpoint(request: Request) -> Response:
        _admit(request)
        call = Call(request.path_params, request.query_params.multi_items(), request.headers, await request.body())
        return handlers["GET" if request.method == "HEAD" else request.method](call)

    return Route(BASE_PATH + path, endpoint, methods=list(handlers))


def _admit(request: Request) -> None:
    """Refuses a request without a valid token with 401001, and a write with the read-only one with 403001."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or token not in {TOKEN, READ_ONLY_TOKEN}:
        raise RefusedError(UNAUTHORIZED)
    if token == READ_ONLY_TOKEN and request.method not in READING:
        raise RefusedError(FORBIDDEN)


async def _refused(_: Request, error: Exception) -> Response:
    if not isinstance(error, RefusedError):
        raise error
    headers = {"WWW-Authenticate": "Bearer"} if error.code == UNAUTHORIZED else None
    return refused(error.code, error.hint, headers)


async def _not_routed(request: Request, error: Exception) -> Response:
    """A path or method that is not there; without a token nobody learns which are."""
    try:
        _admit(request)
    except RefusedError as refusal:
        return await _refused(request, refusal)
    if isinstance(error, HTTPException) and error.status_code == 405:
        return refused(NOT_ALLOWED, headers=error.headers)
    return refused(NOT_FOUND)
