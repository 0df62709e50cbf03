"""What a field may be loaded by, and loaders that load through others: by either kind of key, by any, raw records.

Each lives as long as the request whose loaders it asks.
"""

import asyncio
from collections.abc import Awaitable, Hashable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import UNSET, Struct

from gateway.backends import Backend
from gateway.problems import ProblemError
from gateway.record_types import type_name
from gateway.safe_loader import SafeLoader, together

if TYPE_CHECKING:
    from gateway.loaders import Loaders

__all__ = [
    "CodeKey",
    "EitherLoader",
    "Loader",
    "NodeLoader",
    "NodesLoader",
    "RawLoader",
    "RecordKey",
    "answered",
    "backend_of",
    "each",
]


class RecordKey(Struct, frozen=True, cache_hash=True):
    """One record by native id, with the attributes wanted."""

    type: str
    backend: str
    native_id: str
    wanted: frozenset[str]


class CodeKey(Struct, frozen=True, cache_hash=True):
    """One customer by code."""

    backend: str
    code: str
    wanted: frozenset[str]


class Loader(Protocol):
    """What a field may be loaded by."""

    def apart(self, key: Any, /) -> Hashable:
        """What is loaded apart: what is below one such part need not wait for another."""

    def load(self, key: Any, /) -> Awaitable[Any]:
        """The value of a key."""

    def load_many(self, keys: Sequence[Any], /) -> Awaitable[Sequence[Any]]:
        """The values of these keys in their order, with an error in the place of each that failed."""


async def each(loader: Any, keys: Sequence[Any]) -> list[Any]:
    """What a loader that knows no better loads for many keys: each by itself, all at once."""
    if len(keys) == 1:
        return [await answered(loader.load(keys[0]))]
    return await asyncio.gather(*map(loader.load, keys), return_exceptions=True)


def backend_of(key: Any) -> Hashable:
    """The backend that a key is of."""
    backend: str = key.backend
    return backend


class EitherLoader:
    """A customer by its code, or a record by its native id."""

    def __init__(self, loaders: "Loaders") -> None:
        self._loaders = loaders

    apart = staticmethod(backend_of)

    def load(self, key: "CodeKey | RecordKey") -> Awaitable[Any]:
        """The record of either kind of key."""
        return self._of(key).load(key)

    def load_many(self, keys: "Sequence[CodeKey | RecordKey]") -> Awaitable[list[Any]]:
        """The customers in the keys' order."""
        return self._of(keys[0]).load_many(keys) if len(keys) == 1 else each(self, keys)

    def _of(self, key: "CodeKey | RecordKey") -> SafeLoader:
        return self._loaders.code if isinstance(key, CodeKey) else self._loaders.record


class RawLoader:
    """The vendor's own form of a record, read in a call of its own where the record came without."""

    apart = staticmethod(backend_of)

    def __init__(self, record: SafeLoader) -> None:
        self._record = record

    async def load_many(self, records: Sequence[Any]) -> list[Any]:
        """Those of these records in their order."""
        unset = [record for record in records if record.raw is UNSET]
        wanted = frozenset(("raw",))
        keys = [RecordKey(type_name(record), record.backend, record.native_id, wanted) for record in unset]
        whole = iter(await self._record.load_many(keys) if keys else ())
        return [_raw(next(whole) if record.raw is UNSET else record) for record in records]

    async def load(self, record: Any) -> Any:
        """That of a record; None where it is gone meanwhile."""
        if record.raw is UNSET:
            key = RecordKey(type_name(record), record.backend, record.native_id, frozenset(("raw",)))
            record = await self._record.load(key)
        return _raw(record)


def _raw(record: Any) -> Any:
    """A record's own form, or why there is no such record."""
    if record is None or isinstance(record, Exception):
        return record
    return None if record.raw is UNSET else record.raw


class NodeLoader:
    """Whatever has a key: a record by its own, a dispatch by its ledger id, a backend as it is; a refusal is raised."""

    apart = staticmethod(together)

    def __init__(self, loaders: "Loaders") -> None:
        self._loaders = loaders

    def load_many(self, keys: Sequence[Any]) -> Awaitable[list[Any]]:
        """The nodes in the keys' order."""
        return each(self, keys)

    async def load(self, key: "RecordKey | CodeKey | str | Backend | ProblemError | None") -> Any:
        """The node, or None."""
        if isinstance(key, RecordKey | CodeKey):
            return await self._loaders.customer.load(key)
        if isinstance(key, ProblemError):
            raise key
        return await self._loaders.dispatch.load(key) if isinstance(key, str) else key


class NodesLoader:
    """Several nodes; one that fails is its error in its place."""

    apart = staticmethod(together)

    def __init__(self, node: NodeLoader) -> None:
        self._node = node

    def load_many(self, keys: Sequence[Any]) -> Awaitable[list[Any]]:
        """Several such lists."""
        return each(self, keys)

    async def load(self, keys: Sequence[Any]) -> list[Any]:
        """The nodes in the keys' order."""
        found = await asyncio.gather(*map(self._node.load, keys), return_exceptions=True)
        return list(found)


async def answered(read: Awaitable[Any]) -> Any:
    """What is read, a failure as a value."""
    try:
        return await read
    except Exception as error:  # noqa: BLE001 - it is the answer
        return error
