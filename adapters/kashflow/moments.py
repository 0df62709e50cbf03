"""When something happened, read from the vendor's times.

They look like ``2013-02-05 12:00:00 +05:30``, often without the offset; a date alone is written as noon, and
``1900-01-01`` stands for never.
"""

import re
from datetime import UTC, datetime, time, timedelta

__all__ = ["latest", "parse", "readings"]

_YEARS = range(1901, 9999)
"""Those that a time can lie in: 1900 means never."""

_WIDEST_ZONE = timedelta(hours=12)
"""How far behind UTC a clock can be, so how much later than it says its time can be."""

_ONE_HOUR = timedelta(hours=1)
_SUMMER_TIME = range(3, 11)
"""The months in which clocks in the vendor's country may be an hour ahead of UTC."""


def parse(text: str | None) -> datetime | None:
    """The time as written, naive where it names no offset; None for none, for never, and for what is no time."""
    try:
        moment = datetime.fromisoformat(re.sub(r"\s+(?=[+-])", "", (text or "").strip()))
    except ValueError:
        return None
    return moment if moment.year in _YEARS else None


def readings(moment: datetime) -> tuple[datetime, ...]:
    """What a time can mean to the second, in UTC: a naive one is UTC or its country's time; a mere date, nothing."""
    if _is_date(moment):
        return ()
    if moment.tzinfo is not None:
        return (moment.astimezone(UTC),)
    plain = moment.replace(tzinfo=UTC)
    return (plain, plain - _ONE_HOUR) if moment.month in _SUMMER_TIME else (plain,)


def latest(moment: datetime) -> datetime:
    """The latest that a time can mean, in UTC, whatever zone a naive one was written in."""
    if _is_date(moment):
        moment = datetime.combine(moment.date(), time(), moment.tzinfo) + timedelta(days=1)
    return moment.astimezone(UTC) if moment.tzinfo is not None else moment.replace(tzinfo=UTC) + _WIDEST_ZONE


def _is_date(moment: datetime) -> bool:
    return moment.time() in (time(0), time(12))
