"""Reading one of the vendor's endpoints as records of ours: parts of its list, and records by key."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import UNSET

from adapters.contract import Limits
from adapters.errors import AdapterError
from adapters.model import Customer, Letter
from adapters.paging import Rows
from adapters.smallinvoice.client import Client, Endpoint, Sort
from adapters.smallinvoice.rows import ClientRow, LetterRow
from adapters.smallinvoice.translate import NATIVE_ID

__all__ = ["Records", "lacks"]

R = TypeVar("R", bound=ClientRow | LetterRow)
T = TypeVar("T", bound=Customer | Letter)


class Records(Generic[R, T]):
    """The records of one endpoint."""

    def __init__(
        self, client: Client, endpoint: Endpoint[R], to_models: Callable[..., Sequence[T]], limits: Limits
    ) -> None:
        self._client = client
        self._endpoint = endpoint
        self._to_models = to_models
        self._page_size = limits.page_size

    async def part(self, number: int, size: int, sort: Sort | None, wanted: frozenset[str]) -> Rows:
        """The ``number``-th page (from 1) of ``size`` records."""
        part = await self._client.page(self._endpoint, number, size, sort, wanted)
        return Rows(self._to_models(part.rows, part.raws, backend=self._client.backend, wanted=wanted), part.count)

    async def by_key(self, keys: Sequence[str], wanted: frozenset[str]) -> dict[str, T | AdapterError | None]:
        """Records by native id, in few calls.

        A single one is asked for by its id. For several, pages of the list are read as long as fewer of them are left
        than records are missing; what is missing then is asked for by id. That is one call for any number of records
        while the list fits on a page, and at most one call more than one for each record where it does not.
        """
        found: dict[str, T | AdapterError | None] = {}
        missing = [key for key in dict.fromkeys(keys) if NATIVE_ID.fullmatch(key)]
        number, left = 1, 1
        while 0 < left < len(missing):
            rows = await self.part(number, self._page_size, None, wanted)
            found |= {record.native_id: record for record in rows.records if not lacks(record, wanted)}
            missing = [key for key in missing if key not in found]
            left = -(-(rows.total or 0) // self._page_size) - number
            number += 1
        if len(missing) == 1:  # needs no task of its own
            found[missing[0]] = await self._one(missing[0], wanted)
        else:
            read = await asyncio.gather(*(self._one(key, wanted) for key in missing))
            found |= zip(missing, read, strict=True)
        return {key: found.get(key) for key in keys}

    async def _one(self, key: str, wanted: frozenset[str]) -> T | AdapterError | None:
        try:
            answer = await self._client.get(self._endpoint, key, wanted)
        except AdapterError as error:
            return error
        if answer is None:
            return None
        row, raw = answer
        raws = None if raw is UNSET else [raw]
        (record,) = self._to_models([row], raws, backend=self._client.backend)
        absent = [name for name in record.__struct_fields__ if name != "raw" and getattr(record, name) is UNSET]
        return msgspec.structs.replace(record, **dict.fromkeys(absent))


def lacks(record: Any, wanted: frozenset[str]) -> bool:
    """Whether a wanted attribute was not part of a list's row."""
    return any(getattr(record, name, None) is UNSET for name in wanted)
