"""The scenarios' figures in short, as the README shows them; ``make faults`` writes them there."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.faults.figures import Figures

__all__ = ["GROUPS", "group_of", "summary", "write_into"]

GROUPS = {
    "`kill -9` in the midst of runs, again and again": r"kill -9 at|.* and kill -9",
    "`kill -9` before, in and after each step of the ledger": r"kill -9 (before|in|after|of)",
    "two gateways share PostgreSQL: one killed, or stopped past its leases": r"two gateways|stopped",
    "the vendor resets, fails, stalls, limits us, answers rubbish, ends the session": r".* items? a call$|500 to every",
    "the disk is full, the database away, or lost exactly at a COMMIT": r"no room|lost (before|after)",
    "identical requests at once, in one process and in two": r"identical",
    "the caller hangs up, or the gateway is told to stop, in the midst of a send": r"the caller|SIGTERM",
}
"""What is tried, and the scenarios that belong to it: each to the first that its name begins like."""

_HEADINGS = ("what happens", "scenarios", "items", "sent twice", "lost", "`FAILED`, yet sent", "`UNKNOWN`", "at most")
_BEGIN = "<!-- faults: written by `make faults` -->"
_END = "<!-- end of faults -->"


def summary(rows: Iterable[Figures]) -> list[str]:
    """A table in Markdown; a scenario that belongs nowhere is a mistake."""
    groups: dict[str, list[Figures]] = {name: [] for name in GROUPS}
    for row in rows:
        groups[group_of(row.scenario)].append(row)
    lines = [_HEADINGS, ("---", *["---:"] * (len(_HEADINGS) - 1))]
    lines += [_line(name, mine) for name, mine in groups.items()]
    return [f"| {' | '.join(line)} |" for line in lines]


def group_of(scenario: str) -> str:
    """The line of the table that a scenario belongs to. `ValueError` where there is none."""
    for name, beginning in GROUPS.items():
        if re.match(beginning, scenario):
            return name
    raise ValueError(f"no group of the README's table is for {scenario!r}")


def _line(name: str, rows: Sequence[Figures]) -> tuple[str, ...]:
    figures = [(row.items, row.twice, row.lost, row.denied, row.unknown, row.bound) for row in rows]
    sums = [sum(column) for column in zip(*figures, strict=True)] if figures else [0] * 6
    return (name, *map(str, (len(rows), *sums)))


def write_into(readme: Path, rows: Iterable[Figures]) -> None:
    """Puts the table in the place of the one that is there."""
    text = readme.read_text(encoding="utf-8")
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    readme.write_text("\n".join([before + _BEGIN, *summary(rows), _END]) + after, encoding="utf-8")
