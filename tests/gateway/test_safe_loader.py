"""One loader's batches: who is read together, in which order all are answered, and that nobody disturbs another."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from adapters.errors import Unavailable
from adapters.freshness import is_reading_fresh, reading_fresh
from gateway.reading import Reads
from gateway.safe_loader import BatchCancelledError, SafeLoader
from tests.patience import PATIENCE


async def test_a_caller_that_is_cancelled_leaves_the_load_to_the_others() -> None:
    # The executor cancels the siblings of a field that failed; what they waited for may be shared.
    begun, gate = asyncio.Event(), asyncio.Event()

    async def batch(keys: Sequence[Any]) -> list[Any]:
        begun.set()
        await gate.wait()
        return [key.upper() for key in keys]

    loader = SafeLoader(batch)
    cancelled, stays = (asyncio.ensure_future(loader.load("a")) for _ in range(2))
    await begun.wait()
    cancelled.cancel()
    gate.set()
    assert (await stays, cancelled.cancelled()) == ("A", True)


async def test_keys_of_which_some_were_asked_for_before_are_answered_in_their_order() -> None:
    asked: list[list[str]] = []

    async def batch(keys: Sequence[Any]) -> list[Any]:
        asked.append([*keys])
        return [key.upper() for key in keys]

    loader = SafeLoader(batch)
    assert await loader.load_many(["a", "b", "a"]) == ["A", "B", "A"]
    assert await loader.load_many(["c", "a", "b"]) == ["C", "A", "B"]
    assert asked == [["a", "b"], ["c"]]


@pytest.mark.parametrize(
    ("one_by_one", "batches"), [(False, [["a", "b", "c"]]), (True, [["a", "b"], ["c"]])], ids=("several", "one by one")
)
async def test_what_is_asked_until_the_turn_after_is_one_batch_and_until_this_one_where_one_thing_is_asked_at_a_time(
    one_by_one: bool, batches: list[list[str]]
) -> None:
    asked: list[list[str]] = []

    async def batch(keys: Sequence[Any]) -> list[Any]:
        asked.append([*keys])
        return [*keys]

    async def ask(turns: int, key: str) -> str:
        for _ in range(turns):
            await asyncio.sleep(0)
        found: str = await loader.load(key)
        return found

    reads = Reads()
    reads.one_by_one = one_by_one
    loader = SafeLoader(batch, reads)
    assert [*await asyncio.gather(ask(0, "a"), ask(0, "b"), ask(1, "c"))] == ["a", "b", "c"]
    assert asked == batches


async def test_a_batch_that_fails_answers_each_of_its_keys() -> None:
    failure = Unavailable("Down.")

    async def batch(keys: Sequence[Any]) -> list[Any]:
        raise failure

    loader = SafeLoader(batch)
    answers = await asyncio.gather(loader.load("a"), loader.load("b"), return_exceptions=True)
    assert list(answers) == [failure, failure]


async def test_a_batch_that_is_cancelled_answers_each_of_its_keys() -> None:
    async def batch(keys: Sequence[Any]) -> list[Any]:
        raise asyncio.CancelledError

    loader = SafeLoader(batch)
    async with asyncio.timeout(PATIENCE):
        answers = await asyncio.gather(loader.load("a"), loader.load("b"), return_exceptions=True)
    assert list(map(type, answers)) == [BatchCancelledError, BatchCancelledError]


async def test_a_batch_that_answers_too_few_keys_fails_whoever_asks_for_one_of_them() -> None:
    async def batch(keys: Sequence[Any]) -> list[Any]:
        return []

    loader = SafeLoader(batch)
    async with asyncio.timeout(PATIENCE):
        both = await asyncio.gather(loader.load("a"), loader.load("a"), return_exceptions=True)
        late = await asyncio.gather(loader.load("a"), return_exceptions=True)
    assert list(map(type, [*both, *late])) == [ValueError] * 3


async def test_a_batch_is_not_read_whose_reads_stop_before_it_begins() -> None:
    asked: list[list[str]] = []

    async def batch(keys: Sequence[Any]) -> list[Any]:
        asked.append([*keys])
        return [*keys]

    reads = Reads()
    waiting = SafeLoader(batch, reads).load_many(["a"])
    reads.stop()
    assert ([type(one) for one in await waiting], asked) == ([BatchCancelledError], [])


async def test_a_batch_is_as_fresh_as_it_was_asked_to_be() -> None:
    async def batch(keys: Sequence[Any]) -> list[Any]:
        return [(key, is_reading_fresh()) for key in keys]

    loader = SafeLoader(batch)
    stale = loader.load_many(["a", "b"])
    with reading_fresh():
        fresh = loader.load_many(["a", "b"])
    assert [await stale, await fresh] == [[("a", False), ("b", False)], [("a", True), ("b", True)]]
