"""Time that passes when a test says so: what waits for a moment need not be waited for, nor hurried to."""

import asyncio

__all__ = ["pass_time"]


def pass_time(seconds: float) -> None:
    """Lets so many seconds pass for the running event loop, asyncio's own: timers that are due then are due now."""
    loop = asyncio.get_running_loop()
    now = loop.time
    loop.time = lambda: now() + seconds  # type: ignore[method-assign]
