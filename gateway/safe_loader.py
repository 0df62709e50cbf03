"""One loader's batches, whose callers cannot disturb one another, and what each batch is read for.

What is asked in one turn of the event loop is read together: a batch for each backend, so that one which answers soon
is not held back by one which does not. Nothing is read twice, but for what is read fresh (`adapters.freshness`): that
is neither answered by a batch that began otherwise, nor read together with one.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any

from adapters.freshness import is_reading_fresh, reading_fresh
from gateway.reading import Reads
from gateway.upstream.needs import current_field, for_keys

__all__ = ["BatchCancelledError", "SafeLoader", "together"]


class BatchCancelledError(Exception):
    """The batch was cancelled before it answered."""


class _Batch:
    """Keys that are read together, and in the end an answer for each: a value, or an error in its place."""

    __slots__ = ("answers", "callers", "fresh", "keys")

    def __init__(self, *, fresh: bool) -> None:
        self.fresh = fresh
        self.keys: dict[Hashable, None] = {}
        self.answers: dict[Hashable, Any] | None = None
        self.callers: list[asyncio.Future[None]] = []

    def settle(self, values: Iterable[Any]) -> None:
        self.answers = dict(zip(self.keys, values, strict=True))
        for caller in self.callers:
            if not caller.done():
                caller.set_result(None)


def together(_: Hashable) -> Hashable:
    """All keys belong to one batch."""
    return None


class SafeLoader:
    """Reads by key. ``apart`` tells which keys are read apart from one another: as a rule by their backend.

    ``batch`` answers keys in their order, with an error in the place of each that failed. It runs in a task of its own,
    so that a caller that is cancelled, as the siblings of a failed field are, leaves the others theirs; a batch answers
    for every key, even when it is cancelled, as it is when ``reads`` stop.
    """

    def __init__(
        self,
        batch: Callable[[Sequence[Any]], Awaitable[list[Any]]],
        reads: Reads | None = None,
        name: str = "",
        apart: Callable[[Any], Hashable] = together,
    ) -> None:
        self.name = name
        self.apart = apart
        self._batch = batch
        self._reads = reads or Reads()
        self._fields: dict[Hashable, list[str]] = {}
        self._asked: dict[Hashable, _Batch] = {}
        self._open: dict[tuple[Hashable, bool], _Batch] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()

    def load(self, key: Hashable) -> Awaitable[Any]:
        """The value of a key, which is asked for at once; awaiting it raises the error that stands in its place."""
        return self._value(self._batch_of(key), key)

    def load_many(self, keys: Sequence[Hashable]) -> Awaitable[list[Any]]:
        """The values of these keys in their order, with an error in the place of each that failed; likewise."""
        return self._values([self._batch_of(key) for key in keys], keys)

    async def _value(self, batch: _Batch, key: Hashable) -> Any:
        value = (await self._answers(batch))[key]
        if isinstance(value, Exception):
            raise value
        return value

    async def _values(self, batches: Sequence[_Batch], keys: Sequence[Hashable]) -> list[Any]:
        answers = {batch: await self._answers(batch) for batch in set(batches)}
        return [answers[batch][key] for batch, key in zip(batches, keys, strict=True)]

    async def _answers(self, batch: _Batch) -> Mapping[Hashable, Any]:
        """Waits until the batch is settled."""
        while batch.answers is None:
            caller = self._loop.create_future()
            batch.callers.append(caller)
            await caller
        return batch.answers

    def noted(self, keys: Iterable[Hashable], count: int, work: Awaitable[Any]) -> Awaitable[Any]:
        """The work, with what it is done for: so many keys, and the fields that need them where such are known."""
        if not self._fields:
            return work
        return for_keys(self.name, (field for key in keys for field in self._fields.get(key, ())), count, work)

    def _batch_of(self, key: Hashable) -> _Batch:
        if (field := current_field()) is not None:
            self._fields.setdefault(key, []).append(field)
        batch = self._asked.get(key)
        fresh = is_reading_fresh()
        if batch is None or fresh > batch.fresh:
            batch = self._asked[key] = self._open_batch(self.apart(key), fresh=fresh)
            batch.keys[key] = None
        return batch

    def _open_batch(self, group: Hashable, *, fresh: bool) -> _Batch:
        batch = self._open.get((group, fresh))
        if batch is None:
            if not self._open:
                self._loop.call_soon(self._loop.call_soon, self._begin)
            batch = self._open[group, fresh] = _Batch(fresh=fresh)
        return batch

    def _begin(self) -> None:
        """Begins to read what has been asked until now."""
        batches, self._open = self._open, {}
        for batch in batches.values():
            self._tasks.add(task := self._loop.create_task(self._answer(batch)))
            task.add_done_callback(self._tasks.discard)

    async def _answer(self, batch: _Batch) -> None:
        keys = list(batch.keys)
        self._reads.begin()
        try:
            if self._reads.stopped:
                raise asyncio.CancelledError  # noqa: TRY301 - as if it had been cancelled a moment later
            with reading_fresh(fresh=batch.fresh):
                batch.settle(await self._batch(keys))
        except asyncio.CancelledError:
            batch.settle([BatchCancelledError()] * len(keys))
        except Exception as error:  # noqa: BLE001 - becomes the answer for each key; raised again at each caller
            batch.settle([error] * len(keys))
