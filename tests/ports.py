"""Ports that are a test's for as long as it needs them."""

import contextlib
import socket
from collections.abc import Iterator

__all__ = ["reserved_ports"]


@contextlib.contextmanager
def reserved_ports(count: int) -> Iterator[list[int]]:
    """Free ports on loopback: nobody is given one by chance, whoever connects to one is refused.

    Who asks for one by its number may listen on it, as servers ask: with SO_REUSEADDR. A port that was merely free a
    moment ago may be any other process's by now, be it that of a connection which it makes.
    """
    with contextlib.ExitStack() as stack:
        ports = []
        for _ in range(count):
            held = stack.enter_context(socket.socket())
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            held.bind(("127.0.0.1", 0))
            ports.append(held.getsockname()[1])
        yield ports
