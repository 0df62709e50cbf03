"""``postroom serve``: the gateway on a socket."""

import contextlib
import os
import secrets
import shlex
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import msgspec
import orjson
import structlog
from cyclopts import Parameter

from adapters.sandbox_server import SandboxServer
from adapters.shapes import SecretStr
from gateway.app import GRAPHQL_PATH, build_app
from gateway.commands.configuration import configured, overrides_of
from gateway.commands.emulators import over_emulators
from gateway.commands.failure import CommandFailure
from gateway.commands.output import aligned, say
from gateway.commands.serving import serve_until_told
from gateway.logs import configure_logs, secrets_of
from gateway.preloading import preload
from gateway.schema.build import build_schema
from gateway.server.stopping import Stopping
from gateway.settings import ServerSettings, Settings
from gateway.worker import Worker

__all__ = ["EXAMPLE_QUERY", "serve"]

log = structlog.get_logger("postroom.serve")

EXAMPLE_QUERY = (
    "{ customers(first: 3) { nodes { code name backend { key } counterparts { name backend { key } } "
    "documents(first: 2) { nodes { title date } } } problems { backend code message } } }"
)

BACKLOG = 2048


def serve(
    *,
    config: Path | None = None,
    sandbox: Annotated[bool, Parameter(negative=())] = False,
    host: str | None = None,
    port: int | None = None,
    insecure: Annotated[bool, Parameter(negative=())] = False,
    workers: int = 1,
) -> int:
    """Serves the gateway.

    Args:
        config: The configuration; postroom.toml in this folder when absent.
        sandbox: Serve over emulators of all vendors, with data of a sample company and no configuration.
        host: Listen on this address.
        port: Listen on this port.
        insecure: Allow another address than loopback, although the gateway asks nobody who they are.
        workers: Serve with so many processes; more than one need a ledger in PostgreSQL.
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
        settings = for_workers(settings, workers, sandbox=sandbox)
        listener = stack.enter_context(open_listener(settings.server))
        settings = listening_on(settings, listener.getsockname()[1])
        configure_logs(secrets_of(settings))

        def announce() -> None:
            say(banner(settings, emulators))

        schema = build_schema()  # once: workers share what there was before they were forked

        def serve_on(listening: Callable[[], None], worker: Worker | None = None) -> None:
            stopping = Stopping(settings.server.stop_seconds)
            mine = replace(settings, worker=worker)
            serve_until_told(build_app(mine, stopping=stopping, schema=schema), mine, listener, listening, stopping)

        with contextlib.suppress(KeyboardInterrupt):  # told to stop, and stopped in order
            if workers == 1:
                serve_on(announce)
            else:
                from gateway.commands.workers import run_workers  # noqa: PLC0415 - multiprocessing is for several alone

                tell_of_workers(settings)
                preload(settings)
                run_workers(workers, serve_on, announce)
    return 0


def for_workers(settings: Settings, workers: int, *, sandbox: bool) -> Settings:
    """The settings for so many processes: what each would make up by itself is made up once for all."""
    if workers < 1:
        raise CommandFailure("--workers: must be a whole number above 0.", code=2)
    if workers > 1 and sandbox:
        raise CommandFailure("--sandbox runs in one process: leave one of --sandbox and --workers out.", code=2)
    if workers > 1 and settings.ledger.url.get_secret_value().startswith("sqlite"):
        raise CommandFailure(
            f'--workers {workers} need a ledger that they can share: write [ledger] url = "postgresql://...".',
            code=2,
        )
    if workers > 1 and settings.files.key is None:
        files = msgspec.structs.replace(settings.files, key=SecretStr(secrets.token_urlsafe(32)))
        settings = replace(settings, files=files)
    return replace(settings, workers=workers)


def tell_of_workers(settings: Settings) -> None:
    """Warns of what the processes do not share."""
    if settings.redis.url is None:
        log.warning(
            "without [redis] url each process keeps limits and cache for itself: it takes its part of each limit",
            processes=settings.processes,
        )


def listening_on(settings: Settings, port: int) -> Settings:
    """The settings with the port that port 0 turned out to be."""
    return replace(settings, server=msgspec.structs.replace(settings.server, port=port))


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


_ASKED = {
    "none": "Nobody is asked who they are: whoever reaches this address may do everything.",
    "api_key": "Callers need a key: postroom keys create makes one.",
    "jwt": "Callers need a token of the issuer under [jwt].",
}


def banner(settings: Settings, emulators: SandboxServer | None) -> str:
    """What to open, what is behind it, and one query to try."""
    endpoint = settings.server.url + GRAPHQL_PATH
    what = "backends" if emulators is None else "emulators"
    backends = aligned([(backend.key, backend.vendor.title, backend.base_url) for backend in settings.backends], "    ")
    body = orjson.dumps({"query": EXAMPLE_QUERY}).decode()
    key = "" if settings.auth.mode == "none" else ' -H "authorization: Bearer $POSTROOM_KEY"'
    return (
        f"Postroom listens. Open {endpoint}\n\n"
        f"  {_ASKED[settings.auth.mode]}\n\n"
        f"  Over these {what}:\n{backends}\n\n"
        f"  Try:\n    curl -s {shlex.quote(endpoint)}{key} -H 'content-type: application/json' -d {shlex.quote(body)}\n"
    )
