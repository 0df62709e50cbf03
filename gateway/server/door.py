"""What every request passes first, whatever it asks for: is it for us, and from whose page does it come?"""

from collections.abc import Awaitable, Sequence
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.public_codes import RequestCode
from gateway.server.exchanges import AT_ONCE
from gateway.server.hosts import Hosts
from gateway.server.json_writing import to_json
from gateway.server.origins import ALLOWED_ORIGIN, Origins

__all__ = ["Door"]

_VARY: Final = (b"vary", b"Origin")


class Door:
    """Lets in what names one of our hosts, and tells browsers which other origins' pages may read the answers."""

    def __init__(self, app: ASGIApp, hosts: Hosts, origins: Origins) -> None:
        self._app = app
        self._hosts = hosts
        self._origins = origins

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answers what is refused, and browsers that ask whether they may; passes on the rest."""
        if scope["type"] == "lifespan":
            return self._app(scope, receive, send)
        misdirected = self._hosts.refusal(scope)
        if misdirected is not None:
            return _refuse(scope, send, misdirected.status, misdirected.reason)
        if scope["type"] == "websocket" and self._origins.is_foreign(scope):
            reason = "Pages of this origin may not connect. If they should, add it to [server] cors_origins."
            return _refuse(scope, send, 403, reason)
        if scope["type"] == "http" and self._origins.cross:
            return self._across(scope, receive, send)
        return self._app(scope, receive, send)

    async def _across(self, scope: Scope, receive: Receive, send: Send) -> None:
        preflight = self._origins.preflight(scope)
        if preflight is not None:
            if preflight:
                await send({"type": "http.response.start", "status": 204, "headers": [*preflight, _VARY]})
                await send({"type": "http.response.body", "body": b"", "more_body": False})
            else:
                reason = "Pages of this origin may not ask. If they should, add it to [server] cors_origins."
                await _refuse(scope, send, 403, reason, [_VARY])
            return
        said = self._origins.answer(scope)
        scope[ALLOWED_ORIGIN] = bool(said)
        scope.pop(AT_ONCE, None)

        def send_across(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *said, _VARY]
            return send(message)

        await self._app(scope, receive, send_across)


async def _refuse(
    scope: Scope, send: Send, status: int, reason: str, headers: Sequence[tuple[bytes, bytes]] = ()
) -> None:
    """Answers the request, or the handshake of a WebSocket."""
    body = to_json({"errors": [{"message": reason, "extensions": {"code": RequestCode.BAD_REQUEST}}]})
    kind = "http.response"
    if scope["type"] == "websocket":
        kind = "websocket.http.response"
    content = [
        (b"content-type", b"application/json; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        *headers,
    ]
    await send({"type": f"{kind}.start", "status": status, "headers": content})
    await send({"type": f"{kind}.body", "body": body, "more_body": False})
