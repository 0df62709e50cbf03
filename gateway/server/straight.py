"""The short way to what is asked all the time."""

from collections.abc import Mapping

from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["Straight"]


class Straight:
    """Hands requests for these very paths to their endpoints, past the router; everything else it passes on.

    The endpoints answer every method, and raise nothing that means a status. Below a ``root_path`` the router knows
    better what a path is.
    """

    def __init__(self, app: ASGIApp, endpoints: Mapping[str, ASGIApp]) -> None:
        self._app = app
        self._endpoints = endpoints

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers as the endpoint or the application does."""
        endpoint = None if scope.get("root_path") else self._endpoints.get(scope.get("path", ""))
        await (endpoint or self._app)(scope, receive, send)
