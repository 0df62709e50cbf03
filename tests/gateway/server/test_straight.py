"""What is asked all the time goes straight to its endpoint, and everything else as before."""

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from gateway.server.straight import Straight


async def endpoint(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("straight")(scope, receive, send)


@pytest.mark.parametrize(
    ("path", "root_path", "answer"),
    [
        ("/graphql", "", (200, "straight")),
        ("/graphql/", "", (404, "Not Found")),
        ("/", "", (404, "Not Found")),
        ("/graphql", "/below", (404, "Not Found")),
    ],
)
async def test_only_this_very_path_at_the_root_is_straight(path: str, root_path: str, answer: tuple[int, str]) -> None:
    app = Straight(Starlette(), {"/graphql": endpoint})
    transport = httpx.ASGITransport(app, root_path=root_path)
    async with httpx.AsyncClient(transport=transport, base_url="http://a") as client:
        found = await client.get(path)

    assert (found.status_code, found.text) == answer
