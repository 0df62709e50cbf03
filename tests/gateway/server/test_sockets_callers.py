"""Who asks over a socket: told by its first word, and looked at again as long as it is open."""

import json
import time
from typing import Any

import pytest
from starlette.requests import HTTPConnection

from gateway.app import Gateway
from gateway.principals import LOCAL, Principal
from gateway.problems import ProblemCode
from gateway.server import sockets
from gateway.server.authenticating import LocalAuthenticator, UnauthenticatedError
from gateway.server.requests_reading import RequestRefusedError
from gateway.server.socket_messages import PROTOCOL
from gateway.server.sockets import GraphQLSockets
from tests.gateway.server.endpoint import usual
from tests.gateway.server.socket_talk import talking
from tests.gateway.server.test_sockets import ANSWER
from tests.patience import PATIENCE

SESAME = "Bearer sesame"
SOON = 0.05


class Doorman(LocalAuthenticator):
    """Knows one credential, for as long as it is good."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str | None] = []
        self.good = True
        self.admits = True

    async def principal_of(self, connection: HTTPConnection, credential: str | None = None) -> Principal:
        self.asked.append(credential or connection.headers.get("authorization"))
        if credential != "Bearer sesame":
            raise UnauthenticatedError("This key is not known here.")
        return LOCAL

    async def renewed(self, principal: Principal) -> Principal:
        if not self.good:
            raise UnauthenticatedError("This key has ended.")
        return principal

    async def admit(self, principal: Principal) -> None:  # noqa: ARG002
        if not self.admits:
            raise RequestRefusedError(429, "Too much.", code=ProblemCode.RATE_LIMITED)


def guarded() -> tuple[Gateway, Doorman]:
    gateway, doorman = usual(), Doorman()
    gateway.authenticator = doorman
    return gateway, doorman


@pytest.mark.parametrize("name", ["authorization", "Authorization", "AUTHORIZATION"])
async def test_the_credential_comes_with_the_first_word(name: str) -> None:
    gateway, doorman = guarded()
    async with talking(gateway, init=False) as talk:
        await talk.init(**{name: "Bearer sesame"})
        assert (await talk.ask("{ __typename }"))[0] == ANSWER
    assert doorman.asked == ["Bearer sesame"]


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ({"authorization": "Bearer wrong"}, "This key is not known here."),
        ({}, "This key is not known here."),
        ({"authorization": ["Bearer sesame"]}, "The authorization in connection_init is no text."),
    ],
)
async def test_who_is_not_known_is_refused(payload: Any, reason: str) -> None:
    gateway, _ = guarded()
    async with talking(gateway, init=False) as talk:
        await talk.say("connection_init", payload=payload)
        assert await talk.closed() == (4403, reason)


async def test_a_credential_that_has_ended_closes_the_socket_when_something_is_asked() -> None:
    gateway, doorman = guarded()
    async with talking(gateway, init=False) as talk:
        await talk.init(authorization="Bearer sesame")
        doorman.good = False
        await talk.subscribe("{ __typename }")
        assert await talk.closed() == (4403, "This key has ended.")


async def test_a_credential_that_has_ended_closes_the_socket_when_nothing_is_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sockets, "RENEW_SECONDS", SOON)
    gateway, doorman = guarded()
    async with talking(gateway, init=False) as talk:
        await talk.init(authorization="Bearer sesame")
        doorman.good = False
        assert await talk.closed() == (4403, "This key has ended.")


async def test_who_never_stops_talking_is_looked_at_again_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "RENEW_SECONDS", SOON)
    gateway, doorman = guarded()
    heard = [{"type": "websocket.connect"}, text_of({"type": "connection_init", "payload": {"authorization": SESAME}})]
    told: list[Any] = []
    end = time.monotonic() + PATIENCE

    async def receive() -> Any:  # there always is another message, so that nothing is ever waited for
        if heard:
            return heard.pop(0)
        doorman.good = False
        return text_of({"type": "pong"}) if time.monotonic() < end else {"type": "websocket.disconnect", "code": 1006}

    async def send(message: Any) -> None:
        told.append(message)

    all_of_them = GraphQLSockets(
        gateway.operations, gateway.context, gateway.watch, doorman, gateway.settings.connections
    )
    await all_of_them({"type": "websocket", "headers": [], "subprotocols": [PROTOCOL]}, receive, send)
    assert (told[-1].get("code"), told[-1].get("reason")) == (4403, "This key has ended.")


def text_of(message: Any) -> dict[str, Any]:
    return {"type": "websocket.receive", "text": json.dumps(message)}


async def test_an_operation_too_many_is_refused_and_the_socket_goes_on() -> None:
    gateway, doorman = guarded()
    async with talking(gateway, init=False) as talk:
        await talk.init(authorization="Bearer sesame")
        doorman.admits = False
        (told,) = await talk.ask("{ __typename }")
        doorman.admits = True
        assert (await talk.ask("{ __typename }"))[0] == ANSWER
    assert told["payload"] == [{"message": "Too much.", "extensions": {"code": "RATE_LIMITED"}}]
