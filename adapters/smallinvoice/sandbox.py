"""The emulator of smallinvoice's API v1: letters and clients, as https://www.smallinvoice.ch/api documents them.

Settings, beyond what `SandboxOptions` has for every emulator:

* ``error_status`` (200): the HTTP status of an error envelope.
* ``client_name`` (false): letters carry `client_name`, which the object's table has and no example.
"""

import secrets
import sqlite3
from collections.abc import Callable, Mapping

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from adapters.sandboxing import Sandbox, SandboxAccess, SandboxOptions, SandboxState
from adapters.smallinvoice.sandbox_assumptions import ASSUMPTIONS
from adapters.smallinvoice.sandbox_clients import Clients
from adapters.smallinvoice.sandbox_letters import Letters
from adapters.smallinvoice.sandbox_store import open_store
from adapters.smallinvoice.sandbox_wire import Call, Code, RefusedError, read_data, read_path, refuse

__all__ = ["build_sandbox"]

TOKEN = "sandbox-token"  # noqa: S105 - opens nothing but this emulator


class Settings(msgspec.Struct, forbid_unknown_fields=True):
    """The emulator's own knobs."""

    error_status: int = 200
    client_name: bool = False


def build_sandbox(options: SandboxOptions) -> Sandbox:
    """The emulator, its store made and seeded where it is new.

    Raises:
        msgspec.ValidationError: a setting that it does not have, or of the wrong type.
    """
    settings = msgspec.convert(options.settings, Settings)
    state = SandboxState(options.clock)
    store = open_store(options.database, options.seed)
    return Sandbox(
        app=_Api(store, state, settings, lenient=options.lenient),
        state=state,
        access=SandboxAccess(base_path="", credentials={"token": TOKEN}),
        assumptions=ASSUMPTIONS,
        close=store.close,
    )


class _Api:
    """The ASGI application. The pages address everything by path alone, and no client keeps to their verbs."""

    def __init__(self, store: sqlite3.Connection, state: SandboxState, settings: Settings, *, lenient: bool) -> None:
        self._endpoints: Mapping[str, Mapping[str, Callable[[Call], Response]]] = {
            "letter": Letters(store, state, with_client_name=settings.client_name).actions(),
            "client": Clients(store, state).actions(),
        }
        self._error_status = settings.error_status
        self._lenient = lenient

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        body = await request.body()
        try:
            response = self._answer(request, body)
        except RefusedError as error:
            response = refuse(error, self._error_status)
        await response(scope, receive, send)

    def _answer(self, request: Request, body: bytes) -> Response:
        path = read_path(request.scope["raw_path"])
        token = path.pairs.pop("token", "")
        if not secrets.compare_digest(token.encode(), TOKEN.encode()):
            raise RefusedError(Code.BAD_TOKEN, "Your token is invalid or expired")
        action = self._endpoints.get(path.endpoint, {}).get(path.action)
        if action is None:
            raise RefusedError(Code.UNKNOWN_ACTION, "There is no such endpoint or action")
        if request.scope["query_string"] and not self._lenient:
            raise RefusedError(Code.BAD_PARAMETER, "Parameters belong into the path")
        data = read_data(request.headers.get("content-type", ""), body, lenient=self._lenient)
        return action(Call(path.pairs, data, self._lenient))
