"""kill -9 of a gateway in the midst of what it was asked, and again after each restart."""

from collections.abc import Callable, Sequence
from pathlib import Path

from tests.faults.gateway_process import GatewayProcess, gateway
from tests.faults.waiting import until

__all__ = ["TIMES", "killed_whenever"]

TIMES = {"lease_margin_seconds": 2, "sweep_seconds": 1, "dead_after_seconds": 2}
"""The ledger's times where a test waits for them."""


def killed_whenever(
    configuration: Path,
    begin: Callable[[GatewayProcess], Sequence[str]],
    marks: Sequence[int],
    count: Callable[[], int],
) -> Sequence[str]:
    """Asks for runs, and kills the gateway each time that ``count`` has come to the next mark; the dispatches' ids."""
    dispatches: Sequence[str] = ()
    for mark in marks:
        with gateway(configuration) as process:
            dispatches = dispatches or begin(process)
            until(lambda: count() >= mark, lambda: f"{mark}, it is {count()}; {process.log()}")  # noqa: B023
    return dispatches
