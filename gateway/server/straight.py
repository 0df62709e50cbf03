"""The short way to what is asked all the time."""

from collections.abc import Awaitable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["Straight"]


class Straight:
    """Hands requests for these very paths to their endpoints, past the router and all around it; the rest it passes on.

    The endpoints answer every method, and raise nothing that means a status. Below a ``root_path`` the router knows
    better what a path is.
    """

    def __init__(self, app: Starlette, endpoints: Mapping[str, ASGIApp]) -> None:
        self._app = app
        self._endpoints = endpoints

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answers as the endpoint or the application does."""
        endpoint = None if scope.get("root_path") else self._endpoints.get(scope.get("path", ""))
        return (endpoint or self._app)(scope, receive, send)

    def lifespan(self) -> AbstractAsyncContextManager[Any]:
        """The time in which the application can be asked: for whoever does without a server."""
        return self._app.router.lifespan_context(self._app)
