"""Who asks is known before anything of the request is read."""

import pytest
from starlette.requests import HTTPConnection

from gateway.app import Gateway
from gateway.principals import LOCAL
from gateway.server.authenticating import LocalAuthenticator
from tests.gateway.knowing import Nobody
from tests.gateway.server.endpoint import EVENTS, RESPONSE, endpoint, posted, usual


def for_nobody() -> Gateway:
    gateway = usual()
    gateway.authenticator = Nobody()
    return gateway


async def test_a_gateway_that_asks_nobody_has_one_principal() -> None:
    assert await LocalAuthenticator().principal_of(HTTPConnection({"type": "http", "headers": []})) == LOCAL


@pytest.mark.parametrize("accept", [RESPONSE, "application/json", EVENTS])
async def test_nobody_gets_a_challenge_and_a_graphql_error(accept: str) -> None:
    async with endpoint(for_nobody()) as client:
        answer = await posted(client, "{ __typename }", accept)
    media = RESPONSE if accept == RESPONSE else "application/json"
    challenge = 'Bearer realm="postroom", error="invalid_token", error_description="The key is not known here."'
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, challenge)
    assert answer.headers["content-type"] == f"{media}; charset=utf-8"
    error = {"message": "The key is not known here.", "extensions": {"code": "UNAUTHENTICATED"}}
    assert answer.json() == {"errors": [error]}


async def test_of_nobody_nothing_is_read() -> None:
    async with endpoint(for_nobody()) as client:
        answer = await client.post("/graphql", content=b"\xff" * 100, headers={"Content-Type": "text/plain"})
    assert answer.status_code == 401
