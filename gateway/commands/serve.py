"""``postroom serve``: the gateway on a socket."""

import contextlib
import os
import shlex
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import orjson
import uvicorn
from cyclopts import Parameter
from starlette.types import ASGIApp

from adapters.sandbox_server import SandboxServer
from gateway.app import GRAPHQL_PATH, build_app
from gateway.commands.configuration import configured, overrides_of
from gateway.commands.emulators import over_emulators
from gateway.commands.failure import CommandFailure
from gateway.commands.output import aligned, say
from gateway.logs import configure_logs, secrets_of
from gateway.settings import ServerSettings, Settings

__all__ = ["EXAMPLE_QUERY", "serve"]

EXAMPLE_QUERY = (
    "{ customers(first: 3) { nodes { code name backend { key } counterparts { name backend { key } } "
    "documents(first: 2) { nodes { title date } } } problems { backend code message } } }"
)

BACKLOG = 2048
GRACE_SECONDS = 25
"""For requests under way when the process is told to stop; orchestrators kill after 30 by default."""


def serve(
    *,
    config: Path | None = None,
    sandbox: Annotated[bool, Parameter(negative=())] = False,
    host: str | None = None,
    port: int | None = None,
    insecure: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Serves the gateway.

    Args:
        config: The configuration; postroom.toml in this folder when absent.
        sandbox: Serve over emulators of all vendors, with data of a sample company and no configuration.
        host: Listen on this address.
        port: Listen on this port.
        insecure: Allow another address than loopback, although the gateway asks nobody who they are.
    """
    overrides = overrides_of(host=host, port=port, insecure=insecure or None)
    if sandbox and config is not None:
        raise CommandFailure("--sandbox needs no configuration: leave one of --sandbox and --config out.", code=2)
    with contextlib.ExitStack() as stack:
        emulators: SandboxServer | None = None
        if sandbox:
            emulators, settings = stack.enter_context(over_emulators(overrides))
        else:
            settings = configured(config, overrides)
        listener = stack.enter_context(open_listener(settings.server))
        settings = listening_on(settings, listener.getsockname()[1])
        configure_logs(secrets_of(settings))
        try:
            _serve(build_app(settings), listener, lambda: say(banner(settings, emulators)))
        except KeyboardInterrupt:
            return 0  # told to stop, and stopped in order
    return 0


def listening_on(settings: Settings, port: int) -> Settings:
    """The settings with the port that port 0 turned out to be."""
    return replace(settings, server=settings.server.model_copy(update={"port": port}))


def open_listener(server: ServerSettings) -> socket.socket:
    """A socket that listens where the settings say."""
    with contextlib.ExitStack() as on_failure:
        try:
            found = socket.getaddrinfo(server.host, server.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
            family, kind, _, _, address = found[0]
            # The protocol is named, or asyncio leaves Nagle's delay of 40 ms on every small answer.
            listener = on_failure.enter_context(socket.socket(family, kind, socket.IPPROTO_TCP))
            if os.name == "posix":
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(BACKLOG)
        except OSError as error:
            where = f"{server.host} port {server.port}"
            message = f"Cannot listen on {where}: {error.strerror}. Choose another with --host or --port."
            raise CommandFailure(message) from None
        on_failure.pop_all()
    return listener


class _Announced(uvicorn.Server):
    """Says when it listens."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self._announce()


def _serve(app: ASGIApp, listener: socket.socket, announce: Callable[[], None]) -> None:
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http="httptools",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    _Announced(config, announce).run(sockets=[listener])


def banner(settings: Settings, emulators: SandboxServer | None) -> str:
    """What to open, what is behind it, and one query to try."""
    endpoint = settings.server.url + GRAPHQL_PATH
    what = "backends" if emulators is None else "emulators"
    backends = aligned([(backend.key, backend.vendor.title, backend.base_url) for backend in settings.backends], "    ")
    body = orjson.dumps({"query": EXAMPLE_QUERY}).decode()
    return (
        f"Postroom listens. Open {endpoint}\n\n"
        f"  Over these {what}:\n{backends}\n\n"
        f"  Try:\n    curl -s {shlex.quote(endpoint)} -H 'content-type: application/json' -d {shlex.quote(body)}\n"
    )
