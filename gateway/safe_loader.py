"""One loader's batches, whose callers cannot disturb one another, and what each batch is read for.

What is asked in one turn of the event loop is read together: a batch for each backend, so that one which answers soon
is not held back by one which does not. Nothing is read twice, but for what is read fresh (`adapters.freshness`): that
is neither answered by a batch that began otherwise, nor read together with one.
"""

import asyncio
from collections.abc import Awaitable, Callable, Generator, Hashable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from adapters.freshness import is_reading_fresh, reading_fresh
from gateway.reading import Reads
from gateway.upstream.needs import current_field, for_keys

__all__ = ["BatchCancelledError", "SafeLoader", "together"]

_Answers = Mapping[Hashable, Any]
"""What a batch brought: for each key a value, or an error in its place."""


class BatchCancelledError(Exception):
    """The batch was cancelled before it answered."""


def together(_: Hashable) -> Hashable:
    """All keys belong to one batch."""
    return None


class _Batch:
    """Keys that are read together, and what they are answered: known once it is read."""

    __slots__ = ("_waiting", "answers", "fresh", "group", "keys")

    def __init__(self, group: Hashable, *, fresh: bool) -> None:
        self.group = group
        self.fresh = fresh
        self.keys: list[Hashable] = []
        self.answers: _Answers | None = None
        self._waiting: list[asyncio.Future[None]] = []

    async def read(self) -> _Answers:
        """Its answers. Whoever waits for them may leave, and the others still get them."""
        while self.answers is None:
            waiting = asyncio.get_running_loop().create_future()
            self._waiting.append(waiting)
            await waiting
        return self.answers

    def answer(self, answers: _Answers) -> None:
        """Gives all who wait the answers."""
        self.answers = answers
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)


class _Value:
    """One key's value, for whoever awaits it. A coroutine would complain where nobody does, as of a lost field."""

    __slots__ = ("_batch", "_key")

    def __init__(self, batch: _Batch, key: Hashable) -> None:
        self._batch = batch
        self._key = key

    def __await__(self) -> Generator[Any, None, Any]:
        return self._read().__await__()

    async def _read(self) -> Any:
        value = (await self._batch.read())[self._key]
        if isinstance(value, Exception):
            raise value
        return value


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
        self._asked_fresh: set[Hashable] = set()
        self._open: dict[tuple[Hashable, bool], _Batch] = {}
        """The batches that may still be added to."""

    def load(self, key: Hashable) -> Awaitable[Any]:
        """The value of a key, which is asked for at once; awaiting it raises the error that stands in its place."""
        self._ask((key,))
        return _Value(self._asked[key], key)

    def load_many(self, keys: Sequence[Hashable]) -> Awaitable[list[Any]]:
        """The values of these keys in their order, with an error in the place of each that failed; likewise."""
        alone = not self._asked
        if self._ask(keys) == 1 and alone:
            return self._values_of(self._asked[keys[0]], keys)
        return self._values([self._asked[key] for key in keys], keys)

    def let_go(self) -> None:
        """Lets go of what was read; whoever waits for something of it still gets it.

        A loader and its batches hold one another, and so all that was read, until the garbage collector comes by.
        """
        self._fields, self._asked, self._asked_fresh, self._open = {}, {}, set(), {}

    def noted(self, keys: Iterable[Hashable], count: int, work: Awaitable[Any]) -> Awaitable[Any]:
        """The work, with what it is done for: so many keys, and the fields that need them where such are known."""
        if not self._fields:
            return work
        return for_keys(self.name, (field for key in keys for field in self._fields.get(key, ())), count, work)

    async def _values_of(self, batch: _Batch, keys: Sequence[Hashable]) -> list[Any]:
        return list(map((await batch.read()).__getitem__, keys))

    async def _values(self, batches: Sequence[_Batch], keys: Sequence[Hashable]) -> list[Any]:
        answers = {batch: await batch.read() for batch in set(batches)}
        return [answers[batch][key] for batch, key in zip(batches, keys, strict=True)]

    def _ask(self, keys: Sequence[Hashable]) -> int:
        """Asks for what nobody has asked for yet, or not to be fresh; of how many batches that is part."""
        field = current_field()
        if field is not None:
            for key in keys:
                self._fields.setdefault(key, []).append(field)
        fresh = is_reading_fresh()
        asked = self._asked_fresh if fresh else self._asked
        new = dict.fromkeys([key for key in keys if key not in asked] if asked else keys)
        groups = self._groups(new)
        for group, wanted in groups:
            batch = self._batch_for(group, fresh=fresh)
            batch.keys += wanted
            self._asked |= dict.fromkeys(wanted, batch)
            if fresh:
                self._asked_fresh.update(wanted)
        return len(groups)

    def _batch_for(self, group: Hashable, *, fresh: bool) -> _Batch:
        """The batch of this group that may be added to. It is read two turns from now.

        So what is asked by those whom the same turn wakes is read with it.
        """
        batch = self._open.get((group, fresh))
        if batch is None:
            batch = self._open[group, fresh] = _Batch(group, fresh=fresh)
            loop = asyncio.get_running_loop()
            loop.call_soon(loop.call_soon, self._begin, batch)
        return batch

    def _begin(self, batch: _Batch) -> None:
        which = (batch.group, batch.fresh)
        if self._open.get(which) is batch:
            del self._open[which]
        asyncio.get_running_loop().create_task(self._read(batch))

    def _groups(self, keys: Mapping[Hashable, None]) -> Sequence[tuple[Hashable, Iterable[Hashable]]]:
        """The keys that are read together, by what sets them apart."""
        if len(keys) <= 1 or self.apart is together:
            return [(self.apart(key), keys) for key in islice(keys, 1)]
        groups: dict[Hashable, list[Hashable]] = {}
        for key in keys:
            groups.setdefault(self.apart(key), []).append(key)
        return [*groups.items()]

    async def _read(self, batch: _Batch) -> None:
        keys, fresh = batch.keys, batch.fresh
        if is_reading_fresh() == fresh:
            found = await self._guarded(keys)
        else:
            with reading_fresh(fresh=fresh):  # a batch's task is in the context of whoever was the first to ask
                found = await self._guarded(keys)
        batch.answer(dict(zip(keys, found, strict=True)))

    async def _guarded(self, keys: Sequence[Hashable]) -> list[Any]:
        self._reads.begin()
        try:
            if self._reads.stopped:
                raise asyncio.CancelledError  # noqa: TRY301 - as if it had been cancelled a moment later
            return await self._batch(keys)
        except asyncio.CancelledError:
            return [BatchCancelledError()] * len(keys)
        except Exception as error:  # noqa: BLE001 - becomes the answer for each key; raised again at each caller
            return [error] * len(keys)
