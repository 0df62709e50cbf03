"""The figures as a picture: what a request costs each contender, in multiples of the hand-written handler."""

from pathlib import Path

import matplotlib as mpl

from bench.campaign import Report
from bench.contenders import ALL, HAND_WRITTEN

__all__ = ["draw"]

mpl.use("svg")
mpl.rcParams["svg.hashsalt"] = "bench"  # the same figures are the same file
BAR = 0.13
COLOURS = ("#1f6feb", "#8b949e", "#cf222e", "#d4a72c", "#2da44e", "#8250df")


def draw(report: Report, file: Path) -> None:
    """Writes an SVG: a group of bars for each workload, on a logarithmic scale."""
    from matplotlib import pyplot as plt  # noqa: PLC0415 - after the choice of what draws

    names = [name for name, figures in report.figures.items() if HAND_WRITTEN.name in figures and name != "W4"]
    figure, axes = plt.subplots(figsize=(9, 4))
    shown = [one for one in ALL if one is not HAND_WRITTEN and one.name in report.memory]
    for place, contender in enumerate(shown):
        ratios = [_ratio(report, name, contender.name) for name in names]
        positions = [at + (place - len(shown) / 2 + 0.5) * BAR for at in range(len(names))]
        axes.bar(positions, ratios, BAR, label=contender.title, color=COLOURS[place % len(COLOURS)])
    axes.set_yscale("log")
    axes.axhline(1, color="black", linewidth=1)
    axes.set_xticks(range(len(names)), names)
    axes.set_ylabel("processor time, × the hand-written handler's")
    axes.legend(fontsize="small")
    figure.tight_layout()
    figure.savefig(file, metadata={"Date": None})
    plt.close(figure)


def _ratio(report: Report, workload: str, contender: str) -> float:
    figures = report.figures[workload]
    return figures[contender].cpu / max(figures[HAND_WRITTEN.name].cpu, 0.001)
