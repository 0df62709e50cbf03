"""Answers kept in this process, up to so many bytes: what was not asked for longest goes first."""

import sys
import time
from collections import OrderedDict
from collections.abc import Callable

from msgspec import Struct

from gateway.upstream.cache_store import Found, Kept

__all__ = ["MemoryStore"]

ENTRY_BYTES = 640
"""What an entry takes beside its headers and body, with its place in the index; measured on CPython 3.11."""

LARGEST_PART = 16
"""An answer above this part of the bound is not kept: it would throw out too much that is asked for more often."""


class _Entry(Struct):
    backend: str
    kept: Kept
    expires: float
    size: int


class MemoryStore:
    """Keeps at most ``bound`` bytes, keys and index included."""

    def __init__(self, bound: int, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._bound = bound
        self._monotonic = monotonic
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._keys: dict[str, set[str]] = {}
        self._generations: dict[str, int] = {}
        self.size = 0

    async def find(self, backend: str, key: str) -> Found:
        """What is kept under this key."""
        generation = self._generation(backend)
        entry = self._entries.get(key)
        if entry is None:
            return Found(generation)
        fresh = self._monotonic() < entry.expires
        if not fresh and not entry.kept.conditions:
            self._remove(key)
            return Found(generation)
        self._entries.move_to_end(key)
        return Found(generation, entry.kept, fresh)

    async def keep(self, backend: str, key: str, generation: bytes, kept: Kept, seconds: float) -> None:
        """Keeps an answer, in place of others where need be."""
        size = _size_of(kept)
        if generation != self._generation(backend) or size > self._bound // LARGEST_PART:
            return
        if key in self._entries:
            self._remove(key)
        self._entries[key] = _Entry(backend, kept, self._monotonic() + seconds, size)
        self._keys.setdefault(backend, set()).add(key)
        self.size += size
        while self.size > self._bound:
            self._remove(next(iter(self._entries)))

    async def drop(self, backend: str) -> None:
        """Ends everything kept of a backend."""
        self._generations[backend] = self._generations.get(backend, 0) + 1
        for key in tuple(self._keys.get(backend, ())):
            self._remove(key)

    def _generation(self, backend: str) -> bytes:
        return self._generations.get(backend, 0).to_bytes(8)

    def _remove(self, key: str) -> None:
        entry = self._entries.pop(key)
        self.size -= entry.size
        self._keys[entry.backend].discard(key)


def _size_of(kept: Kept) -> int:
    headers = sum(
        sys.getsizeof(name) + sys.getsizeof(value) + sys.getsizeof((name, value)) for name, value in kept.headers
    )
    return ENTRY_BYTES + headers + sys.getsizeof(kept.headers) + sys.getsizeof(kept.body)
