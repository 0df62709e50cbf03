"""What memory keeps is what a plain model of it keeps, within its bound."""

import gc
import os
import tracemalloc
from collections.abc import Coroutine
from typing import Any, TypeVar

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gateway.upstream.cache_memory import ENTRY_BYTES, LARGEST_PART, MemoryStore
from gateway.upstream.cache_store import Found, Kept

T = TypeVar("T")
BOUND = 64 * 1024
KEYS = st.sampled_from(["a", "b", "c", "d", "e", "f"])
BACKENDS = st.sampled_from(["uk", "de"])
TTL = 10


def done(work: Coroutine[Any, Any, T]) -> T:
    """What a coroutine returns that waits for nothing."""
    try:
        work.send(None)
    except StopIteration as end:
        value: T = end.value
        return value
    raise AssertionError("it waits")


def kept(size: int, *, etag: bool = False, fill: bytes = b"x") -> Kept:
    return Kept(200, ((b"etag", b'"1"'),) if etag else (), fill * size)


class Store(RuleBasedStateMachine):
    """The model: pairs of key and entry in the order of their last use, and for each backend how often it was dropped.

    ``begun`` are reads that found a generation, and keep their answers later.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.store = MemoryStore(BOUND, monotonic=lambda: self.now)
        self.model: dict[tuple[str, str], tuple[Kept, float]] = {}
        self.drops = {"uk": 0, "de": 0}
        self.begun: list[tuple[str, str, bytes, int]] = []

    @rule(backend=BACKENDS, key=KEYS)
    def find(self, backend: str, key: str) -> None:
        found = done(self.store.find(backend, backend + key))
        entry = self.model.pop((backend, key), None)
        if entry is not None and (self.now < entry[1] or entry[0].conditions):
            self.model[backend, key] = entry
            assert (found.kept, found.fresh) == (entry[0], self.now < entry[1])
        else:
            assert (found.kept, found.fresh) == (None, False)
        assert found.generation is not None
        self.begun.append((backend, key, found.generation, self.drops[backend]))

    @rule(which=st.integers(0, 50), size=st.sampled_from([0, 900, 2500, 3000, BOUND]), etag=st.booleans())
    def keep(self, which: int, size: int, *, etag: bool) -> None:
        if not self.begun:
            return
        backend, key, generation, drops = self.begun[which % len(self.begun)]
        value = kept(size, etag=etag)
        done(self.store.keep(backend, backend + key, generation, value, TTL))
        if drops != self.drops[backend] or size == BOUND:
            return
        self.model.pop((backend, key), None)
        self.model[backend, key] = (value, self.now + TTL)
        while self.store.size != self.counted() and self.model:
            self.model.pop(next(iter(self.model)))  # how many go is the bound's matter, below; which go is this order

    @rule(backend=BACKENDS)
    def drop(self, backend: str) -> None:
        done(self.store.drop(backend))
        self.drops[backend] += 1
        self.model = {place: entry for place, entry in self.model.items() if place[0] != backend}

    @rule(seconds=st.integers(1, TTL + 1))
    def wait(self, seconds: int) -> None:
        self.now += seconds

    def counted(self) -> int:
        return sum(size_of(entry) for entry, _ in self.model.values())

    @invariant()
    def it_counts_what_it_keeps_within_its_bound(self) -> None:
        assert self.store.size == self.counted() <= BOUND


def size_of(value: Kept) -> int:
    alone = MemoryStore(BOUND)
    generation = done(alone.find("x", "x")).generation
    assert generation is not None
    done(alone.keep("x", "x", generation, value, 1))
    return alone.size


TestStore = Store.TestCase
TestStore.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)


def filled(bound: int, count: int, size: int) -> MemoryStore:
    store = MemoryStore(bound)
    generation = done(store.find("uk", "")).generation
    assert generation is not None
    for number in range(count):
        header = (os.urandom(12), os.urandom(16))  # of its own, as a real answer's is
        body = Kept(200, (header,), os.urandom(size))
        done(store.keep("uk", f"{number:064}", generation, body, 60))
    return store


def held(store: MemoryStore, count: int) -> list[int]:
    return [number for number in range(count) if done(store.find("uk", f"{number:064}")).kept is not None]


def test_what_was_not_asked_for_longest_goes_first_and_no_more_than_must() -> None:
    store = filled(16 * (ENTRY_BYTES + 500), 1, 100)
    one = store.size
    store = filled(20 * one, 20, 100)
    done(store.find("uk", f"{0:064}"))
    generation = done(store.find("uk", "")).generation
    assert generation is not None
    done(store.keep("uk", "another", generation, Kept(200, ((b"content-type", b"application/json"),), b"x" * 100), 60))
    assert held(store, 20) == [0, *range(2, 20)]


def test_an_answer_that_would_throw_out_too_many_is_not_kept() -> None:
    bound = 1024 * 1024
    store = filled(bound, 1, bound // LARGEST_PART)
    assert (held(store, 1), held(filled(bound, 1, bound // LARGEST_PART - 2 * ENTRY_BYTES), 1)) == ([], [0])


@pytest.mark.parametrize("size", [10, 2_000])
def test_the_bytes_it_takes_are_no_more_than_it_counts(size: int) -> None:
    bound = 4 * 1024 * 1024
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        store = filled(bound, 12_000, size)
        gc.collect()
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert bound * 0.9 < store.size <= bound
    assert store.size * 0.5 < taken <= store.size


def test_nothing_is_found_before_anything_is_kept() -> None:
    assert done(MemoryStore(BOUND).find("uk", "a")) == Found(bytes(8))
