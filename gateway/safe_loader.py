"""One loader's batches, whose callers cannot disturb one another, and what each batch is read for.

What is asked in one turn of the event loop is read together: a batch for each backend, so that one which answers soon
is not held back by one which does not. Nothing is read twice, but for what is read fresh (`adapters.freshness`): that
is neither answered by a batch that began otherwise, nor read together with one.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Generator, Hashable, Iterable, Mapping, Sequence
from itertools import chain, islice
from typing import Any, Self

from aiodataloader import DataLoader, Loader, dispatch_queue_batch

from adapters.freshness import is_reading_fresh
from gateway.reading import Reads
from gateway.upstream.needs import current_field, for_keys

__all__ = ["BatchCancelledError", "SafeLoader", "together"]

_Asked = tuple[Hashable, ...]
"""Keys that one caller asks for first."""

_Answers = Mapping[Hashable, Any]
"""What a batch brought: for each key a value, or an error in its place."""


class BatchCancelledError(Exception):
    """The batch was cancelled before it answered."""


def together(_: Hashable) -> Hashable:
    """All keys belong to one batch."""
    return None


class _Batch:
    """What one caller asked for first, and its answers: the library resolves it as it does the futures of its own.

    Whoever waits has another future: when one is cancelled, the others still get the answers.
    """

    __slots__ = ("_error", "_loop", "_waiting", "answers")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.answers: _Answers | None = None
        self._error: Exception | None = None
        self._loop = loop
        self._waiting: list[asyncio.Future[_Answers]] = []

    def coming(self) -> "asyncio.Future[_Answers]":
        """The answers, for one who waits for them."""
        future = self._loop.create_future()
        if self.answers is not None:
            future.set_result(self.answers)
        elif self._error is not None:
            future.set_exception(self._error)
        else:
            self._waiting.append(future)
        return future

    def done(self) -> bool:
        """Whether it is resolved."""
        return self.answers is not None or self._error is not None

    def set_result(self, answers: _Answers) -> None:
        """Gives all who wait the answers."""
        self.answers = answers
        for future in self._waiting:
            if not future.done():
                future.set_result(answers)

    def set_exception(self, error: Exception) -> None:
        """Tells all who wait what went wrong."""
        self._error = error
        for future in self._waiting:
            if not future.done():
                future.set_exception(error)


class _Batches(DataLoader[_Asked, _Answers]):
    """The library's loader, of what one caller asks for together: a level of many keys is one entry of its queue.

    A batch is read two turns after its first keys came, so that what is asked by those whom the same turn wakes is read
    with it: its task begins a turn after it is made, and takes the queue as it is then. The library makes a task for
    that, and another one to read. Where the request asks for one thing at a time the batch is read in the next turn,
    with what this turn asks for: hundreds of requests at once go from turn to turn together, and each has to wait in
    each of its turns for all the others.
    """

    def __init__(self, loader: "SafeLoader") -> None:
        # The library's own asks, for each request anew, of what kind the function is that reads.
        self.loop = asyncio.get_running_loop()
        self._queue = []
        self._loader = loader

    def batch_load_fn(self, asked: Sequence[_Asked]) -> Coroutine[Any, Any, list[_Answers]]:
        """What was asked until now, read: what is asked from here on is another batch."""
        self._queue = []
        return self._loader.read(asked, self.loop)

    def ask(self, keys: _Asked) -> _Batch:
        """Puts keys in the queue, and has it read."""
        batch = _Batch(self.loop)
        self._queue.append(Loader(keys, batch))
        if len(self._queue) == 1:
            if self._loader.reads.one_by_one:
                self._dispatch()
            else:
                self.loop.call_soon(self._dispatch)
        return batch

    def clear(self, key: _Asked) -> Self:  # noqa: ARG002 - the library's signature
        """Forgets nothing, for nothing is kept here: what was asked is, by the key."""
        return self

    def _dispatch(self) -> None:
        """Has the library read what will be in the queue."""
        self.loop.create_task(dispatch_queue_batch(self, self._queue))


class _Value:
    """One key's value, for whoever awaits it. A coroutine would complain where nobody does, as of a lost field."""

    __slots__ = ("_batch", "_key")

    def __init__(self, batch: _Batch, key: Hashable) -> None:
        self._batch = batch
        self._key = key

    def __await__(self) -> Generator[Any, None, Any]:
        value = (self._batch.answers or (yield from self._batch.coming()))[self._key]
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
        self.reads = reads or Reads()
        self._fields: dict[Hashable, list[str]] = {}
        self._asked: dict[Hashable, _Batch] = {}
        self._asked_fresh: set[Hashable] = set()
        self._batches: dict[tuple[Hashable, bool], _Batches] = {}

    def load(self, key: Hashable) -> Awaitable[Any]:
        """The value of a key, which is asked for at once; awaiting it raises the error that stands in its place."""
        return _Value(self._ask_one(key), key)

    def load_many(self, keys: Sequence[Hashable]) -> Awaitable[list[Any]]:
        """The values of these keys in their order, with an error in the place of each that failed; likewise."""
        if len(keys) == 1:
            return _values_of(self._ask_one(keys[0]), keys)
        alone = not self._asked
        if self._ask(keys) == 1 and alone:
            return _values_of(self._asked[keys[0]], keys)
        return _values([self._asked[key] for key in keys], keys)

    def let_go(self) -> None:
        """Lets go of what was read; whoever waits for something of it still gets it.

        A loader and its batches hold one another, and so all that was read, until the garbage collector comes by.
        """
        self._fields, self._asked, self._asked_fresh, self._batches = {}, {}, set(), {}

    def noted(self, keys: Iterable[Hashable], count: int, work: Awaitable[Any]) -> Awaitable[Any]:
        """The work, with what it is done for: so many keys, and the fields that need them where such are known."""
        if not self._fields:
            return work
        return for_keys(self.name, (field for key in keys for field in self._fields.get(key, ())), count, work)

    async def read(self, asked: Sequence[_Asked], loop: asyncio.AbstractEventLoop) -> list[_Answers]:
        """Reads what these callers asked for, in this loop's task for it.

        The task is in the context of whoever was the first to ask: all others asked to be read as fresh as that.
        """
        keys = asked[0] if len(asked) == 1 else tuple(dict.fromkeys(chain.from_iterable(asked)))
        found: list[Any]
        task = self.reads.begin(loop)
        try:
            if self.reads.stopped:
                raise asyncio.CancelledError  # noqa: TRY301 - as if it had been cancelled a moment later
            found = await self._batch(keys)
        except asyncio.CancelledError:
            found = [BatchCancelledError()] * len(keys)
        except Exception as error:  # noqa: BLE001 - becomes the answer for each key; raised again at each caller
            found = [error] * len(keys)
        finally:
            self.reads.end(task)
        answers: _Answers = dict(zip(keys, found, strict=True))
        return [answers] * len(asked)

    def _ask_one(self, key: Hashable) -> _Batch:
        """Asks for what nobody has asked for yet, or not to be fresh; the batch that it is part of."""
        field = current_field()
        if field is not None:
            self._fields.setdefault(key, []).append(field)
        fresh = is_reading_fresh()
        batch = self._asked.get(key)
        if batch is None or (fresh and key not in self._asked_fresh):
            batch = self._asked[key] = self._batches_of(self.apart(key), fresh=fresh).ask((key,))
            if fresh:
                self._asked_fresh.add(key)
        return batch

    def _ask(self, keys: Sequence[Hashable]) -> int:
        """Likewise for many keys; of how many batches what is new is part."""
        field = current_field()
        if field is not None:
            for key in keys:
                self._fields.setdefault(key, []).append(field)
        fresh = is_reading_fresh()
        asked = self._asked_fresh if fresh else self._asked
        new = dict.fromkeys([key for key in keys if key not in asked] if asked else keys)
        groups = self._groups(new)
        for group, wanted in groups:
            self._asked |= dict.fromkeys(wanted, self._batches_of(group, fresh=fresh).ask(wanted))
            if fresh:
                self._asked_fresh.update(wanted)
        return len(groups)

    def _batches_of(self, group: Hashable, *, fresh: bool) -> _Batches:
        batches = self._batches.get((group, fresh))
        if batches is None:
            batches = self._batches[group, fresh] = _Batches(self)
        return batches

    def _groups(self, keys: Mapping[Hashable, None]) -> Sequence[tuple[Hashable, _Asked]]:
        """The keys that are read together, by what sets them apart."""
        if len(keys) <= 1 or self.apart is together:
            return [(self.apart(key), tuple(keys)) for key in islice(keys, 1)]
        groups: dict[Hashable, list[Hashable]] = {}
        for key in keys:
            groups.setdefault(self.apart(key), []).append(key)
        return [(group, tuple(wanted)) for group, wanted in groups.items()]


async def _values_of(batch: _Batch, keys: Sequence[Hashable]) -> list[Any]:
    return list(map((batch.answers or await batch.coming()).__getitem__, keys))


async def _values(batches: Sequence[_Batch], keys: Sequence[Hashable]) -> list[Any]:
    answers = {batch: batch.answers or await batch.coming() for batch in set(batches)}
    return [answers[batch][key] for batch, key in zip(batches, keys, strict=True)]
