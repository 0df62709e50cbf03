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


@pytest.mark.parametrize("alone", [False, True])
async def test_what_those_ask_for_whom_one_turn_wakes_is_one_batch(alone: bool) -> None:
    asked: list[list[str]] = []

    async def batch(keys: Sequence[Any]) -> list[Any]:
        asked.append([*keys])
        return [*keys]

    async def ask(turns: int, key: str) -> str:
        for _ in range(turns):
            await asyncio.sleep(0)
        found: str = await loader.load(key)
        return found

    loader = SafeLoader(batch, reads_of(asyncio.current_task() if alone else None))
    assert [*await asyncio.gather(ask(0, "a"), ask(0, "b"), ask(1, "c"))] == ["a", "b", "c"]
    assert asked == [["a", "b", "c"]]


async def test_who_is_alone_reads_in_his_own_task_all_that_he_has_asked_for() -> None:
    read: list[tuple[list[str], bool]] = []

    async def batch(keys: Sequence[Any]) -> list[Any]:
        read.append(([*keys], asyncio.current_task() is me))
        return [key.upper() for key in keys]

    me = asyncio.current_task()
    loader = SafeLoader(batch, reads_of(me))
    first, others = loader.load("a"), loader.load_many(["b", "c"])
    assert (await first, await others) == ("A", ["B", "C"])
    for _ in range(3):  # nothing is left to be read in a later turn
        await asyncio.sleep(0)
    assert read == [(["a", "b", "c"], True)]


async def test_what_is_asked_to_be_fresh_is_read_fresh_though_who_is_alone_waits_elsewhere() -> None:
    async def batch(keys: Sequence[Any]) -> list[Any]:
        return [is_reading_fresh() for _ in keys]

    loader = SafeLoader(batch, reads_of(asyncio.current_task()))
    with reading_fresh():
        value = loader.load("a")
    assert await value is True


async def test_who_is_alone_and_is_cancelled_ends_and_leaves_nobody_waiting() -> None:
    begun = asyncio.Event()

    async def batch(_: Sequence[Any]) -> list[Any]:
        begun.set()
        await asyncio.Event().wait()
        return []

    reads = Reads()
    loader = SafeLoader(batch, reads)

    async def ask() -> Any:
        reads.alone = asyncio.current_task()
        return await loader.load("a")

    async with asyncio.timeout(PATIENCE):
        asking = asyncio.ensure_future(ask())
        await begun.wait()
        asking.cancel()
        await asyncio.wait((asking,))
        assert asking.cancelled()
        with pytest.raises(BatchCancelledError):
            await loader.load("a")


def reads_of(task: "asyncio.Task[Any] | None") -> Reads:
    reads = Reads()
    reads.alone = task
    return reads


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
