"""A stand-in for two vendors, so fast that it is nobody's bottleneck: every answer is rendered once and then kept.

``python -m bench.standin`` listens on a free port of loopback and prints it. A URL's path begins with how many
milliseconds an answer takes and whose it is: ``/80/letters-3/client/list/...``. It speaks the few routes that the
workloads need, over GET alone, and counts what it is asked: ``GET /calls`` says how often since it began.
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from typing import ClassVar

import orjson
import uvloop

from bench.records import CORRESPONDENCE, CUSTOMERS, LETTERS, Tenant

__all__ = ["TOKEN"]

TOKEN = "a-token-of-this-length"  # noqa: S105 - of nobody
"""What the vendor of letters has in each path, and the other in a header."""

MANY_LETTERS = 5_000
"""What a tenant has that is not `Tenant`-sized, such as ``many-0``."""


def _customer(tenant: Tenant, native_id: str) -> object:
    return tenant.billing_customer(int(native_id) - 1000)


def _customers(tenant: Tenant) -> object:
    return [tenant.billing_customer(number) for number in range(CUSTOMERS)]


def _correspondence(tenant: Tenant, native_id: str) -> object:
    number = int(native_id) - 1000
    return [tenant.correspondence(number, place) for place in range(CORRESPONDENCE)]


def _clients(tenant: Tenant, size: str, page: str) -> object:
    return _listed(tenant.letter_client, CUSTOMERS, int(size), int(page))


def _letters(tenant: Tenant, size: str, page: str) -> object:
    count = MANY_LETTERS if tenant.name.startswith("many") else CUSTOMERS * LETTERS
    return _listed(tenant.letter, count, int(size), int(page))


def _listed(row: Callable[[int], object], count: int, size: int, page: int) -> object:
    places = range((page - 1) * size, min(count, page * size))
    envelope = {"error": False, "page": page, "pages": -(-count // size), "count": count}
    return {**envelope, "items": [row(place) for place in places]}


_TOKEN = rf"/token/{TOKEN}/?"
_ROUTES: Mapping[str, Callable[..., object]] = {
    r"/customers/": _customers,
    r"/customers/(\d+)": _customer,
    r"/customers/(\d+)/correspondence/": _correspondence,
    rf"/client/list/limit/(\d+)/page/(\d+){_TOKEN}": _clients,
    rf"/letter/list/limit/(\d+)/page/(\d+)/sort/date/sorttype/desc{_TOKEN}": _letters,
}


def _rendered(target: str) -> tuple[float, bytes]:
    """Seconds to wait, and the answer. What is no route of the vendors' is answered with 404 and its own path."""
    begins = re.fullmatch(r"/(\d+)/([a-z0-9-]+)(/[^?]*)(?:\?.*)?", target)
    if begins is not None:
        milliseconds, name, path = begins.groups()
        for pattern, record in _ROUTES.items():
            if (found := re.fullmatch(pattern, path)) is not None:
                return int(milliseconds) / 1000, _http("200 OK", orjson.dumps(record(Tenant(name), *found.groups())))
    return 0.0, _http("404 Not Found", target.encode())


def _http(status: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


class _Connection(asyncio.Protocol):
    """One client's connection. A GET comes in one piece on loopback, and nobody sends the next before its answer."""

    calls = 0
    kept: ClassVar[dict[bytes, tuple[float, bytes]]] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._write = transport.write  # type: ignore[attr-defined] # uvloop's is a Transport in all but name
        self._head = b""

    def data_received(self, data: bytes) -> None:
        if self._head:
            data = self._head + data
        if not data.endswith(b"\r\n\r\n"):
            self._head = data
            return
        self._head = b""
        target = data.split(b" ", 2)[1]
        if target == b"/calls":
            self._write(_http("200 OK", b"%d" % _Connection.calls))
            return
        _Connection.calls += 1
        found = self.kept.get(target)
        if found is None:
            found = self.kept[target] = _rendered(target.decode("ascii"))
        seconds, answer = found
        if seconds:
            asyncio.get_running_loop().call_later(seconds, self._write, answer)
        else:
            self._write(answer)


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Connection, "127.0.0.1", 0, backlog=2048)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201 - a command
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve())
