"""The figures as a picture: what a request costs each contender, beside the hand-written handler; how costs grow."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl

from bench.campaign import Report
from bench.contenders import ALL, HAND_WRITTEN
from bench.growth import CURVES, Point

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw"]

mpl.use("svg")
mpl.rcParams["svg.hashsalt"] = "bench"  # the same figures are the same file
BAR = 0.13
COLOURS = ("#1f6feb", "#8b949e", "#cf222e", "#d4a72c", "#2da44e", "#8250df", "#bf3989")


def draw(report: Report, file: Path) -> None:
    """Writes an SVG: a group of bars for each workload, and below them a curve for all that can grow; logarithmic."""
    from matplotlib import pyplot as plt  # noqa: PLC0415 - after the choice of what draws

    figure = plt.figure(figsize=(9, 7), layout="constrained")
    places = figure.subplot_mosaic([["bars"] * len(CURVES), list(CURVES)], height_ratios=(4, 3))
    _draw_bars(report, places["bars"])
    for name, points in report.growth.items():
        _draw_curve(places[name], CURVES[name].title, points, report.growth_by_hand.get(name))
    figure.savefig(file, metadata={"Date": None})
    plt.close(figure)


def _draw_bars(report: Report, axes: "Axes") -> None:
    names = [name for name, figures in report.figures.items() if HAND_WRITTEN.name in figures and name != "W4"]
    shown = [one for one in ALL if one is not HAND_WRITTEN and one.name in report.memory]
    for place, contender in enumerate(shown):
        ratios = [_ratio(report, name, contender.name) for name in names]
        positions = [at + (place - len(shown) / 2 + 0.5) * BAR for at in range(len(names))]
        axes.bar(positions, ratios, BAR, label=contender.title, color=COLOURS[place % len(COLOURS)])
    axes.set_yscale("log")
    axes.axhline(1, color="black", linewidth=1)
    axes.set_xticks(range(len(names)), names)
    axes.set_ylabel("processor time, × the hand-written handler's")
    axes.legend(fontsize="small", ncols=4, loc="lower center", bbox_to_anchor=(0.5, 1.0), frameon=False)


def _draw_curve(axes: "Axes", title: str, points: Sequence[Point], by_hand: Sequence[Point] | None) -> None:
    sizes, first = [one.size for one in points], points[0]
    axes.loglog(sizes, [one.milliseconds for one in points], marker="o", color=COLOURS[0])
    if by_hand is not None:
        hand = [one.milliseconds for one in by_hand]
        axes.loglog(sizes, hand, marker="o", color=COLOURS[1], label="hand-written handler")
    linear = [first.milliseconds * size / first.size for size in sizes]
    axes.loglog(sizes, linear, linestyle=":", color="black", label="linear")
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.minorticks_off()
    axes.set_xlabel(title, fontsize="small")
    axes.set_ylabel("ms of processor time", fontsize="small")
    axes.legend(fontsize="small")


def _ratio(report: Report, workload: str, contender: str) -> float:
    figures = report.figures[workload]
    return figures[contender].cpu / max(figures[HAND_WRITTEN.name].cpu, 0.001)
