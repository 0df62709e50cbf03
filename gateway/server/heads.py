"""The heads of answers as they are sent. Most differ from one before in their length alone: all else is made once."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from uvicorn.protocols.http.httptools_impl import HEADER_RE, HEADER_VALUE_RE, STATUS_LINE

__all__ = ["Head", "Header", "Heads"]

Header = tuple[bytes, bytes]

MOST_KNOWN: Final = 256
"""Heads that are kept: an endpoint has few, and those with a time or a tag in them come again no more."""

_FRAMING: Final = frozenset((b"content-length", b"transfer-encoding", b"connection"))
"""The fields by which a server decides how an answer is framed, and what becomes of the connection."""


class Head(Struct, frozen=True):
    """A head, and how many bytes come after it."""

    text: bytes
    length: int


class Heads:
    """What was made of heads before. ``defaults`` are the server's own fields, a new list whenever they change."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, tuple[Header, ...]], bytes | None] = {}
        self._defaults: Sequence[Header] = ()
        self._default_lines = b""

    def plain(self, status: int, headers: Sequence[Header], defaults: Sequence[Header]) -> Head | None:
        """The head of an answer of one piece, whose length is the last of its fields.

        None where it is not as plain as that: another field decides how it is framed, or one is not valid.
        """
        if not headers:
            return None
        *others, (name, length) = headers
        if name != b"content-length" or not length.isdigit():
            return None
        text = self.text(status, tuple(others), length, defaults)
        return None if text is None else Head(text, int(length))

    def text(self, status: int, headers: tuple[Header, ...], length: bytes, defaults: Sequence[Header]) -> bytes | None:
        """The same of its fields without that length, and of the length in digits: what is sent."""
        key = (status, headers)
        known = self._known[key] if key in self._known else self._keep(key)
        if known is None:
            return None
        if defaults is not self._defaults:
            self._defaults, self._default_lines = defaults, _lines(defaults)
        return b"%b%b%bcontent-length: %b\r\n\r\n" % (STATUS_LINE[status], self._default_lines, known, length)

    def _keep(self, key: tuple[int, tuple[Header, ...]]) -> bytes | None:
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        status, headers = key
        plain = status in STATUS_LINE and all(_is_plain(name, text) for name, text in headers)
        made = self._known[key] = _lines(headers) if plain else None
        return made


def _is_plain(name: bytes, text: bytes) -> bool:
    return name.lower() not in _FRAMING and not HEADER_RE.search(name) and not HEADER_VALUE_RE.search(text)


def _lines(headers: Sequence[Header]) -> bytes:
    return b"".join(b"%b: %b\r\n" % (name.lower(), text) for name, text in headers)
