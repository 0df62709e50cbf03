"""A breaker over random calls and turns of the clock does what a model says that remembers everything."""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway.upstream.breaker import Breaker, Knobs, Result
from tests.upstream.calling import Clock

KNOBS = Knobs(remembered=6, window=10.0, least=3, rate=0.5, streak=2, first_pause=2.0, longest_pause=7.0)
PAUSES = [2.0, 4.0, 7.0]
"""Doubled each time, up to the bound."""


class Model:
    """Whether the backend is left alone, worked out afresh from all that happened since it was last used again."""

    def __init__(self) -> None:
        self.results: list[tuple[float, Result]] = []
        self.opened_at: float | None = None
        self.failed_probes = 0
        self.probe: int | None = None

    def open_until(self) -> float:
        """When it is tried again."""
        assert self.opened_at is not None
        return self.opened_at + PAUSES[min(self.failed_probes, len(PAUSES) - 1)]

    def lets_through(self, now: float) -> bool:
        """Whether a call may pass."""
        return self.opened_at is None or (self.probe is None and now >= self.open_until())

    def counts(self, place: int) -> bool:
        """Whether a result counts: all do but 429 that are not the end of a long enough streak."""
        latest = [result for _, result in self.results[: place + 1]][-KNOBS.streak :]
        return latest[-1] is not Result.LIMITED or latest == [Result.LIMITED] * KNOBS.streak

    def fails_too_often(self, now: float) -> bool:
        """Whether the latest result is one failure too many."""
        *_, (_, latest) = self.results
        if latest is Result.ANSWERED or not self.counts(len(self.results) - 1):
            return False
        counted = [one for place, one in enumerate(self.results) if self.counts(place)][-KNOBS.remembered :]
        recent = [result is not Result.ANSWERED for at, result in counted if at > now - KNOBS.window]
        return len(recent) >= KNOBS.least and sum(recent) / len(recent) >= KNOBS.rate


class BreakerMachine(RuleBasedStateMachine):
    """Calls begin and end in any order, while the clock turns."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.breaker = Breaker(KNOBS, self.clock)
        self.model = Model()
        self.under_way: list[tuple[int, int]] = []
        self.period = 0  # of being used, or of one probe

    @rule(seconds=st.sampled_from([0.5, 1.0, 2.0, 3.5, 10.0]))
    def turn(self, seconds: float) -> None:
        self.clock.now += seconds

    @precondition(lambda self: self.model.lets_through(self.clock.now))
    @rule()
    def begin(self) -> None:
        self.under_way.append(self._begun())

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), result=st.sampled_from(Result))
    def end(self, data: Any, result: Result) -> None:
        place = data.draw(st.integers(0, len(self.under_way) - 1))
        self._end(*self.under_way.pop(place), result)

    @precondition(lambda self: self.model.lets_through(self.clock.now))
    @rule(results=st.lists(st.sampled_from(Result), min_size=1, max_size=4))
    def ask(self, results: list[Result]) -> None:
        for result in results:
            if self.model.lets_through(self.clock.now):
                self._end(*self._begun(), result)

    def _begun(self) -> tuple[int, int]:
        if self.model.opened_at is not None:
            self.period += 1
            self.model.probe = self.period
        return self.breaker.begin(), self.period

    def _end(self, begun: int, period: int, result: Result) -> None:
        self.breaker.end(begun, result)
        now, model = self.clock.now, self.model
        if period != self.period or result is Result.UNDECIDED:
            if period == model.probe:
                model.probe = None
            return
        if model.probe is not None:
            model.probe = None
            self.period += 1
            if result is Result.ANSWERED:
                self.model = Model()
            else:
                model.opened_at, model.failed_probes = now, model.failed_probes + 1
            return
        if model.opened_at is None:
            model.results.append((now, result))
            if model.fails_too_often(now):
                model.opened_at = now
                self.period += 1

    @invariant()
    def lets_through_what_the_model_does(self) -> None:
        assert (self.breaker.pause() == 0) is self.model.lets_through(self.clock.now)
        assert self.breaker.is_open is (self.model.opened_at is not None)

    @invariant()
    def says_when_it_is_tried_again(self) -> None:
        if self.model.opened_at is not None and self.model.probe is None:
            assert self.breaker.pause() == max(0.0, self.model.open_until() - self.clock.now)


TestBreaker = BreakerMachine.TestCase
TestBreaker.settings = settings(max_examples=200, stateful_step_count=60, deadline=None)
