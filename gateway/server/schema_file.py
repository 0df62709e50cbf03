"""``/schema.graphql``: the schema as SDL, for code generators and whoever reads."""

from functools import cached_property
from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from strawberry.schema.base import BaseSchema

from gateway.server.assets import EVERY_RESPONSE
from gateway.server.guarding import Caller

__all__ = ["SCHEMA_PATH", "SchemaFile"]

SCHEMA_PATH: Final = "/schema.graphql"


class SchemaFile:
    """Gives the schema to whoever may ask the endpoint for it."""

    def __init__(self, schema: BaseSchema, caller: Caller) -> None:
        self._schema = schema
        self._caller = caller

    def route(self) -> Route:
        """``GET /schema.graphql``: 401 for nobody known."""
        return Route(SCHEMA_PATH, self._answer, methods=["GET"])

    @cached_property
    def _sdl(self) -> str:
        return self._schema.as_str()

    async def _answer(self, request: Request) -> Response:
        if await self._caller(request) is None:
            headers = {**EVERY_RESPONSE, "WWW-Authenticate": 'Bearer realm="postroom"'}
            return PlainTextResponse("Send a key or token: Authorization: Bearer ...\n", 401, headers=headers)
        headers = {
            **EVERY_RESPONSE,
            "Cache-Control": "no-cache",
            "Content-Disposition": 'attachment; filename="schema.graphql"',
            "Vary": "Authorization",
        }
        return PlainTextResponse(self._sdl + "\n", headers=headers)
