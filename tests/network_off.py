"""Whatever a test reaches for beyond loopback is refused: looking up a name, connecting, sending a datagram.

Python's own sockets are watched by an audit hook, which code under test can neither replace nor avoid. uvloop opens
sockets in C, unseen by it, so the methods by which its loop reaches out are wrapped. Subprocesses are not watched.
"""

import functools
import ipaddress
import sys
from collections.abc import Callable
from typing import Any

import uvloop

# Where in the arguments the other side stands: a host, or an address whose first item is one.
_AUDIT_EVENTS = {
    "socket.connect": 1,
    "socket.sendto": 1,
    "socket.sendmsg": 1,
    "socket.getaddrinfo": 0,
    "socket.gethostbyname": 0,
    "socket.gethostbyaddr": 0,
    "socket.getnameinfo": 0,
}
_UVLOOP_METHODS = {"create_connection": 1, "getaddrinfo": 0}


class NetworkIsOffError(RuntimeError):
    """A test reached for another host; no OSError, so that code which handles those cannot hide it."""

    def __init__(self, host: str) -> None:
        super().__init__(f"the network is off in tests, and this one reached for {host!r}; only loopback is there")


def switch_off() -> None:
    """Refuse other hosts from here to the end of the process."""
    sys.addaudithook(_audit)
    for name, position in _UVLOOP_METHODS.items():
        setattr(uvloop.Loop, name, _watched(getattr(uvloop.Loop, name), position))


def is_local(host: object) -> bool:
    """Whether a host is this machine's loopback, or none at all: every address (to listen on), or no name."""
    if isinstance(host, bytes):
        host = host.decode(errors="replace")
    if not isinstance(host, str) or host in {"", "localhost"}:
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _refuse(host: object) -> None:
    if not is_local(host):
        raise NetworkIsOffError(str(host))


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in _AUDIT_EVENTS:
        return
    position = _AUDIT_EVENTS[event]
    other = arguments[position]
    if isinstance(other, tuple):
        _refuse(other[0])
    elif position == 0:  # a bare name; in a socket's event it would be a Unix socket's path
        _refuse(other)


def _watched(method: Callable[..., Any], position: int) -> Callable[..., Any]:
    @functools.wraps(method)
    def watched(loop: uvloop.Loop, *arguments: Any, **options: Any) -> Any:
        _refuse(arguments[position] if position < len(arguments) else options.get("host"))
        return method(loop, *arguments, **options)

    return watched
