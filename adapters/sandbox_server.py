"""Runs emulators on real loopback sockets, in a thread with an event loop of its own."""

import asyncio
import socket
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from adapters.sandboxing import TRANSPORT_EXTENSION, Sandbox

__all__ = ["SandboxServer"]

LOOPBACK = "127.0.0.1"


class _ResettableProtocol(HttpToolsProtocol):
    """uvicorn's protocol, with the connection's transport in the scope so that a fault can reset the connection."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {TRANSPORT_EXTENSION: {"transport": self.transport}}


class SandboxServer:
    """Serves named emulators while the context is open; ``url(name)`` is where one listens, without its base path."""

    def __init__(self, sandboxes: Mapping[str, Sandbox], ports: Mapping[str, int] | None = None) -> None:
        self.sandboxes = dict(sandboxes)
        self._ports = dict(ports or {})
        self._sockets: dict[str, socket.socket] = {}
        self._servers: list[uvicorn.Server] = []
        self._thread: threading.Thread | None = None

    def url(self, name: str) -> str:
        """``http://127.0.0.1:PORT`` of one emulator."""
        return f"http://{LOOPBACK}:{self._sockets[name].getsockname()[1]}"

    def base_url(self, name: str) -> str:
        """The base URL of one emulator's API, as a backend's configuration wants it."""
        return self.url(name) + self.sandboxes[name].access.base_path

    def __enter__(self) -> Self:
        for name in self.sandboxes:
            # The protocol is named, or asyncio leaves Nagle's delay of 40 ms on every small answer.
            listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((LOOPBACK, self._ports.get(name, 0)))
            listener.listen(512)
            self._sockets[name] = listener
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), name="sandboxes", daemon=True)
        self._thread.start()
        ready.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for server in self._servers:
            server.should_exit = True
        if self._thread is not None:
            self._thread.join()
        for name, listener in self._sockets.items():
            listener.close()
            self.sandboxes[name].close()

    def _run(self, ready: threading.Event) -> None:
        asyncio.run(self._serve(ready))

    async def _serve(self, ready: threading.Event) -> None:
        options: dict[str, Any] = {
            "http": _ResettableProtocol,
            "ws": "none",
            "lifespan": "off",
            "log_config": None,
            "access_log": False,
            "timeout_graceful_shutdown": 1,
        }
        self._servers = [uvicorn.Server(uvicorn.Config(sandbox, **options)) for sandbox in self.sandboxes.values()]
        tasks = [
            asyncio.create_task(server.serve(sockets=[listener]))
            for server, listener in zip(self._servers, self._sockets.values(), strict=True)
        ]
        ready.set()
        await asyncio.gather(*tasks)
