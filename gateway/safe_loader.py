"""One loader's batches, whose callers cannot disturb one another, and what each batch is read for."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
from typing import Any

from aiodataloader import DataLoader

from gateway.reading import Reads
from gateway.upstream.needs import current_field, for_keys

__all__ = ["BatchCancelledError", "SafeLoader"]


class SafeLoader(DataLoader[Any, Any]):
    """A DataLoader whose callers cannot disturb one another.

    The executor cancels the siblings of a failed field; a future shared by several fields must outlive that, so each
    caller waits on a shield. A batch answers for every key, even when it is cancelled, as it is when ``reads`` stop.
    """

    def __init__(
        self,
        batch: Callable[[Sequence[Any]], Awaitable[list[Any]]],
        reads: Reads | None = None,
        name: str = "",
    ) -> None:
        super().__init__(batch_load_fn=self._guarded)
        self.name = name
        self._fields: dict[Hashable, list[str]] = {}
        self._batch = batch
        self._reads = reads or Reads()

    def load(self, key: Hashable) -> "asyncio.Future[Any]":
        """The value of ``key``, one future per caller."""
        if (field := current_field()) is not None:
            self._fields.setdefault(key, []).append(field)
        shared = super().load(key)
        shared.add_done_callback(_note_exception)  # its callers may all have left
        return asyncio.shield(shared)

    def noted(self, keys: Iterable[Hashable], count: int, work: Awaitable[Any]) -> Awaitable[Any]:
        """The work, with what it is done for: so many keys, and the fields that need them where such are known."""
        if not self._fields:
            return work
        return for_keys(self.name, (field for key in keys for field in self._fields.get(key, ())), count, work)

    async def _guarded(self, keys: list[Any]) -> list[Any]:
        self._reads.begin()
        try:
            if self._reads.stopped:
                raise asyncio.CancelledError  # noqa: TRY301 - as if it had been cancelled a moment later
            return await self._batch(keys)
        except asyncio.CancelledError:
            return [BatchCancelledError()] * len(keys)
        except Exception as error:  # noqa: BLE001 - becomes the answer for each key; raised again at each caller
            return [error] * len(keys)


def _note_exception(done: "asyncio.Future[Any]") -> None:
    if not done.cancelled():
        done.exception()


class BatchCancelledError(Exception):
    """The batch was cancelled before it answered."""
