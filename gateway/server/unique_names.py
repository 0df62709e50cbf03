"""Whether an object in JSON has a name twice (RFC 8259, 4, leaves what that means to each reader).

The gateway would take the last. Whoever looked at the request before it, such as a proxy that lets only some through,
may have taken the first.
"""

import json
from typing import Any, NoReturn

from msgspec import Struct
from msgspec.structs import astuple

__all__ = ["RepeatedNameError", "require_unique_names"]


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
    if text.count(b":") < 2:  # a name has one
        return
    if text.count(b'":') == _names_in(decoded) and not _has_space_behind_a_mark(text):
        return
    plain = text.replace(b"\\\\", b"").replace(b'\\"', b"") if b"\\" in text else text
    pieces = plain.split(b'"')  # every text, one after another, and what stands between them
    names = [name for name, behind in zip(pieces[1::2], pieces[2::2], strict=True) if b":" in behind]
    if len(set(names)) < len(names) or any(b"\\" in name for name in names):
        json.loads(text, object_pairs_hook=_unique, parse_int=str, parse_float=str)


def _has_space_behind_a_mark(text: bytes) -> bool:
    """Whether a name might be followed by white space, and then by its colon."""
    return b'" ' in text or b'"\n' in text or b'"\r' in text or b'"\t' in text


def _names_in(decoded: Any) -> int:
    """How many different names there are at least in the JSON that this was read from, those of each object."""
    count, containers = 0, [decoded]
    for container in containers:
        members: Any = ()
        if isinstance(container, dict):
            count += len(container)
            members = container.values()
        elif isinstance(container, list):
            members = container
        elif isinstance(container, Struct):
            members = [member for member in astuple(container) if member is not None]
            count += len(members)
        containers += [member for member in members if isinstance(member, dict | list)]
    return count


def _unique(pairs: list[tuple[str, Any]]) -> None:
    seen = set()
    for name, _ in pairs:
        if name in seen:
            _refuse(name)
        seen.add(name)


def _refuse(name: str) -> NoReturn:
    raise RepeatedNameError(name)
