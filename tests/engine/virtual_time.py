"""An event loop whose time passes only while all wait for it: how long something takes is then exact, and no wait."""

import asyncio
import selectors
from collections.abc import Callable
from typing import Any

__all__ = ["VirtualTime"]


class _Selector(selectors.DefaultSelector):
    """Does not wait for a time to come: makes it be that time. What a thread works at takes none."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.in_threads = 0

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None or timeout <= 0 or self.in_threads:
            return super().select(None if self.in_threads and timeout != 0 else timeout)
        found = super().select(0)
        if not found:
            self.now += timeout
        return found


class VirtualTime(asyncio.SelectorEventLoop):
    """Such a loop."""

    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        """The seconds that were waited for."""
        return self._virtual.now

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:  # type: ignore[override]
        """Runs it in a thread, as ever; until it is done no time passes."""
        work = super().run_in_executor(executor, func, *args)
        self._virtual.in_threads += 1
        work.add_done_callback(self._done)
        return work

    def _done(self, _: Any) -> None:
        self._virtual.in_threads -= 1
