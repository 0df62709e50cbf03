"""Writes outcomes down, also where the ledger is away for a while: what a vendor answered is not forgotten for that."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

import structlog

from gateway.dispatch.ledger import Ledger, LedgerUnavailableError, Settlement

__all__ = ["settled", "settled_by", "settled_later", "tell_late", "tell_unwritten"]

log = structlog.get_logger("postroom.dispatch")

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 5.0
"""Seconds between two tries; doubled each time."""


async def settled(ledger: Ledger, settlements: Sequence[Settlement], *, at: datetime) -> Sequence[bool] | None:
    """Of each outcome whether it still was news; None where they are not known to be written down."""
    try:
        written = await ledger.settle(settlements, at=at)
    except LedgerUnavailableError as error:
        tell_unwritten(settlements, error)
        return None
    tell_late(settlements, written)
    return written


def tell_unwritten(settlements: Sequence[Settlement], error: LedgerUnavailableError) -> None:
    """Puts outcomes into the log, since it may be all that is left of them."""
    log.warning("outcomes are not known to be written down", reason=str(error), outcomes=_told(settlements))


def tell_late(settlements: Sequence[Settlement], written: Sequence[bool]) -> None:
    """Puts outcomes into the log whose items had moved on."""
    for settlement, done in zip(settlements, written, strict=True):
        if not done:
            log.warning("an outcome came too late", item=settlement.number, state=settlement.state.value)


async def settled_by(
    ledger: Ledger, settlements: Sequence[Settlement], *, until: datetime, clock: Callable[[], datetime]
) -> bool:
    """Whether outcomes are written down, now or before their lease ends at ``until``."""
    if await settled(ledger, settlements, at=clock()) is not None:
        return True
    return await settled_later(ledger, settlements, until=until, clock=clock)


async def settled_later(
    ledger: Ledger, settlements: Sequence[Settlement], *, until: datetime, clock: Callable[[], datetime]
) -> bool:
    """Whether outcomes are written down that once were not: tried again until their lease ends, and once more then.

    By then they may be UNKNOWN, which a late answer still settles. An outcome that an earlier try wrote, although the
    ledger did not live to say so, stays as it is.
    """
    seconds = FIRST_PAUSE
    ended = False
    while not ended:
        ended = clock() >= until
        await asyncio.sleep(seconds)
        if await _written(ledger, settlements, clock()):
            return True
        seconds = min(LONGEST_PAUSE, seconds * 2)
    log.error("outcomes were not written down: their items will be UNKNOWN", outcomes=_told(settlements))
    return False


async def _written(ledger: Ledger, settlements: Sequence[Settlement], at: datetime) -> bool:
    try:
        await ledger.settle(settlements, at=at)
    except LedgerUnavailableError:
        return False
    log.info("outcomes are written down after all", items=len(settlements))
    return True


def _told(settlements: Sequence[Settlement]) -> list[str]:
    return [
        f"item {settlement.number}, attempt {settlement.attempt}: {settlement.state.value}"
        + (f" ({settlement.vendor_code})" if settlement.vendor_code else "")
        for settlement in settlements
    ]
