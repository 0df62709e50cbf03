"""Which names in a request's ``Host`` are ours: the defence against DNS rebinding.

A page may have its own name resolve to a loopback or inside address from one moment to the next. For the browser all
that is one origin then, and the page reads what a gateway there answers. But the browser sends the page's name as
``Host``, and that name is none of ours.

So a name must be known. An IP address need not be: no name server has a say over an origin that is one. Probes of
orchestrators, scrapers and balancers name an instance by its address, which nobody knows beforehand.
"""

import functools
import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass

from starlette.types import Scope

__all__ = ["Hosts", "Misdirected"]

_AUTHORITY = re.compile(r"(\[[0-9a-f:.]+\]|[^\[\]:]+)(:[0-9]{1,5})?")


@dataclass(frozen=True, slots=True)
class Misdirected:
    """Why a request is for somebody else: the status that it is answered with, and the reason."""

    status: int
    reason: str


_UNCLEAR = Misdirected(400, "The request must have one Host.")


class Hosts:
    """The names that the gateway is reached by, beside those of loopback."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(name.lower().rstrip(".") for name in names)
        self._judged = functools.lru_cache(maxsize=1024)(self._judge)

    def refusal(self, scope: Scope) -> Misdirected | None:
        """Why a request of this scope is not taken, if it is not (RFC 9110, 7.4 and 15.5.20)."""
        named = [text for name, text in scope["headers"] if name == b"host"]
        if len(named) == 1:
            return self._judged(named[0])
        # Before HTTP/1.1 there was none, and simple probes still speak that; browsers do not.
        return None if not named and scope["http_version"] == "1.0" else _UNCLEAR

    def _judge(self, host: bytes) -> Misdirected | None:
        found = _AUTHORITY.fullmatch(host.decode("latin-1").lower())
        if found is None:
            return Misdirected(400, "The request's Host is none.")
        name = found.group(1).rstrip(".")
        if name in self._names or name == "localhost" or name.endswith(".localhost") or _is_address(name):
            return None
        return Misdirected(
            421, "The gateway does not know itself by this Host. If it should, add it to [server] allowed_hosts."
        )


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True
