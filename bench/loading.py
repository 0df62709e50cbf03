"""The load: so many clients, each with a connection of its own and one request under way, for so many seconds.

``python -m bench.loading`` reads a `Load` as JSON from its standard input and writes a `Seen` to its output. It is a
process of its own, over bare sockets, so that it is not what is measured.
"""

import select
import socket
import sys
import time
from base64 import b64decode
from collections.abc import Sequence

import msgspec
from msgspec import Struct

__all__ = ["Load", "Seen", "length_of", "percentiles"]

RECEIVE_BYTES = 1 << 18
PERCENTILES = (0.5, 0.99)


class Load(Struct, frozen=True, kw_only=True):
    """``requests`` are each client's, in base64, sent one after another, round and round.

    It ends after ``seconds``, or after ``rounds`` requests of each client.
    """

    port: int
    requests: list[list[str]]
    seconds: float
    rounds: int | None = None


class Seen(Struct, frozen=True, kw_only=True):
    """What came back. Times are milliseconds (`percentiles`).

    ``cpu`` is the seconds of processor time that the load itself took.
    ``wrong`` counts answers that are no 200, or of another length than the first of their kind.
    """

    requests: int
    seconds: float
    median: float
    p99: float
    cpu: float
    wrong: int


class _Client:
    """One connection, and what it sends."""

    def __init__(self, port: int, requests: list[bytes]) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(0)
        self.requests = requests
        self.lengths: list[int | None] = [None] * len(requests)
        self.turn = 0
        self.sent = 0
        self.begun = 0.0
        self.arrived = b""

    def ask(self) -> None:
        """Sends the next request."""
        self.begun = time.perf_counter()
        self.socket.send(self.requests[self.turn])
        self.sent += 1

    def hear(self) -> bool | None:
        """Takes what has come: None while the answer is not whole, or else whether it is right."""
        data = self.socket.recv(RECEIVE_BYTES)
        if not data:
            raise ConnectionError("the server closed a connection")
        if self.arrived:
            data = self.arrived + data
        known = self.lengths[self.turn]
        if len(data) != known:
            length = length_of(data)
            if length is None or len(data) < length:
                self.arrived = data
                return None
            right = known is None or length == known
            self.lengths[self.turn] = length
        else:
            right = True
        self.arrived = b""
        self.turn = (self.turn + 1) % len(self.requests)
        return right and data.startswith(b"HTTP/1.1 200")


def length_of(data: bytes) -> int | None:
    """How many bytes the answer has that these begin; None while that is unknown, or its chunks have not ended."""
    head, mark, _ = data.partition(b"\r\n\r\n")
    if not mark:
        return None
    for line in head.lower().split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name == b"content-length":
            return len(head) + len(mark) + int(value)
        if name == b"transfer-encoding":
            return len(data) if data.endswith(b"\r\n0\r\n\r\n") else None
    return None


def percentiles(first: Sequence[float], later: Sequence[float]) -> tuple[float, float]:
    """The median and the p99 in milliseconds, of the seconds that the clients' answers took: but of their first ones.

    All clients ask for their first at one moment, and only then: under a load of some seconds these would be more than
    a hundredth of all, and the p99 theirs. Where there are no others they are what counts.
    """
    counted = sorted(later or first)
    median, p99 = (counted[min(len(counted) - 1, int(len(counted) * part))] * 1000 for part in PERCENTILES)
    return median, p99


def run(load: Load) -> Seen:
    """Puts the load on, and says what was seen."""
    clients = {}
    poll = select.epoll()
    for requests in load.requests:
        client = _Client(load.port, [b64decode(request) for request in requests])
        clients[client.socket.fileno()] = client
        poll.register(client.socket, select.EPOLLIN)
    times: list[float] = []
    first_times: list[float] = []
    wrong = 0
    begun, spent = time.perf_counter(), time.process_time()
    until = begun + load.seconds
    under_way = len(clients)
    for client in clients.values():
        client.ask()
    while under_way:
        for number, _ in poll.poll():
            client = clients[number]
            right = client.hear()
            if right is None:
                continue
            now = time.perf_counter()
            (times if client.sent > 1 else first_times).append(now - client.begun)
            wrong += not right
            if now < until and client.sent != load.rounds:
                client.ask()
            else:
                under_way -= 1
    seconds, cpu = time.perf_counter() - begun, time.process_time() - spent
    median, p99 = percentiles(first_times, times)
    answers = len(times) + len(first_times)
    return Seen(requests=answers, seconds=seconds, median=median, p99=p99, cpu=cpu, wrong=wrong)


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(run(msgspec.json.decode(sys.stdin.buffer.read(), type=Load))))
