"""How uvicorn serves the gateway."""

from typing import Final

import uvicorn
from starlette.types import ASGIApp

from gateway.server.connections import http_protocol, socket_protocol
from gateway.server.requests_reading import MAX_BODY_BYTES
from gateway.settings_connections import ConnectionSettings

__all__ = ["server_config"]

PING_SECONDS: Final = 20.0
"""A WebSocket is pinged so often, and given up where no answer comes for as long: its peer is gone."""


def server_config(
    app: ASGIApp, connections: ConnectionSettings, *, grace_seconds: int, loop: str = "uvloop"
) -> uvicorn.Config:
    """Uvicorn's configuration: its own protocols with our patience, and no log lines but ours.

    ``grace_seconds`` are for requests under way when the process is told to stop.
    """
    return uvicorn.Config(
        app,
        loop=loop,
        http=http_protocol(connections),
        ws=socket_protocol(connections),
        ws_max_size=MAX_BODY_BYTES,
        ws_ping_interval=PING_SECONDS,
        ws_ping_timeout=PING_SECONDS,
        interface="asgi3",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=connections.idle_seconds,
        timeout_graceful_shutdown=grace_seconds,
    )
