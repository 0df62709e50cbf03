"""Everything that is measured, round by round, each contender in its turn, and the medians of it."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence

from msgspec import Struct, field

from bench import contenders, customer_page, growth, workloads
from bench.contenders import HAND_WRITTEN, LONG_POSTROOM, POSTROOM, Contender, Running
from bench.customer_page import Sandboxes
from bench.growth import CURVES, Point
from bench.machine import Machine
from bench.measuring import Figures, Standin, Vendors, compare, measure
from bench.processes import LOAD_CORE, python, settled, started
from bench.workloads import HOT, WORKLOADS, Workload, hot_page

__all__ = ["Campaign", "Memory", "Plan", "Report"]

MIB = 1024 * 1024
WARMING_SECONDS = 2.0
"""Of load before the first that counts: Node compiles what runs often, and Python's caches fill."""


class Plan(Struct, frozen=True, kw_only=True):
    """How much is measured: ``rounds`` of so many ``seconds`` for each workload and contender."""

    rounds: int = 5
    seconds: float = 4.0
    warming: float = WARMING_SECONDS
    workloads: tuple[str, ...] = ("W1", "W2", "W3", "W4", "W5")
    contenders: tuple[str, ...] = tuple(one.name for one in contenders.ALL)
    extremes: bool = True
    growth: bool = True
    pages: bool = True


class Memory(Struct, frozen=True):
    """MiB of a contender's processes: at rest before the first request, and after the last workload."""

    rest: float
    after: float


class LongList(Struct, frozen=True):
    """5,000 records in one answer: milliseconds for it, its MiB, and the most MiB of memory above rest.

    ``first`` are those of a process that has answered nothing yet, ``memory`` those of one that has answered one like
    it: what the interpreter and the C library have kept of that for the next is at rest by then.
    """

    milliseconds: float
    answer: float
    memory: float
    first: float = 0.0


class Report(Struct, kw_only=True):
    """What was measured, by workload and contender.

    ``bursts`` are the vendor calls of 64 clients who ask the same,
    ``pages`` the customer page over the emulators. ``growth`` is Postroom's, by curve, ``growth_by_hand`` the
    hand-written handler's where it can be asked.
    """

    machine: Machine
    figures: dict[str, dict[str, Figures]] = field(default_factory=dict)
    memory: dict[str, Memory] = field(default_factory=dict)
    bursts: dict[str, int] = field(default_factory=dict)
    long_lists: dict[str, LongList] = field(default_factory=dict)
    pages: dict[str, Figures] = field(default_factory=dict)
    growth: dict[str, list[Point]] = field(default_factory=dict)
    growth_by_hand: dict[str, list[Point]] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)


class Campaign:
    """One run over a stand-in. ``tell`` is told how far it has come."""

    def __init__(self, plan: Plan, tell: Callable[[str], None]) -> None:
        self._plan = plan
        self._tell = tell

    def run(self) -> Report:
        """Measures all. Raises `bench.measuring.WrongAnswerError` where an answer is not the expected one."""
        report = Report(machine=Machine.this())
        chosen = [one for one in contenders.ALL if one.name in self._plan.contenders]
        report.left_out = {one.name: why for one in chosen if (why := contenders.left_out(one)) is not None}
        able = [one for one in chosen if one.name not in report.left_out]
        for name, why in report.left_out.items():
            self._tell(f"{name} is left out: {why}")
        with started(LOAD_CORE, python("bench.standin")) as process:
            standin = Standin.listening(process)
            with self._all_running(able, standin) as running:
                rest = {one.contender.name: settled(one.process).memory for one in running}
                for name in self._plan.workloads:
                    report.figures[name] = self._in_turns(WORKLOADS[name], running, standin)
                if self._plan.extremes:
                    report.bursts = self._bursts(running, standin)
                for one in running:
                    memory = one.process.cost().memory
                    report.memory[one.contender.name] = Memory(rest[one.contender.name] / MIB, memory / MIB)
            if self._plan.extremes:
                report.long_lists = self._long_lists(able, standin)
            if self._plan.growth and POSTROOM in able:
                report.growth, report.growth_by_hand = self._growth(standin)
        if self._plan.pages:
            report.pages = self._pages()
        return report

    def _growth(self, standin: Standin) -> tuple[dict[str, list[Point]], dict[str, list[Point]]]:
        """Each curve of Postroom's, and those of the hand-written handler that it can be asked."""
        ours: dict[str, list[Point]] = {}
        by_hand: dict[str, list[Point]] = {}
        with self._all_running([LONG_POSTROOM, HAND_WRITTEN], standin) as running:
            for one in running:
                measure(one, WORKLOADS["W1"], standin, seconds=self._plan.warming)
            for name, curve in CURVES.items():
                asked = running if curve.by_hand else running[:1]
                found = growth.measured(curve, asked, standin, seconds=self._plan.seconds / 2, rounds=3)
                for one, curves, points in zip(asked, (ours, by_hand), found, strict=False):
                    curves[name] = points
                    costs = ", ".join(f"{point.size}: {point.milliseconds:.2f} ms" for point in points)
                    self._tell(f"{name}, {one.contender.name}: {costs}")
        return ours, by_hand

    @contextlib.contextmanager
    def _all_running(self, chosen: Sequence[Contender], standin: Standin) -> Iterator[list[Running]]:
        with self._running(chosen, workloads.backends(standin.port)) as running:
            yield running

    @contextlib.contextmanager
    def _running(self, chosen: Sequence[Contender], urls: Mapping[str, str]) -> Iterator[list[Running]]:
        with contextlib.ExitStack() as stack:
            yield [stack.enter_context(Running.of(one, urls)) for one in chosen]

    def _pages(self) -> dict[str, Figures]:
        """The customer page, by those of the chosen who have one."""
        with started(LOAD_CORE, Sandboxes.command()) as process:
            sandboxes = Sandboxes.listening(process)
            able = [one for one in customer_page.contenders(sandboxes.access) if one.name in self._plan.contenders]
            with self._running(able, {}) as running:
                return self._in_turns(customer_page.workload(), running, sandboxes)

    def _in_turns(self, workload: Workload, running: Sequence[Running], vendors: Vendors) -> dict[str, Figures]:
        for one in running:
            compare(one, workload)
            measure(one, workload, vendors, seconds=self._plan.warming)
        found: dict[str, list[Figures]] = {one.contender.name: [] for one in running}
        for number in range(self._plan.rounds):
            first = number % len(running)
            for one in (*running[first:], *running[:first]):
                figures = measure(one, workload, vendors, seconds=self._plan.seconds)
                found[one.contender.name].append(figures)
        medians = {name: Figures.middle(rounds) for name, rounds in found.items()}
        for name, figures in medians.items():
            self._tell(f"{workload.name} {name:<14}{figures.requests_per_second:>9.0f}/s {figures.cpu:>8.3f} ms of CPU")
        return medians

    def _bursts(self, running: Sequence[Running], standin: Standin) -> dict[str, int]:
        """Vendor calls for a page that 64 clients ask for at once; the most of three bursts."""
        calls: dict[str, int] = {}
        for one in running:
            compare(one, hot_page(HOT[0]))
            bursts = [measure(one, hot_page(key), standin, seconds=60, rounds=1) for key in HOT[1:4]]
            calls[one.contender.name] = max(round(burst.calls * hot_page(HOT[0]).connections) for burst in bursts)
            self._tell(f"W7 {one.contender.name:<14}{calls[one.contender.name]:>5} vendor calls for 64 clients")
        return calls

    def _long_lists(self, chosen: Sequence[Contender], standin: Standin) -> dict[str, LongList]:
        """5,000 letters, each in a process that has done nothing else."""
        workload = WORKLOADS["W8"]
        found: dict[str, LongList] = {}
        for one in chosen:
            if workload.name in one.lacks:
                continue
            contender = LONG_POSTROOM if one is POSTROOM else one
            with self._all_running([contender], standin) as (running,):
                rest = settled(running.process).memory
                running.process.forget_peak()
                length = compare(running, workload)
                first = running.process.peak() - rest
                rest = settled(running.process).memory
                running.process.forget_peak()
                rounds = [
                    measure(running, workload, standin, seconds=60, rounds=self._plan.rounds).median for _ in range(3)
                ]
                above = running.process.peak() - rest
            found[one.name] = LongList(sorted(rounds)[1], length / MIB, above / MIB, first / MIB)
            self._tell(f"W8 {one.name:<14}{found[one.name].milliseconds:>9.1f} ms, {above / MIB:.1f} MiB above rest")
        return found
