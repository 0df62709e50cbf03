"""The GraphQL endpoint, over HTTP and (for subscriptions) graphql-transport-ws."""

import json
from collections.abc import Callable
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.http import GraphQLHTTPResponse
from strawberry.schema.base import BaseSchema
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler, Operation
from strawberry.types.execution import ExecutionResult

from gateway.context import RequestContext
from gateway.server.explorer import explorer_page, prefers_page

__all__ = ["GraphQLView"]


class _SocketHandler(BaseGraphQLTransportWSHandler[RequestContext, None]):
    """Gives each operation on a socket a context of its own, so that it sees nothing that an earlier one loaded."""

    async def run_operation(self, operation: Operation[RequestContext, None]) -> None:
        """Runs one operation; the context is read before anything is waited for."""
        self.context = self.context.afresh()
        await super().run_operation(operation)


class GraphQLView(GraphQL[RequestContext, None]):
    """Strawberry's endpoint with a context of ours, and the explorer for whoever asks for a page."""

    graphql_transport_ws_handler_class = _SocketHandler

    def __init__(self, schema: BaseSchema, new_context: Callable[[], RequestContext]) -> None:
        super().__init__(schema, graphql_ide=None, subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL,))
        self._new_context = new_context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] == "http":
            request = Request(scope, receive)
            if prefers_page(request):
                await explorer_page(request)(scope, receive, send)
                return
        await super().__call__(scope, receive, send)

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> RequestContext:
        """A context for one operation."""
        return self._new_context()

    async def process_result(self, request: Request, result: ExecutionResult) -> GraphQLHTTPResponse:
        """The answer's members."""
        answer: GraphQLHTTPResponse = {"data": result.data}
        if result.errors:
            answer["errors"] = [dict(error.formatted) for error in result.errors]
        return answer

    def decode_json(self, data: str | bytes) -> object:
        """JSON decoded. A body that is no object or list is refused, and so is text that UTF-8 cannot hold."""
        decoded: object = orjson.loads(data)
        if isinstance(data, bytes) and not isinstance(decoded, dict | list):
            raise orjson.JSONDecodeError("A request is an object", "", 0)
        return decoded

    def encode_json(self, data: Any) -> bytes | str:
        """JSON bytes; text where a WebSocket frame must be text."""
        encoded = _json(data)
        return encoded.decode() if isinstance(data, dict) and "type" in data else encoded


def _json(data: Any) -> bytes:
    """JSON bytes. A vendor's integer beyond 64 bits, which `raw` may hold, is beyond orjson too."""
    try:
        return orjson.dumps(data)
    except TypeError:
        return json.dumps(data, allow_nan=False, separators=(",", ":")).encode("utf-8")
