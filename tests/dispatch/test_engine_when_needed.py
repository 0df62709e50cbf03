"""An engine that is begun with the first work: once, again where that failed, and never once it is stopped."""

import asyncio
from collections.abc import Sequence

import pytest

from gateway.dispatch.engine import EngineStoppedError, EngineWhenNeeded


class Told:
    """Notes what the engines of one test are told. ``failing`` keeps them from starting, ``held`` holds a start up."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.failing = False
        self.held: asyncio.Event | None = None
        self.starting = asyncio.Event()

    def make(self) -> "Engine":
        self.told.append("made")
        return Engine(self)


class Engine:
    """Notes what it is told."""

    def __init__(self, notes: Told) -> None:
        self._notes = notes

    async def start(self) -> None:
        self._notes.starting.set()
        if self._notes.failing:
            raise RuntimeError("the engine has no database")
        if self._notes.held is not None:
            await self._notes.held.wait()
        self._notes.told.append("started")

    async def stop(self) -> None:
        self._notes.told.append("stopped")

    async def submit(self, dispatch_id: str) -> None:
        self._notes.told.append(dispatch_id)

    async def adopt(self, executors: Sequence[str]) -> int:
        self._notes.told += executors
        return len(executors)


async def test_without_work_no_engine_is_made() -> None:
    notes = Told()
    engine = EngineWhenNeeded(notes.make)
    await engine.start()
    await engine.stop()
    assert notes.told == []


async def test_the_first_work_starts_the_engine_and_more_work_finds_it_started() -> None:
    notes = Told()
    engine = EngineWhenNeeded(notes.make)
    await engine.submit("a dispatch")
    assert await engine.adopt(["dead"]) == 1
    await engine.stop()
    assert notes.told == ["made", "started", "a dispatch", "dead", "stopped"]


async def test_work_that_comes_while_the_engine_starts_starts_no_other() -> None:
    notes = Told()
    engine = EngineWhenNeeded(notes.make)
    await asyncio.gather(*(engine.submit(dispatch) for dispatch in "abc"))
    await engine.stop()
    assert notes.told == ["made", "started", "a", "b", "c", "stopped"]


async def test_an_engine_that_did_not_start_is_tried_again_with_the_next_work() -> None:
    notes = Told()
    notes.failing = True
    engine = EngineWhenNeeded(notes.make)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="the engine has no database"):
            await engine.submit("a dispatch")
    notes.failing = False
    await engine.submit("a dispatch")
    await engine.stop()
    assert notes.told == ["made", "made", "made", "started", "a dispatch", "stopped"]


async def test_who_leaves_while_the_engine_starts_does_not_keep_it_from_starting() -> None:
    notes = Told()
    notes.held = asyncio.Event()
    engine = EngineWhenNeeded(notes.make)
    first = asyncio.create_task(engine.submit("left"))
    await notes.starting.wait()
    first.cancel()
    notes.held.set()
    await engine.submit("a dispatch")
    await engine.stop()
    assert notes.told == ["made", "started", "a dispatch", "stopped"]


async def test_an_engine_that_is_stopped_while_it_starts_runs_nothing() -> None:
    notes = Told()
    notes.held = asyncio.Event()
    engine = EngineWhenNeeded(notes.make)
    waiting = asyncio.create_task(engine.submit("a dispatch"))
    await notes.starting.wait()
    await engine.stop()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert notes.told == ["made"]


async def test_a_stopped_engine_starts_no_more() -> None:
    notes = Told()
    engine = EngineWhenNeeded(notes.make)
    await engine.stop()
    with pytest.raises(EngineStoppedError):
        await engine.submit("a dispatch")
    assert notes.told == []


async def test_an_engine_that_fails_to_start_has_nothing_to_stop() -> None:
    notes = Told()
    notes.failing = True
    engine = EngineWhenNeeded(notes.make)
    with pytest.raises(RuntimeError):
        await engine.submit("a dispatch")
    await engine.stop()
    assert notes.told == ["made"]
