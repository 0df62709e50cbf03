"""Operations over WebSocket: graphql-transport-ws, as strawberry speaks it."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, cast

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler, Operation

from gateway.context import RequestContext
from gateway.documents.prepared import DocumentRefusedError
from gateway.public_codes import RequestCode
from gateway.server.executing import Begun, Kind, Operations
from gateway.server.formatting import formatted_error
from gateway.server.json_writing import to_json
from gateway.server.requests_reading import OperationRequest
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
                await self._run(operation, context)
            finally:
                context.reads.stop()

    async def _run(self, operation: Operation[RequestContext, None], context: RequestContext) -> None:
        request = OperationRequest(operation.query, operation.operation_name, operation.variables)
        try:
            prepared = self.view.operations.admitted(request, context)
        except DocumentRefusedError as refusal:
            await _send_errors(operation, list(map(formatted_error, refusal.errors)))
            return
        begun = await self.view.operations.run(prepared, request.variables, context)
        async with aclosing(begun.frames):
            await _send_results(operation, begun)


async def _send_results(operation: Operation[RequestContext, None], begun: Begun) -> None:
    if begun.kind is Kind.INCREMENTAL:
        message = "@defer and @stream do not go over graphql-transport-ws: ask over HTTP."
        await _send_errors(
            operation, [{"message": message, "extensions": {"code": RequestCode.GRAPHQL_VALIDATION_FAILED.value}}]
        )
        return
    async for frame in begun.frames:
        if begun.kind is Kind.REFUSED:
            await _send_errors(operation, frame["errors"])
            return
        await operation.send_operation_message({"id": operation.id, "type": "next", "payload": cast("Any", frame)})
    await operation.send_operation_message({"id": operation.id, "type": "complete"})


async def _send_errors(operation: Operation[RequestContext, None], errors: Sequence[Mapping[str, Any]]) -> None:
    await operation.send_operation_message({"id": operation.id, "type": "error", "payload": cast("Any", errors)})


class GraphQLSockets(GraphQL[RequestContext, None]):
    """Strawberry's endpoint for sockets alone, with a context of ours."""

    graphql_transport_ws_handler_class = _Handler

    def __init__(
        self, operations: Operations, new_context: Callable[[], RequestContext], watch: OperationWatch
    ) -> None:
        # The handler above asks no schema anything.
        super().__init__(
            cast("Any", None),
            graphql_ide=None,
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL,),
            allowed_origins=("*",),  # the door has looked at it
        )
        self.operations = operations
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
