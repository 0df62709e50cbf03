"""A time-out that is set and stopped for every wait, and costs a timer only now and then."""

import asyncio
from collections.abc import Callable
from contextvars import Context

__all__ = ["Alarm"]


class Alarm:
    """Calls ``ring`` when it was set and, for as many seconds as were said, not stopped.

    Most waits end long before their time. Its timer is left running when it is stopped, and looks when it is over
    whether the alarm was set again meanwhile: a timer for each wait costs more than the wait.
    """

    __slots__ = ("_at", "_due", "_loop", "_ring", "_timer")

    def __init__(self, ring: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._ring = ring
        self._due: float | None = None
        self._at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def set(self, seconds: float) -> None:
        """Rings in so many seconds; what was set before counts no more."""
        due = self._due = self._loop.time() + seconds
        if self._timer is not None and due >= self._at:
            return
        self.close()
        self._wait_until(due)

    def stop(self) -> None:
        """Does not ring, unless it is set again."""
        self._due = None

    def close(self) -> None:
        """Takes the timer back too."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait_until(self, due: float) -> None:
        self._at = due
        self._timer = self._loop.call_at(due, self._look, context=Context())

    def _look(self) -> None:
        self._timer = None
        due = self._due
        if due is None:
            return
        if due > self._at and due > self._loop.time():
            self._wait_until(due)
            return
        self._due = None
        self._ring()
