"""A TCP connection to a host by the first of its addresses that answers."""

import asyncio
import socket
from collections import deque
from collections.abc import Iterable
from typing import Any

__all__ = ["reached"]

HEAD_START = 0.25
"""Seconds that an address has before the next is tried beside it (RFC 8305, section 5)."""

_Address = tuple[socket.AddressFamily, Any]


async def reached(host: str, port: int) -> socket.socket:
    """A connected socket, its small packets not held back. Raises `OSError`, or `ValueError` for what is no name."""
    addresses = await _addresses(host, port)
    if len(addresses) == 1:
        return await _attempt(addresses[0])
    return await _first(addresses)


async def _addresses(host: str, port: int) -> list[_Address]:
    try:  # needs no look-up, and so no thread
        found = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        )
    except socket.gaierror:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [(family, address) for family, _, _, _, address in found]


async def _attempt(address: _Address) -> socket.socket:
    family, where = address
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setblocking(False)  # noqa: FBT003 - its only argument
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(made, where)
    except BaseException:
        made.close()
        raise
    return made


async def _first(addresses: Iterable[_Address]) -> socket.socket:
    """The first to answer, each tried once the one before has failed or had its head start; the rest are closed."""
    waiting = deque(addresses)
    attempts: set[asyncio.Task[socket.socket]] = set()
    failure: BaseException = OSError("the host has no address")
    try:
        while waiting or attempts:
            if waiting:
                attempts.add(asyncio.create_task(_attempt(waiting.popleft())))
            done, _ = await asyncio.wait(
                attempts, timeout=HEAD_START if waiting else None, return_when=asyncio.FIRST_COMPLETED
            )
            for attempt in done:
                attempts.remove(attempt)
                error = attempt.exception()
                if error is None:
                    return attempt.result()
                failure = error
        raise failure
    finally:
        for attempt in attempts:
            attempt.cancel()
        for late in await asyncio.gather(*attempts, return_exceptions=True):
            if isinstance(late, socket.socket):
                late.close()
