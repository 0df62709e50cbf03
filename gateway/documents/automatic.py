"""Documents that clients gave us to keep by their hash ("automatic persisted queries"), in memory.

What is kept is found by the hash of its own text, so whoever finds it knows it already; nothing of it is anybody's.
"""

from collections import OrderedDict
from hashlib import sha256
from typing import Final, Protocol

__all__ = ["KeptDocuments", "MemoryDocuments", "hash_of"]

MOST_CHARACTERS: Final = 4_000_000
"""Of all texts kept in memory: some thousand documents."""


def hash_of(text: str) -> str:
    """The SHA-256 of a text's UTF-8, hexadecimal."""
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class KeptDocuments(Protocol):
    """Documents by their hash."""

    async def get(self, hash: str) -> str | None:
        """The text of this hash, if it is known."""

    async def keep(self, hash: str, text: str) -> None:
        """Keeps a text for a time."""


class MemoryDocuments:
    """Keeps documents in this process; those that were not asked for longest go first."""

    def __init__(self, most_characters: int = MOST_CHARACTERS) -> None:
        self._most = most_characters
        self._characters = 0
        self._texts: OrderedDict[str, str] = OrderedDict()

    async def get(self, hash: str) -> str | None:
        """The text of this hash, if it is known."""
        text = self._texts.get(hash)
        if text is not None:
            self._texts.move_to_end(hash)
        return text

    async def keep(self, hash: str, text: str) -> None:
        """Keeps a text until there are too many."""
        if hash in self._texts:
            return
        self._texts[hash] = text
        self._characters += len(text)
        while self._characters > self._most:
            _, gone = self._texts.popitem(last=False)
            self._characters -= len(gone)
