"""The rules of who may call, played at random with a turned clock against a model that counts by itself."""

from collections import deque

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec import Struct

from adapters.contract import Limits, Rate
from gateway.upstream.limits_turns import Bounds, Turns


class Played(Struct, eq=False):
    """A call in the model: when it began, and when it ended."""

    number: int
    write: bool
    began: float | None = None
    ended: float | None = None


class TurnsMachine(RuleBasedStateMachine):
    """Callers come, leave and end; time passes."""

    @initialize(
        concurrency=st.integers(1, 6),
        rate=st.none() | st.builds(Rate, calls=st.integers(1, 5), seconds=st.sampled_from([0.5, 1.0, 60.0])),
    )
    def begin(self, concurrency: int, rate: Rate | None) -> None:
        self.now = 1000.0
        self.rate = rate
        self.concurrency = concurrency
        self.most_writes = 1 if concurrency == 1 else concurrency - max(1, concurrency // 4)
        bounds = Bounds.of(Limits(page_size=1, concurrency=concurrency, rate=rate))
        self.turns: Turns[Played] = Turns(bounds, lambda: self.now)
        self.waiting: dict[bool, deque[Played]] = {False: deque(), True: deque()}
        self.calls: list[Played] = []
        self.last: bool | None = None
        self.count = 0

    @rule(write=st.booleans(), many=st.integers(1, 8))
    def come(self, write: bool, many: int) -> None:
        for _ in range(many):
            self.count += 1
            caller = Played(self.count, write)
            self.waiting[write].append(caller)
            self.turns.join(caller, write=write)
        self.serve()

    @rule(write=st.booleans())
    def enter(self, write: bool) -> None:
        full = len(self.under_way) >= self.concurrency or self.counted() >= self.rate_calls
        free = not any(self.waiting.values()) and not full and not (write and self.writes_full())
        assert self.turns.enter(write=write) is free
        if free:
            self.count += 1
            self.last = write
            self.calls.append(Played(self.count, write, began=self.now))

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), used=st.booleans())
    def end(self, data: st.DataObject, used: bool) -> None:
        call = data.draw(st.sampled_from(self.under_way))
        call.ended = self.now
        if not used:
            self.calls.remove(call)
        self.turns.end(write=call.write, used=used)
        self.serve()

    @precondition(lambda self: any(self.waiting.values()))
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        caller = data.draw(st.sampled_from([*self.waiting[False], *self.waiting[True]]))
        self.waiting[caller.write].remove(caller)
        self.turns.leave(caller, write=caller.write)
        self.serve()

    @rule(seconds=st.sampled_from([0.0, 0.1, 0.25, 0.5, 1.0, 30.0, 61.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        self.serve()

    @rule()
    def the_window_opens(self) -> None:
        opens = self.turns.opens_in()
        if opens is not None:
            self.now += opens
            before = len(self.calls)
            someone = any(self.waiting.values())
            self.serve()
            blocked = len(self.under_way) >= self.concurrency or (not self.waiting[False] and self.writes_full())
            assert blocked or not someone or len(self.calls) > before or self.counted() >= self.rate_calls

    def teardown(self) -> None:
        for _ in range(self.count * 2 if hasattr(self, "turns") else 0):
            for call in self.under_way:
                call.ended = self.now
                self.turns.end(write=call.write)
            self.now += 61.0
            self.serve()
        assert not hasattr(self, "turns") or not any(self.waiting.values())

    @property
    def under_way(self) -> list[Played]:
        return [call for call in self.calls if call.ended is None]

    @property
    def rate_calls(self) -> float:
        return float("inf") if self.rate is None else self.rate.calls

    def counted(self) -> int:
        """The calls that may have reached the vendor within the window that ends now."""
        past = self.now - (0.0 if self.rate is None else self.rate.seconds)
        return sum(call.ended is None or call.ended > past for call in self.calls)

    def writes_full(self) -> bool:
        return sum(call.write for call in self.under_way) >= self.most_writes

    def serve(self) -> None:
        while True:
            both = self.waiting[False] and self.waiting[True] and not self.writes_full()
            caller = self.turns.next()
            if caller is None:
                return
            assert self.waiting[caller.write].popleft() is caller, "first come, first served"
            assert not both or caller.write is not self.last, "where both could go they alternate"
            caller.began = self.now
            self.last = caller.write
            self.calls.append(caller)
            assert self.counted() <= self.rate_calls

    @invariant()
    def no_more_than_the_bounds(self) -> None:
        assert len(self.under_way) <= self.concurrency
        assert sum(call.write for call in self.under_way) <= self.most_writes

    @invariant()
    def nobody_waits_without_a_reason(self) -> None:
        full = len(self.under_way) == self.concurrency or self.counted() >= self.rate_calls
        assert full or not self.waiting[False]
        assert full or self.writes_full() or not self.waiting[True]

    @invariant()
    def what_is_shown_is_true(self) -> None:
        rest = min(self.concurrency - len(self.under_way), self.rate_calls - self.counted())
        assert (self.turns.remaining, self.turns.waiting) == (rest, sum(map(len, self.waiting.values())))


TestTurns = TurnsMachine.TestCase
TestTurns.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)


def bounds(concurrency: int, rate: Rate | None = None) -> Bounds:
    return Bounds.of(Limits(page_size=1, concurrency=concurrency, rate=rate))


@pytest.mark.parametrize(("concurrency", "writes"), [(1, 1), (2, 1), (4, 3), (6, 5), (8, 6), (20, 15)])
def test_writes_leave_a_quarter_to_reads_where_there_is_more_than_one_permit(concurrency: int, writes: int) -> None:
    assert bounds(concurrency).writes == writes


@pytest.mark.parametrize(
    ("concurrency", "calls", "processes", "expected"),
    [
        (8, 100, 4, (2, 1, 25)),
        (6, 100, 4, (1, 1, 25)),
        (9, 7, 2, (4, 3, 3)),
        (8, 100, 1, (8, 6, 100)),
        (3, 100, 4, (1, 0, 25)),
        (8, 3, 4, (2, 0, 1)),
    ],
)
def test_a_share_is_rounded_down_and_where_it_is_nothing_one_read_goes_at_a_time(
    concurrency: int, calls: int, processes: int, expected: tuple[int, int, int]
) -> None:
    share = bounds(concurrency, Rate(calls=calls, seconds=60)).share(processes)
    assert (share.concurrency, share.writes, share.calls) == expected


def test_writes_of_processes_that_are_always_alone_go_one_at_a_time_where_there_is_no_share_for_them() -> None:
    assert [bounds(concurrency).share(4, least_writes=1).writes for concurrency in (2, 4, 16)] == [1, 1, 3]
