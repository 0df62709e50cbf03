"""Pages of which origins may talk to the gateway (CORS, https://fetch.spec.whatwg.org/#http-cors-protocol).

Its own alone, unless the settings name others, exactly. What a page of another origin can send without being allowed to
is harmless: see `gateway.server.cross_site`.
"""

from collections.abc import Iterable
from typing import Final

from starlette.types import Scope

__all__ = ["ALLOWED_ORIGIN", "Origins", "origin_of"]

ALLOWED_ORIGIN: Final = "postroom.allowed_origin"
"""The key in a request's scope that says that it comes from a page of an origin that the settings name."""

_HEADERS: Final = (
    "Accept",
    "Authorization",
    "Content-Type",
    "X-Postroom",
    "X-Postroom-Cost",
    "X-Postroom-Explain",
    "Apollo-Require-Preflight",
    "ApolloGraphQL-Client-Name",
    "ApolloGraphQL-Client-Version",
    "Traceparent",
    "Tracestate",
)
_PREFLIGHT: Final = (
    (b"access-control-allow-methods", b"GET, HEAD, POST"),
    (b"access-control-allow-headers", ", ".join(_HEADERS).encode()),
    (b"access-control-max-age", b"7200"),  # two hours: the longest that Chromium keeps
)
_EXPOSED: Final = (b"access-control-expose-headers", b"Allow, Retry-After, WWW-Authenticate")

Header = tuple[bytes, bytes]


class Origins:
    """The gateway's own origin and those that are allowed. With ``credentials`` their pages may send cookies, too."""

    def __init__(self, own: str, allowed: Iterable[str] = (), *, credentials: bool = False) -> None:
        self._own = origin_of(own).encode()
        self._allowed = frozenset(origin.encode() for origin in allowed)
        self._credentials = ((b"access-control-allow-credentials", b"true"),) if credentials else ()

    @property
    def cross(self) -> bool:
        """Whether there is any origin but our own to allow."""
        return bool(self._allowed)

    def answer(self, scope: Scope) -> list[Header]:
        """What an answer to the request of this scope says to the browser, beside ``Vary: Origin``."""
        origin = _header(scope, b"origin")
        if origin not in self._allowed:
            return []
        return [(b"access-control-allow-origin", origin), _EXPOSED, *self._credentials]

    def preflight(self, scope: Scope) -> list[Header] | None:
        """The answer's headers where a browser asks whether it may ask, empty where it may not; None where it does not.

        Only an origin that is allowed is told anything.
        """
        if scope["method"] != "OPTIONS" or not _header(scope, b"access-control-request-method"):
            return None
        origin = _header(scope, b"origin")
        if origin not in self._allowed:
            return []
        return [(b"access-control-allow-origin", origin), *_PREFLIGHT, *self._credentials]

    def is_foreign(self, scope: Scope) -> bool:
        """Whether a WebSocket is opened by a page of another origin that is not allowed.

        To browsers CORS does not hold for these. Programs send no ``Origin``, or that of where they connect to.
        """
        origin = _header(scope, b"origin")
        if not origin or origin in self._allowed or origin == self._own:
            return False
        scheme, _, authority = origin.partition(b"://")
        return _without_usual_port(scheme, authority) != _without_usual_port(scheme, _header(scope, b"host"))


def origin_of(url: str) -> str:
    """The origin of an http or https URL."""
    scheme, _, rest = url.lower().partition("://")
    authority = _without_usual_port(scheme.encode(), rest.partition("/")[0].encode())
    return f"{scheme}://{authority.decode()}"


def _without_usual_port(scheme: bytes, authority: bytes) -> bytes:
    return authority.lower().removesuffix(b":443" if scheme == b"https" else b":80")


def _header(scope: Scope, name: bytes) -> bytes:
    return next((text for one, text in scope["headers"] if one == name), b"")
