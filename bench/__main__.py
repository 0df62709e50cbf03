"""``python -m bench``: measures Postroom beside others, prints the tables, and writes what the README shows."""

import signal
import sys
from pathlib import Path

import msgspec
from cyclopts import App

from bench.campaign import Campaign, Plan, Report
from bench.plots import draw
from bench.tables import (
    demands_table,
    figures_table,
    growth_table,
    machine_line,
    pages_table,
    put_into,
    shares_table,
)

RESULTS = Path(__file__).parent / "results" / "figures.json"
PLOT = RESULTS.with_name("figures.svg")

app = App(help="Measures Postroom beside others.")


@app.default
def measured(
    *,
    rounds: int = 5,
    seconds: float = 4.0,
    workloads: tuple[str, ...] = Plan().workloads,
    contenders: tuple[str, ...] = Plan().contenders,
    pages: bool = True,
    extremes: bool = True,
    growth: bool = True,
    readme: Path | None = None,
) -> None:
    """Measures.

    Args:
        rounds: How often each contender has its turn at each workload.
        seconds: How long such a turn takes.
        workloads: Only these.
        contenders: Only these.
        pages: W6 too, the customer page over the emulators.
        extremes: W7 and W8 too.
        growth: How costs grow too.
        readme: Write the tables into this file, and the figures beside this program.
    """
    plan = Plan(
        rounds=rounds,
        seconds=seconds,
        workloads=workloads,
        contenders=contenders,
        pages=pages,
        extremes=extremes,
        growth=growth,
    )
    report = Campaign(plan, say).run()
    for table in (figures_table, pages_table, shares_table, growth_table, demands_table):
        say(table(report))
    if readme is not None:
        write(report, readme)


def write(report: Report, readme: Path) -> None:
    """Keeps the figures, and shows them in the README."""
    draw(report, PLOT)
    RESULTS.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=1) + b"\n")
    picture = f"![What a request costs]({PLOT.relative_to(PLOT.parents[2])})"
    text = f"{figures_table(report)}\n{picture}\n\n{machine_line(report.machine)}\n\n{demands_table(report)}"
    text += f"\n{pages_table(report)}\n{growth_table(report)}\n{shares_table(report)}"
    put_into(readme, "bench", text)


def say(text: str) -> None:
    """Prints a line at once."""
    print(text, flush=True)  # noqa: T201 - a command


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("told to stop"))  # so that what was started is stopped too
    app()
