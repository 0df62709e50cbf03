"""What knows one caller, whatever credential comes."""

from starlette.requests import HTTPConnection

from gateway.principals import Principal
from gateway.server.authenticating import UnauthenticatedError

__all__ = ["Known", "Nobody"]


class Known:
    """Knows one caller."""

    def __init__(self, principal: Principal) -> None:
        self.principal = principal

    async def principal_of(self, connection: HTTPConnection, credential: str | None = None) -> Principal:  # noqa: ARG002
        """The caller."""
        return self.principal

    async def admit(self, principal: Principal) -> None:
        """Counts nothing."""

    async def renewed(self, principal: Principal) -> Principal:  # noqa: ARG002
        """The caller as it is known now."""
        return self.principal


class Nobody:
    """Knows nobody."""

    REASON = "The key is not known here."

    async def principal_of(self, connection: HTTPConnection, credential: str | None = None) -> Principal:  # noqa: ARG002
        """Refuses."""
        raise UnauthenticatedError(self.REASON)

    async def admit(self, principal: Principal) -> None:
        """Counts nothing."""

    async def renewed(self, principal: Principal) -> Principal:  # noqa: ARG002
        """Refuses."""
        raise UnauthenticatedError(self.REASON)
