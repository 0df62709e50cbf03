"""Operations over WebSocket: graphql-transport-ws, as strawberry speaks it."""

from collections.abc import Callable
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.schema.base import BaseSchema
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler, Operation

from gateway.context import RequestContext
from gateway.server.json_writing import to_json
from gateway.server.watching import OperationWatch

__all__ = ["GraphQLSockets"]


class _Handler(BaseGraphQLTransportWSHandler[RequestContext, None]):
    """Gives each operation on a socket a context of its own, so that it sees nothing that an earlier one loaded."""

    view: "GraphQLSockets"

    async def run_operation(self, operation: Operation[RequestContext, None]) -> None:
        """Runs one operation; the context is read before anything is waited for."""
        self.context = context = self.context.afresh()
        with self.view.watch.operation(context, {}):
            try:
                await super().run_operation(operation)
            finally:
                context.reads.stop()


class GraphQLSockets(GraphQL[RequestContext, None]):
    """Strawberry's endpoint for sockets alone, with a context of ours."""

    graphql_transport_ws_handler_class = _Handler

    def __init__(self, schema: BaseSchema, new_context: Callable[[], RequestContext], watch: OperationWatch) -> None:
        super().__init__(
            schema,
            graphql_ide=None,
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL,),
            allowed_origins=("*",),  # the door has looked at it
        )
        self._new_context = new_context
        self.watch = watch

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> RequestContext:
        """A context for what comes over one socket."""
        return self._new_context()

    def decode_json(self, data: str | bytes) -> object:
        """JSON decoded; text that UTF-8 cannot hold is refused."""
        decoded: object = orjson.loads(data)
        return decoded

    def encode_json(self, data: Any) -> str:
        """JSON, as text: the frames of this protocol are."""
        return to_json(data).decode()
