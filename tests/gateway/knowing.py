"""What knows one caller, whatever credential comes."""

from starlette.requests import HTTPConnection

from gateway.principals import Principal
from gateway.server.authenticating import UnauthenticatedError

__all__ = ["Known", "Nobody"]


class Known:
    """Knows one caller; or nobody, from when on that is None."""

    def __init__(self, principal: Principal | None) -> None:
        self.principal = principal

    async def principal_of(self, connection: HTTPConnection, credential: str | None = None) -> Principal:  # noqa: ARG002
        """The caller."""
        return self._known()

    async def admit(self, principal: Principal) -> None:
        """Counts nothing."""

    async def renewed(self, principal: Principal) -> Principal:  # noqa: ARG002
        """The caller as it is known now."""
        return self._known()

    def _known(self) -> Principal:
        if self.principal is None:
            raise UnauthenticatedError("The key was revoked.")
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
