"""An alarm rings when it was set and nobody stopped it in time, however often it was set before."""

import asyncio
from collections.abc import Callable
from contextvars import Context
from typing import Any

import pytest

from gateway.upstream.alarms import Alarm


class Loop:
    """An event loop's clock, turned by hand."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[Timer] = []
        self.begun = 0

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, call: Callable[[], None], context: Context) -> "Timer":  # noqa: ARG002 - as of loops
        timer = Timer(when, call)
        self.begun += 1
        self.timers.append(timer)
        return timer

    def turn(self, now: float) -> None:
        """Lets the time pass."""
        while due := [timer for timer in self.timers if timer.when <= now and not timer.cancelled]:
            first = min(due, key=lambda timer: timer.when)
            self.timers.remove(first)
            self.now = first.when
            first.call()
        self.now = now


class Timer:
    def __init__(self, when: float, call: Callable[[], None]) -> None:
        self.when = when
        self.call = call
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Loop:
    made = Loop()
    monkeypatch.setattr(asyncio, "get_running_loop", lambda: made)
    return made


@pytest.fixture
def rung() -> list[float]:
    return []


@pytest.fixture
def alarm(loop: Loop, rung: list[float]) -> Alarm:
    return Alarm(lambda: rung.append(loop.now))


def test_it_rings_once_in_its_time(loop: Loop, alarm: Alarm, rung: list[float]) -> None:
    alarm.set(5)
    loop.turn(4)
    before = list(rung)
    loop.turn(20)
    assert (before, rung) == ([], [5])


def test_it_does_not_ring_when_it_was_stopped(loop: Loop, alarm: Alarm, rung: list[float]) -> None:
    alarm.set(5)
    alarm.stop()
    loop.turn(20)
    assert rung == []


@pytest.mark.parametrize(("later", "rings"), [(5, 8), (1, 4)], ids=["for later", "for sooner"])
def test_set_again_it_rings_by_that_alone(
    loop: Loop, alarm: Alarm, rung: list[float], later: float, rings: float
) -> None:
    alarm.set(5)
    loop.turn(3)
    alarm.stop()
    alarm.set(later)
    loop.turn(20)
    assert rung == [rings]


def test_set_and_stopped_many_times_it_takes_one_timer(loop: Loop, alarm: Alarm) -> None:
    for _ in range(100):
        alarm.set(5)
        alarm.stop()
    assert loop.begun == 1


def test_closed_it_leaves_no_timer(loop: Loop, alarm: Alarm) -> None:
    alarm.set(5)
    alarm.close()
    left: list[Any] = [timer for timer in loop.timers if not timer.cancelled]
    assert left == []
