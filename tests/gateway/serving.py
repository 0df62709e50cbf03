"""Serves a gateway over fake backends on a real loopback socket, in the test's own event loop."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Sequence

import uvicorn
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from gateway import app as gateway_app
from gateway.app import Gateway
from gateway.server.door import Door
from gateway.server.serving import server_config
from gateway.server.straight import Straight
from gateway.settings import ConnectionSettings, ServerSettings

SERVER = ServerSettings(allowed_hosts=["a"])
"""Where bytes are written by hand, they name the host ``a``."""

CONNECTIONS = ConnectionSettings()


def routes_of(gateway: Gateway) -> Sequence[BaseRoute]:
    """What the gateway's application serves, over backends that are connected already."""
    return gateway_app._routes(gateway)


@contextlib.asynccontextmanager
async def serving(
    routes: Sequence[BaseRoute], server: ServerSettings = SERVER, connections: ConnectionSettings = CONNECTIONS
) -> AsyncIterator[str]:
    """The ``host:port`` at which these routes are served, as the command does it, until the end of the block."""
    # asyncio sends at once (TCP_NODELAY) only over what says that it is TCP: answers took 40 ms each otherwise.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        straight = Straight(Starlette(routes=routes), _often(routes))
        app = Door(straight, gateway_app.hosts_of(server), gateway_app.origins_of(server))
        running = uvicorn.Server(server_config(app, connections, grace_seconds=5))
        task = asyncio.create_task(running.serve(sockets=[listening]))
        host, port = listening.getsockname()
        try:
            yield f"{host}:{port}"
        finally:
            running.should_exit = True
            await task


def _often(routes: Sequence[BaseRoute]) -> dict[str, ASGIApp]:
    return {one.path: one.app for one in routes if isinstance(one, Route) and one.path == gateway_app.GRAPHQL_PATH}
