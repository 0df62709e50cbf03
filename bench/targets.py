"""What is demanded of Postroom, as ratios within one run, and what it came to."""

from collections.abc import Iterator, Mapping

from msgspec import Struct

from bench.campaign import Report
from bench.measuring import Figures

__all__ = ["Verdict", "verdicts"]

CPU_AT_MOST: Mapping[str, float] = {"W1": 1.8, "W2": 1.3, "W3": 1.2, "W5": 1.8}
"""Of the hand-written handler's processor time."""

TIMES_AT_LEAST: Mapping[str, Mapping[str, float]] = {
    "apollo": {"W1": 1.35, "W2": 6.5, "W3": 2.4, "W5": 1.4},
    "yoga-jit": {"W1": 1.25, "W2": 1.25, "W3": 0.5, "W5": 4.8},
    "hive": {"W1": 3.5, "W2": 12.0, "W3": 3.7, "W5": 5.0},
    "tailcall": {"W1": 0.4, "W2": 3.2, "W3": 0.3},
    "ordinary": {"W1": 20.0, "W2": 25.0, "W3": 25.0, "W5": 18.0},
}
"""Of the others' requests a second."""

ADDED_AT_MOST: Mapping[str, float] = {"apollo": 0.1, "yoga-jit": 0.5}
"""Of what the others add to the vendors' own time in W4, at the median and at the 99th percentile."""

VENDORS_OWN_MILLISECONDS = 160.0
"""In W4: two calls, one after the other, of 80 ms."""


_LEAST_CPU = 0.001
"""Milliseconds; a turn too short to cost a clock tick is not divided by."""


class Verdict(Struct, frozen=True):
    """One demand: ``found`` is held against ``bound``, which it may not exceed, or must reach.

    ``by_hand`` is what the hand-written handler comes to, the limit, where somebody else is what is measured against.
    """

    what: str
    workload: str
    against: str
    found: float
    bound: float
    at_least: bool
    by_hand: float | None = None

    @property
    def met(self) -> bool:
        """Whether it is met."""
        return self.found >= self.bound if self.at_least else self.found <= self.bound


def verdicts(report: Report) -> Iterator[Verdict]:
    """Every demand whose figures the report has."""
    for workload, bound in CPU_AT_MOST.items():
        figures = report.figures.get(workload, {})
        if {"postroom", "hand-written"} <= figures.keys():
            ratio = figures["postroom"].cpu / max(figures["hand-written"].cpu, _LEAST_CPU)
            yield Verdict("CPU", workload, "hand-written", ratio, bound, at_least=False)
    for other, bounds in TIMES_AT_LEAST.items():
        for workload, bound in bounds.items():
            figures = report.figures.get(workload, {})
            if {"postroom", other} <= figures.keys():
                theirs = figures[other].requests_per_second
                ratio = figures["postroom"].requests_per_second / theirs
                limit = figures.get("hand-written")
                by_hand = None if limit is None else limit.requests_per_second / theirs
                yield Verdict("requests/s", workload, other, ratio, bound, at_least=True, by_hand=by_hand)
    yield from _of_added_time(report.figures.get("W4", {}))
    yield from _of_extremes(report)


def _of_added_time(figures: Mapping[str, Figures]) -> Iterator[Verdict]:
    limit = figures.get("hand-written")
    for other, bound in ADDED_AT_MOST.items():
        if {"postroom", other} <= figures.keys():
            for what, name in (("added time, median", "median"), ("added time, p99", "p99")):
                theirs = _added(getattr(figures[other], name))
                ratio = _added(getattr(figures["postroom"], name)) / theirs
                by_hand = None if limit is None else _added(getattr(limit, name)) / theirs
                yield Verdict(what, "W4", other, ratio, bound, at_least=False, by_hand=by_hand)


def _added(milliseconds: float) -> float:
    """What is below a tenth of a millisecond is not told apart."""
    return max(0.1, milliseconds - VENDORS_OWN_MILLISECONDS)


def _of_extremes(report: Report) -> Iterator[Verdict]:
    if "postroom" in report.bursts:
        yield Verdict("vendor calls", "W7", "", report.bursts["postroom"], 1, at_least=False)
    page, by_hand = report.pages.get("postroom"), report.pages.get("hand-written")
    if page is not None and by_hand is not None:
        yield Verdict("vendor calls", "W6", "hand-written", page.calls / by_hand.calls, 1, at_least=False)
    ours, limit = report.long_lists.get("postroom"), report.long_lists.get("hand-written")
    if ours is not None and limit is not None:
        yield Verdict("time", "W8", "hand-written", ours.milliseconds / limit.milliseconds, 1.5, at_least=False)
        yield Verdict("memory above rest", "W8", "the answer's size", ours.memory / ours.answer, 3, at_least=False)
    if {"postroom", "apollo"} <= report.memory.keys():
        theirs = report.memory["apollo"].rest
        at_rest = report.memory.get("hand-written")
        by_hand_at_rest = None if at_rest is None else at_rest.rest / theirs
        ratio = report.memory["postroom"].rest / theirs
        yield Verdict("memory at rest", "", "apollo", ratio, 1 / 1.5, at_least=False, by_hand=by_hand_at_rest)
