"""Who asks, by the credential that came with a request: ``Authorization: Bearer …``, and never anything in a URL."""

from collections.abc import Mapping
from typing import Protocol

from starlette.requests import HTTPConnection

from gateway.principals import LOCAL, Principal
from gateway.server.formatting import UNAUTHENTICATED
from gateway.server.requests_reading import RequestRefusedError

__all__ = ["Authenticator", "LocalAuthenticator", "UnauthenticatedError"]


class UnauthenticatedError(RequestRefusedError):
    """Whoever asks is nobody that this gateway knows: 401, with a challenge (RFC 6750, section 3).

    ``error`` is that section's code, None where no credential came at all. The reason may be told to anybody.
    """

    def __init__(self, reason: str, error: str | None = "invalid_token") -> None:
        super().__init__(401, reason, {"WWW-Authenticate": _challenge(reason, error)}, code=UNAUTHENTICATED)
        self.error = error


class Authenticator(Protocol):
    """Knows who asks."""

    async def principal_of(self, connection: HTTPConnection, credential: str | None = None) -> Principal:
        """Who asks over this connection.

        ``credential`` is what a WebSocket's ``connection_init`` gives as ``authorization``, in the form of the header;
        without it the header itself counts. Raises `UnauthenticatedError`, and `RequestRefusedError` (429) where too
        many wrong credentials came from there.
        """


class LocalAuthenticator:
    """Asks nobody who they are (``auth.mode = "none"``)."""

    async def principal_of(self, connection: HTTPConnection, credential: str | None = None) -> Principal:  # noqa: ARG002
        """The one principal that there is."""
        return LOCAL


def _challenge(reason: str, error: str | None) -> str:
    members: Mapping[str, str | None] = {
        "realm": "postroom",
        "error": error,
        "error_description": None if error is None else reason,
    }
    return "Bearer " + ", ".join(f'{name}="{text}"' for name, text in members.items() if text is not None)
