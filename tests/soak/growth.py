"""Whether something grows: the line of least squares through the second half of what was measured of it.

The first half is for warming up: caches fill, pools open, the allocator takes what it will keep.
"""

import statistics
from collections.abc import Mapping, Sequence

from msgspec import Struct

__all__ = ["BOUNDS", "Bound", "Growth", "growth_of", "table"]


CERTAINTY = 3.0
"""Standard errors: a load without a leak passes them once in 700 times."""


class Bound(Struct, frozen=True):
    """By how much a measure may grow in the half that is looked at: so much a minute, and so much in any case.

    The second part is for what comes and goes, of which a line sees a part.
    """

    unit: str
    a_minute: float
    slack: float


BOUNDS: Mapping[str, Bound] = {
    # The load makes some thousands of requests a minute: a leak of half a kilobyte each would pass this.
    "memory": Bound("MB", a_minute=1.5, slack=6.0),
    # Each of these is opened and closed thousands of times a minute; one in a hundred that stays would pass it.
    "open files": Bound("", a_minute=2.0, slack=6.0),
    "sockets": Bound("", a_minute=2.0, slack=6.0),
    "tasks": Bound("", a_minute=2.0, slack=8.0),
    # Pools are bounded, and full after a while.
    "threads": Bound("", a_minute=0.5, slack=3.0),
    # What the ledger takes for each item that it was asked for: a row of it, of its dispatch, of its indexes, the
    # engine's, and pages half full. It is kept, so it is measured by item and must not rise with their number.
    "ledger an item": Bound("kB", a_minute=0.2, slack=1.0),
}


class Growth(Struct, frozen=True):
    """What one measure did in the second half: ``grown`` over ``minutes``, from ``begin`` to ``end`` of the line.

    ``error`` is the standard error of that growth: of what comes and goes a line through few samples says little.
    """

    name: str
    begin: float
    end: float
    minutes: float
    error: float

    @property
    def grown(self) -> float:
        """By how much."""
        return self.end - self.begin

    @property
    def allowed(self) -> float:
        """By how much it may."""
        bound = BOUNDS[self.name]
        return bound.a_minute * self.minutes + bound.slack

    @property
    def is_too_much(self) -> bool:
        """Whether it grows without an end in sight, beyond all chance."""
        return self.grown - CERTAINTY * self.error > self.allowed


def growth_of(name: str, samples: Sequence[tuple[float, float]]) -> Growth:
    """The growth of a measure, of its samples: seconds, and what it was then. There are four of them or more."""
    later = samples[len(samples) // 2 :]
    seconds, values = zip(*later, strict=True)
    slope, intercept = statistics.linear_regression(seconds, values)
    first, last = seconds[0], seconds[-1]
    off = [value - intercept - slope * second for second, value in later]
    spread = (statistics.fmean(second**2 for second in seconds) - statistics.fmean(seconds) ** 2) ** 0.5
    error = statistics.pstdev(off) / spread / len(later) ** 0.5 * (last - first)
    return Growth(name, intercept + slope * first, intercept + slope * last, (last - first) / 60, error)


def table(growths: Sequence[Growth]) -> list[str]:
    """A line for each measure."""
    lines = [f"{'':<20}{'from':>10}{'to':>10}{'grown':>10}{'+-':>8}{'at most':>10}"]
    for one in growths:
        name = f"{one.name}{f', {BOUNDS[one.name].unit}' if BOUNDS[one.name].unit else ''}"
        mark = "  TOO MUCH" if one.is_too_much else ""
        figures = f"{one.begin:>10.1f}{one.end:>10.1f}{one.grown:>+10.1f}{one.error:>8.1f}{one.allowed:>10.1f}"
        lines.append(f"{name:<20}{figures}{mark}")
    return lines
