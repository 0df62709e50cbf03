"""Shows how a dispatch gets on: as a bar on a terminal, as lines elsewhere."""

import asyncio
import contextlib
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Column

from gateway.commands.dispatch_standing import Standing
from gateway.commands.dispatch_telling import counted, plain
from gateway.commands.output import say
from gateway.dispatch.records import ItemState

__all__ = ["Lines", "watch"]

POLL_SECONDS = 0.25
LINE_SECONDS = 5.0
"""How often a line is written while only the counts change: a run of hours leaves a log that can be read."""

WIDE = 100
"""Columns of a terminal that has room for times beside the counts."""


class Shown(Protocol):
    """Where the progress is seen."""

    def show(self, standing: Standing) -> None:
        """Shows it as it is now."""

    def close(self) -> None:
        """Leaves what was last shown, and the terminal as it was."""


async def watch(
    read: Callable[[], Awaitable[Standing]],
    *,
    ended: Callable[[], bool] = lambda: False,
    when_left: str = "No longer watched; it goes on.",
) -> Standing:
    """Shows a dispatch until all its items are settled, or until what works on it has ``ended``."""
    console = Console(file=sys.stdout, highlight=False)
    shown: Shown = _Bar(console) if sys.stdout.isatty() and not console.is_dumb_terminal else Lines()
    try:
        with contextlib.closing(shown):
            while True:
                last = ended()
                standing = await read()
                shown.show(standing)
                if last or not standing.pending:
                    return standing
                await asyncio.sleep(POLL_SECONDS)
    except asyncio.CancelledError:
        say(when_left)
        raise


class Lines:
    """One line when the state changes, and now and again when the counts do."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last: Standing | None = None
        self._due = 0.0

    def show(self, standing: Standing) -> None:
        """Writes a line, if it is time for one."""
        last = self._last
        turned = last is None or (last.state, last.paused) != (standing.state, standing.paused)
        moved = last is None or last.counts != standing.counts
        if not turned and not (moved and self._clock() >= self._due):
            return
        paused = "" if standing.paused is None else f" ({plain(standing.paused)})"
        say(f"{standing.state.value}{paused}: {counted(standing.counts)}")
        self._last, self._due = standing, self._clock() + LINE_SECONDS

    def close(self) -> None:
        """Lines stay as they are."""


class _Bar:
    """A bar, the counts, and how long it takes; what keeps the run from going on stands above it."""

    def __init__(self, console: Console) -> None:
        times = (TimeElapsedColumn(), TimeRemainingColumn()) if console.width >= WIDE else ()
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None, table_column=Column(ratio=1)),  # takes what the words leave
            MofNCompleteColumn(),
            TextColumn("{task.fields[states]}", markup=False),
            *times,
            console=console,
            expand=True,
        )
        self._task = self._progress.add_task("", states="", total=None)
        self._paused: str | None = None
        self._begun = False

    def show(self, standing: Standing) -> None:
        """Moves the bar."""
        states = ", ".join(f"{count} {state.value.lower()}" for state, count in _settled(standing))
        done = standing.total - standing.pending
        if not self._begun:
            # What was done before is no sign of how fast it goes.
            self._progress.reset(
                self._task, total=standing.total, completed=done, description=standing.state.value, states=states
            )
            self._progress.start()
            self._begun = True
        if standing.paused is not None and standing.paused != self._paused:
            self._progress.console.print(f"Paused: {plain(standing.paused)}", markup=False)
        self._paused = standing.paused
        self._progress.update(self._task, completed=done, description=standing.state.value, states=states)

    def close(self) -> None:
        """Leaves the bar as it was last."""
        self._progress.stop()


def _settled(standing: Standing) -> list[tuple[ItemState, int]]:
    pending = (ItemState.QUEUED, ItemState.SENDING)
    return [(state, count) for state in ItemState if state not in pending and (count := standing.counts.get(state, 0))]
