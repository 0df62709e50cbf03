"""Sweeping: what each step does, and that one that fails does not keep the others from being done."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest

from gateway.dispatch.ledger import Ledger, LedgerUnavailableError
from gateway.dispatch.records import ItemState
from gateway.dispatch.sweeper import KEY_LIFETIME, Sweeper
from gateway.dispatch.timing import USUAL, Timing
from tests.dispatch.asking import LEASE, NOW, WRITE, begun, only_item
from tests.patience import PATIENCE

LATER = NOW + KEY_LIFETIME + timedelta(days=1)
OFTEN = 10
STEPS = ("beat", "silent", "take_dead", "expire", "queued", "forget_keys")
NEEDED_FOR = {"silent": ("take_dead",), "queued": ("silent", "take_dead")}
"""The dead are adopted when it is known who they are, and that something is QUEUED."""


class Engine:
    """Notes what it is told, and fails when told."""

    def __init__(self) -> None:
        self.submitted: list[str] = []
        self.submitted_often = asyncio.Event()
        self.adopted: list[str] = []
        self.failing: set[str] = set()

    async def start(self) -> None:
        """Nothing."""

    async def stop(self) -> None:
        """Nothing."""

    async def submit(self, dispatch_id: str) -> None:
        """Notes it."""
        self.submitted.append(dispatch_id)
        if len(self.submitted) > OFTEN:
            self.submitted_often.set()
        if "submit" in self.failing:
            raise RuntimeError("the engine has no database")

    async def adopt(self, executors: Sequence[str]) -> int:
        """Notes it."""
        self.adopted += executors
        if "adopt" in self.failing:
            raise RuntimeError("the engine has no database")
        return 0


class Swept:
    """A ledger with work for each step, and what became of it."""

    def __init__(self, ledger: Ledger) -> None:
        self.engine = Engine()
        self.ledger = ledger
        self.sweeper = Sweeper(ledger, self.engine, "me", lambda: LATER)
        self.queued: list[str] = []
        self._lost = ""

    async def prepare(self) -> None:
        """A process that died, a lease that ended, two dispatches that are queued, and a key that is old."""
        await self.ledger.beat("dead", now=NOW)
        self._lost = (await begun(self.ledger, "lost")).dispatch.id
        await self.ledger.claim(self._lost, "uk", first=1, claim=LEASE)
        self.queued = [(await begun(self.ledger, what)).dispatch.id for what in ("a", "b")]
        await self.ledger.begin_write(WRITE, at=NOW, until=NOW)

    async def done(self) -> set[str]:
        """The steps that were done."""
        ledger, alive_since = self.ledger, LATER - USUAL.dead_after
        item = await only_item(ledger, self._lost)
        taken = await ledger.begin_write(WRITE, at=NOW, until=NOW)
        steps = {
            "beat": "me" in await ledger.silent(before=LATER + timedelta(days=1)),
            "silent": self.engine.adopted == ["dead"],
            "take_dead": "dead" not in await ledger.silent(before=alive_since),
            "expire": item.state is ItemState.UNKNOWN,
            "queued": sorted(self.engine.submitted) == sorted(self.queued),
            "forget_keys": taken.ours,
        }
        return {step for step, was_done in steps.items() if was_done}


@pytest.fixture
async def swept(ledger: Ledger) -> Swept:
    swept = Swept(ledger)
    await swept.prepare()
    return swept


async def test_a_sweep_does_all_that_a_crash_left(swept: Swept) -> None:
    await swept.sweeper.sweep()
    assert await swept.done() == set(STEPS)


async def test_a_key_holds_for_the_seven_days_that_are_promised(ledger: Ledger) -> None:
    await ledger.begin_write(WRITE, at=NOW, until=NOW)
    await Sweeper(ledger, Engine(), "me", lambda: NOW + timedelta(days=7)).sweep()
    assert not (await ledger.begin_write(WRITE, at=LATER, until=LATER)).ours


@pytest.mark.parametrize("step", STEPS)
async def test_a_step_that_the_ledger_fails_leaves_the_others_to_be_done(
    step: str, swept: Swept, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object, **__: object) -> None:
        raise LedgerUnavailableError("away")

    monkeypatch.setattr(swept.ledger, step, away)
    await swept.sweeper.sweep()
    monkeypatch.undo()
    assert await swept.done() == set(STEPS) - {step, *NEEDED_FOR.get(step, ())}


async def test_the_dead_are_told_again_until_somebody_adopts_what_they_left(swept: Swept) -> None:
    swept.engine.failing.add("adopt")
    await swept.sweeper.sweep()
    assert await swept.done() == set(STEPS) - {"take_dead"}


async def test_the_dead_are_left_to_be_adopted_with_the_first_work_that_there_is(ledger: Ledger) -> None:
    engine = Engine()
    sweeper = Sweeper(ledger, engine, "me", lambda: LATER)
    await ledger.beat("dead", now=NOW)
    await sweeper.sweep()
    assert (engine.adopted, await ledger.silent(before=LATER)) == ([], ["dead"])
    await begun(ledger, "a")
    await sweeper.sweep()
    assert (engine.adopted, await ledger.silent(before=LATER)) == (["dead"], [])


async def test_a_dispatch_that_the_engine_does_not_take_keeps_no_other_waiting(swept: Swept) -> None:
    swept.engine.failing.add("submit")
    await swept.sweeper.sweep()
    assert await swept.done() == set(STEPS)


async def test_a_sweeper_goes_on_after_a_failure(swept: Swept) -> None:
    swept.engine.failing |= {"submit", "adopt"}
    often = Timing(sweep_every=timedelta(0))
    sweeper = Sweeper(swept.ledger, swept.engine, "me", lambda: LATER, often)
    await sweeper.start()
    async with asyncio.timeout(PATIENCE):
        await swept.engine.submitted_often.wait()
    await sweeper.stop()
