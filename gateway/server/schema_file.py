"""``/schema.graphql``: the schema as SDL, for code generators and whoever reads."""

from functools import cached_property
from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from strawberry.schema.base import BaseSchema

from gateway.server.assets import EVERY_RESPONSE
from gateway.server.guarding import Caller, plain_refusal
from gateway.server.representations import representation, tag_of
from gateway.server.requests_reading import RequestRefusedError

__all__ = ["SCHEMA_PATH", "SchemaFile"]

SCHEMA_PATH: Final = "/schema.graphql"

_HEADERS: Final = {
    **EVERY_RESPONSE,
    "Cache-Control": "private, no-cache",
    "Content-Disposition": 'attachment; filename="schema.graphql"',
    "Vary": "Authorization",
}


class SchemaFile:
    """Gives the schema to whoever may ask the endpoint for it."""

    def __init__(self, schema: BaseSchema, caller: Caller) -> None:
        self._schema = schema
        self._caller = caller

    def route(self) -> Route:
        """``GET /schema.graphql``: 401 for nobody known, 429 for who asks too much."""
        return Route(SCHEMA_PATH, self._answer, methods=["GET"])

    @cached_property
    def _sdl(self) -> tuple[bytes, str]:
        """It, and its entity tag."""
        text = (self._schema.as_str() + "\n").encode()
        return text, tag_of(text)

    async def _answer(self, request: Request) -> Response:
        try:
            known = await self._caller(request) is not None
        except RequestRefusedError as refusal:
            return plain_refusal(refusal)
        if not known:
            headers = {**EVERY_RESPONSE, "WWW-Authenticate": 'Bearer realm="postroom"'}
            return PlainTextResponse("Send a key or token: Authorization: Bearer ...\n", 401, headers=headers)
        text, tag = self._sdl
        return await representation(request, text, "text/plain; charset=utf-8", _HEADERS, tag=tag)
