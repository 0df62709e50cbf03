"""Whether an object in JSON has a name twice (RFC 8259, 4, leaves what that means to each reader).

The gateway would take the last. Whoever looked at the request before it, such as a proxy that lets only some through,
may have taken the first.
"""

import json
import re
from typing import Any, Final, NoReturn

from msgspec import Struct
from msgspec.structs import astuple

__all__ = ["RepeatedNameError", "require_unique_names"]


_CONTAINERS: Final = frozenset((dict, list))


_SPACE_BEHIND_A_MARK: Final = re.compile(rb'"[ \n\r\t]').search
"""Finds where a name might be followed by white space, and then by its colon."""


class RepeatedNameError(ValueError):
    """An object has this name twice."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def require_unique_names(text: bytes, decoded: Any = None) -> None:
    """Takes JSON that is known to be valid. Raises `RepeatedNameError`.

    ``decoded`` is what it was read to, or a part of that; of names that stand twice it has one. So where it has as many
    as the text can have at most, there is no other: that is seen at a fraction of the cost. Names that are all
    different, wherever they stand, need no closer look either.
    """
    if text.count(b'":') == _names_in(decoded) and not _SPACE_BEHIND_A_MARK(text):
        return
    plain = text.replace(b"\\\\", b"").replace(b'\\"', b"") if b"\\" in text else text
    pieces = plain.split(b'"')  # every text, one after another, and what stands between them
    names = [name for name, behind in zip(pieces[1::2], pieces[2::2], strict=True) if b":" in behind]
    if len(set(names)) < len(names) or any(b"\\" in name for name in names):
        json.loads(text, object_pairs_hook=_unique, parse_int=str, parse_float=str)


def _names_in(decoded: Any) -> int:
    """How many different names there are at least in the JSON that this was read from, those of each object."""
    members: Any = (decoded,)
    count = 0
    if isinstance(decoded, Struct):
        members = astuple(decoded)
        count = len(members) - members.count(None)
    containers = [member for member in members if type(member) in _CONTAINERS]
    for container in containers:
        if type(container) is dict:
            count += len(container)
            members = container.values()
        else:
            members = container
        for member in members:
            if type(member) in _CONTAINERS:
                containers.append(member)  # noqa: PERF401 - they are few, and of most there are none
    return count


def _unique(pairs: list[tuple[str, Any]]) -> None:
    seen = set()
    for name, _ in pairs:
        if name in seen:
            _refuse(name)
        seen.add(name)


def _refuse(name: str) -> NoReturn:
    raise RepeatedNameError(name)
