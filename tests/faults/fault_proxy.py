"""A proxy on a real socket in front of an emulator, which spoils what it is told to and counts what passes through.

::

    with FaultProxy(server.url("kashflow")) as proxy:
        proxy.play(reset("before"), path=r"/customers/", times=3)
        …                             # a gateway whose base URL begins with proxy.url
        assert len(proxy.calls) == 3
        proxy.heal()

It runs in a thread with a loop of its own, so that tests may block or not as they like.
"""

import asyncio
import contextlib
import random
import re
import socket
import ssl
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import h11

from tests.faults.exchange import Call, Client, Exchange
from tests.ports import reserved_ports

__all__ = ["Fault", "FaultProxy", "nowhere"]

Fault = Callable[[Exchange], Awaitable[None]]
"""Does with a request what it likes; `tests.faults.wire_faults` has them."""

LOOPBACK = "127.0.0.1"


async def passes(exchange: Exchange) -> None:
    """No fault: forwards the request and the answer."""
    await exchange.answer(await exchange.forward())


@dataclass
class _Rule:
    fault: Fault
    method: str | None
    path: re.Pattern[str]
    times: int | None
    skip: int
    probability: float


class FaultProxy:
    """Listens on a free loopback port while the context is open; ``upstream`` is the emulator's ``http://host:port``.

    ``tls`` makes it speak TLS. ``seed`` decides which requests a fault with a probability befalls.

    ``calls`` and ``connections`` (the time of each opening) are the journal, on the monotonic clock. ``open`` is how
    many connections are open now, ``most_at_once`` the most requests that were unanswered at one time.
    """

    def __init__(self, upstream: str, *, tls: ssl.SSLContext | None = None, seed: int = 0) -> None:
        parts = urlsplit(upstream)
        self._upstream = (str(parts.hostname), int(parts.port or 80))
        self._tls = tls
        self._random = random.Random(seed)  # noqa: S311 - to be the same each time
        self._rules: list[_Rule] = []
        self._listener = socket.create_server((LOOPBACK, 0), backlog=512)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._serving: set[asyncio.Task[None]] = set()
        self._stop = asyncio.Event()
        self._healed = asyncio.Event()
        self._at_once = 0
        self.calls: list[Call] = []
        self.connections: list[float] = []
        self.open = 0
        self.most_at_once = 0

    @property
    def url(self) -> str:
        """Where it listens: ``http://127.0.0.1:PORT``, or ``https`` where it speaks TLS."""
        return f"{'http' if self._tls is None else 'https'}://{LOOPBACK}:{self.port}"

    @property
    def port(self) -> int:
        """The port it listens on."""
        port: int = self._listener.getsockname()[1]
        return port

    def play(
        self,
        fault: Fault,
        *,
        method: str | None = None,
        path: str = "",
        times: int | None = None,
        skip: int = 0,
        probability: float = 1.0,
    ) -> None:
        """Adds a fault for the requests of a method (None: any) whose path and query the pattern is found in.

        It befalls each with a ``probability``, not before ``skip`` others matched, and so many ``times`` in all (None:
        until `heal`). The first rule that matches is played.
        """
        self._rules.append(_Rule(fault, method, re.compile(path), times, skip, probability))

    def heal(self) -> None:
        """Drops all faults, and breaks off the connections that they keep waiting."""
        self._rules.clear()
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._release)

    def forget(self) -> None:
        """Empties the journal; what is open now stays counted."""
        self.calls.clear()
        self.connections.clear()
        self.most_at_once = self._at_once

    def __enter__(self) -> Self:
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run(ready)), name="fault proxy", daemon=True)
        self._thread.start()
        ready.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._loop is not None
        assert self._thread is not None
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    async def _run(self, ready: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        server = await asyncio.start_server(self._accept, sock=self._listener, ssl=self._tls)
        ready.set()
        await self._stop.wait()
        server.close()
        self._release()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    def _release(self) -> None:
        self._healed.set()
        self._healed = asyncio.Event()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections.append(time.monotonic())
        task = asyncio.create_task(self._served(Client(len(self.connections), reader, writer)))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _served(self, client: Client) -> None:
        self.open += 1
        try:
            await self._serve(client)
        finally:
            self.open -= 1
            client.close()

    async def _serve(self, client: Client) -> None:
        with contextlib.suppress(ConnectionError, h11.RemoteProtocolError, ssl.SSLError):
            while not client.over and (head := await client.head()) is not None:
                call = Call(
                    at=time.monotonic(),
                    connection=client.number,
                    method=head.method.decode(),
                    path=head.target.decode(),
                    headers=tuple(head.headers),
                )
                self.calls.append(call)
                fault = self._taken(call)
                await self._played(fault, Exchange(client, head, call, self._upstream, self._healed))

    async def _played(self, fault: Fault, exchange: Exchange) -> None:
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            await fault(exchange)
        except (ConnectionError, h11.RemoteProtocolError):
            exchange.call.left = True
            exchange.client.reset()
        finally:
            self._at_once -= 1

    def _taken(self, call: Call) -> Fault:
        """The fault that befalls a request, used up once."""
        for rule in list(self._rules):
            if rule.method not in (None, call.method) or rule.path.search(call.path) is None:
                continue
            if rule.skip > 0:
                rule.skip -= 1
                continue
            if self._random.random() >= rule.probability:
                continue
            if rule.times is not None:
                rule.times -= 1
                if rule.times <= 0 and rule in self._rules:
                    self._rules.remove(rule)
            call.fault = rule.fault.__qualname__.partition(".")[0]
            return rule.fault
        return passes


@contextlib.contextmanager
def nowhere() -> Iterator[str]:
    """An address of this machine at which nobody listens."""
    with reserved_ports(1) as (port,):
        yield f"http://{LOOPBACK}:{port}"
