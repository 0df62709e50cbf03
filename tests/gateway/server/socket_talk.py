"""Talks graphql-transport-ws to a served gateway, message by message."""

import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from gateway.app import Gateway
from tests.gateway.server.wire import Listening, listening

__all__ = ["ACK", "Talk", "talking", "talking_to"]

ACK = {"type": "connection_ack"}


class Talk:
    """One socket."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def say(self, kind: str, **members: Any) -> None:
        """Sends a message."""
        await self.socket.send(json.dumps({"type": kind, **members}))

    async def init(self, **payload: Any) -> None:
        """Says who it is, and is taken."""
        await self.say("connection_init", payload=payload)
        assert await self.hear() == ACK

    async def subscribe(self, query: str, name: str = "1", **members: Any) -> None:
        """Asks for an operation."""
        await self.say("subscribe", id=name, payload={"query": query, **members})

    async def hear(self) -> Any:
        """The next message."""
        return json.loads(await self.socket.recv())

    async def ask(self, query: str, name: str = "1", **members: Any) -> list[Any]:
        """All messages about an operation."""
        await self.subscribe(query, name, **members)
        heard = [await self.hear()]
        while heard[-1]["type"] == "next":
            heard.append(await self.hear())
        assert {one["id"] for one in heard} == {name}
        return heard

    async def closed(self) -> tuple[int, str]:
        """The code and reason with which the gateway closes, when it does; nothing comes before."""
        with contextlib.suppress(ConnectionClosed):
            raise AssertionError(f"was answered {await self.socket.recv()!r}")
        frame = self.socket.protocol.close_rcvd
        assert frame is not None
        return frame.code, frame.reason


@contextlib.asynccontextmanager
async def talking_to(gateway: Listening, protocol: str | None = "graphql-transport-ws") -> AsyncIterator[Talk]:
    """A new socket to a gateway that is served."""
    protocols = None if protocol is None else [Subprotocol(protocol)]
    url = f"ws://{gateway.address}/graphql"
    async with connect(url, subprotocols=protocols, proxy=None, max_size=None) as socket:
        yield Talk(socket)


@contextlib.asynccontextmanager
async def talking(gateway: Gateway | None = None, *, init: bool = True, **connections: Any) -> AsyncIterator[Talk]:
    """A socket to a gateway that is served for it, and has taken it."""
    async with listening(gateway, **connections) as served, talking_to(served) as talk:
        if init:
            await talk.init()
        yield talk
