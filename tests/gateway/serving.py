"""Serves a gateway over fake backends on a real loopback socket, in the test's own event loop."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Sequence

import uvicorn
from starlette.applications import Starlette
from starlette.routing import BaseRoute

from gateway import app as gateway_app
from gateway.app import Gateway

PATIENCE = 10.0
"""Seconds after which a test that waits for something gives up; none waits so long when all is well."""


def routes_of(gateway: Gateway) -> Sequence[BaseRoute]:
    """What the gateway's application serves, over backends that are connected already."""
    return gateway_app._routes(gateway)


@contextlib.asynccontextmanager
async def serving(routes: Sequence[BaseRoute]) -> AsyncIterator[str]:
    """The ``host:port`` at which these routes are served until the end of the block."""
    # asyncio sends at once (TCP_NODELAY) only over what says that it is TCP: answers took 40 ms each otherwise.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        config = uvicorn.Config(
            Starlette(routes=routes), log_level="critical", lifespan="off", ws="websockets-sansio", http="httptools"
        )
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve(sockets=[listening]))
        host, port = listening.getsockname()
        try:
            yield f"{host}:{port}"
        finally:
            server.should_exit = True
            await task
