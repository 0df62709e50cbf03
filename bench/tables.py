"""The report as Markdown, and its place in the README."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from bench import contenders
from bench.campaign import Report
from bench.growth import CURVES, LINEAR, Point, exponent
from bench.machine import Machine
from bench.measuring import Figures
from bench.targets import Verdict, verdicts

__all__ = [
    "demands_table",
    "figures_table",
    "growth_table",
    "machine_line",
    "memory_table",
    "pages_table",
    "put_into",
    "shares_table",
    "table",
]

_TITLES = {one.name: one.title for one in contenders.ALL}


def figures_table(report: Report) -> str:
    """Requests a second and milliseconds of processor time, by contender."""
    names = [name for name in report.figures if name != "W4"]
    heads = ["", *(f"{name} {what}" for name in names for what in ("req/s", "CPU ms"))]
    heads += ["W4 median ms", "W4 p99 ms"] * ("W4" in report.figures) + ["memory MiB"]
    rows = []
    for name, memory in report.memory.items():
        row = [_TITLES[name]]
        for workload in names:
            figures = report.figures[workload][name]
            row += [f"{figures.requests_per_second:,.0f}", _rounded(figures.cpu)]
        if "W4" in report.figures:
            slow = report.figures["W4"][name]
            row += [f"{slow.median:.0f}", f"{slow.p99:.0f}"]
        rows.append([*row, f"{memory.rest:.0f}"])
    return table(heads, rows)


def memory_table(report: Report) -> str:
    """MiB at rest and under load, and what an answer of 5,000 records takes."""
    rows = []
    for name, memory in report.memory.items():
        row = [_TITLES[name], f"{memory.rest:.0f}", f"{memory.after:.0f}"]
        long = report.long_lists.get(name)
        rows.append([*row, *(("", "") if long is None else (f"{long.first:.1f}", f"{long.memory:.1f}"))])
    heads = ["memory, MiB", "at rest", "after W1 to W7", "W8: first answer", "W8: another"]
    return table(heads, rows)


def pages_table(report: Report) -> str:
    """The customer page over all emulators: how long one takes, what it costs, and how often vendors are asked."""
    rows = [
        [
            _TITLES[name],
            f"{figures.median:.1f}",
            f"{figures.p99:.1f}",
            _rounded(figures.cpu),
            f"{figures.calls:.0f}",
            _shares(figures),
        ]
        for name, figures in report.pages.items()
    ]
    heads = ["W6", "median ms", "p99 ms", "CPU ms", "vendor calls", "core used: own / load + emulators"]
    return table(heads, rows)


def demands_table(report: Report) -> str:
    """What is demanded, what the limit itself comes to, and whether it is met."""
    rows = [_demand(verdict) for verdict in verdicts(report)]
    return table(["", "", "against", "found", "by hand", "demanded", ""], rows)


def _demand(verdict: Verdict) -> list[str]:
    bound = f"at {'least' if verdict.at_least else 'most'} {verdict.bound:.3g}"
    said = "met" if verdict.met else "**missed**"
    by_hand = "" if verdict.by_hand is None else f"{verdict.by_hand:.3g}"
    return [verdict.workload, verdict.what, verdict.against, f"{verdict.found:.3g}", by_hand, bound, said]


def shares_table(report: Report) -> str:
    """How much of its core each contender used, and how much of the other one the load and the stand-in did."""
    names = list(report.figures)
    rows = [[_TITLES[name], *(_shares(report.figures[workload][name]) for workload in names)] for name in report.memory]
    return table(["core used: own / load + stand-in", *names], rows)


def _shares(figures: Figures) -> str:
    return f"{figures.busy:.0%} / {figures.load + figures.standin:.0%}"


def growth_table(report: Report) -> str:
    """The power that each cost grows with; linear is 1. Below Postroom's is the handler's, where it was measured."""
    rows = []
    for name, points in report.growth.items():
        rows.append(_growth_row(CURVES[name].title, points))
        by_hand = report.growth_by_hand.get(name)
        if by_hand is not None:
            rows.append(_growth_row(f"{CURVES[name].title}: hand-written handler", by_hand))
    return table(["what grows", "milliseconds of processor time", "to the power of", ""], rows)


def _growth_row(title: str, points: Sequence[Point]) -> list[str]:
    power = exponent(points)
    costs = " · ".join(f"{one.size:,}: {_rounded(one.milliseconds)}" for one in points)
    return [title, costs, f"{power:.2f}", "linear or better" if power <= LINEAR else "**more than linear**"]


def machine_line(machine: Machine) -> str:
    """What it was measured on, in a sentence."""
    packages = ", ".join(f"{name} {version}" for name, version in machine.versions.items())
    node = "" if machine.node is None else f", Node {machine.node.removeprefix('v')}"
    return f"{machine.cores} cores of {machine.processor}, {machine.system}, {machine.python}{node}; {packages}."


def put_into(file: Path, mark: str, text: str) -> None:
    """Replaces what stands between the comments ``<!-- mark: ... -->`` and ``<!-- end of mark -->``."""
    whole = file.read_text(encoding="utf-8")
    begin = whole.index("\n", whole.index(f"<!-- {mark}:")) + 1
    end = whole.index(f"<!-- end of {mark} -->", begin)
    file.write_text(whole[:begin] + text + whole[end:], encoding="utf-8")


def _rounded(milliseconds: float) -> str:
    return f"{milliseconds:.3f}" if milliseconds < 1 else f"{milliseconds:.1f}"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Markdown, the first column to the left and the others to the right."""
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
