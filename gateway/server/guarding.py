"""What the routes beside the GraphQL endpoint ask of whoever calls them."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from gateway.principals import Principal, Scope
from gateway.server.authenticating import Authenticator
from gateway.server.requests_reading import RequestRefusedError

__all__ = ["Caller", "caller_with", "only_with", "plain_refusal"]

Caller = Callable[[Request], Awaitable[Principal | None]]
"""Who asks, None for nobody who may see anything."""

Answer = Callable[[Request], Awaitable[Response]]


def caller_with(authenticator: Authenticator, *scopes: Scope, counted: bool = False) -> Caller:
    """Who asks, for pages that show less to others: None for nobody known, and for who lacks one of these scopes.

    Where it is ``counted``, as what costs something is, the caller raises `RequestRefusedError` for one too many.
    """

    async def caller(request: Request) -> Principal | None:
        try:
            principal = await authenticator.principal_of(request)
        except RequestRefusedError:
            return None
        if not principal.scopes.issuperset(scopes):
            return None
        if counted:
            await authenticator.admit(principal)
        return principal

    return caller


def only_with(authenticator: Authenticator, scope: Scope, answer: Answer) -> Answer:
    """The answer, for who has this scope alone: 401 for nobody known, 403 for others."""

    async def guarded(request: Request) -> Response:
        try:
            principal = await authenticator.principal_of(request)
            await authenticator.admit(principal)
        except RequestRefusedError as refusal:
            return plain_refusal(refusal)
        if scope not in principal.scopes:
            return PlainTextResponse(f'This needs the scope "{scope.value}".\n', 403)
        return await answer(request)

    return guarded


def plain_refusal(refusal: RequestRefusedError) -> Response:
    """A refusal, as text."""
    return PlainTextResponse(refusal.reason + "\n", refusal.status, headers=refusal.headers)
