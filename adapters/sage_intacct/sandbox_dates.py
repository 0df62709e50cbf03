"""The dates that a query's filter may name: a day, an instant, or a macro relative to the as-of date."""

from calendar import monthrange
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta

__all__ = ["MACROS", "day_of", "days_of_macro", "instant_of", "instants_of_days"]

Days = tuple[date, date]
"""The first and the last day of a period."""


def _week(day: date) -> Days:
    monday = day - timedelta(days=day.weekday())
    return monday, monday + timedelta(days=6)


def _months(year: int, first: int, count: int) -> Days:
    last = first + count - 1
    return date(year, first, 1), date(year, last, monthrange(year, last)[1])


def _month(day: date) -> Days:
    return _months(day.year, day.month, 1)


def _quarter(day: date) -> Days:
    return _months(day.year, (day.month - 1) // 3 * 3 + 1, 3)


def _year(day: date) -> Days:
    return _months(day.year, 1, 12)


def _day(day: date) -> Days:
    return day, day


def _before(period: Callable[[date], Days]) -> Callable[[date], Days]:
    return lambda day: period(period(day)[0] - timedelta(days=1))


MACROS: dict[str, Callable[[date], Days]] = {
    "today": _day,
    "currentWeek": _week,
    "currentMonth": _month,
    "currentQuarter": _quarter,
    "currentYear": _year,
    "yesterday": _before(_day),
    "lastWeek": _before(_week),
    "priorMonth": _before(_month),
    "priorQuarter": _before(_quarter),
    "priorYear": _before(_year),
}
"""Each macro's period around the as-of date."""


def days_of_macro(name: str, as_of: date) -> Days:
    """The period of a macro; OverflowError or ValueError where the calendar does not reach that far."""
    return MACROS[name](as_of)


def day_of(text: str) -> date:
    """A ``yyyy-MM-dd`` day; ValueError for anything else."""
    day = date.fromisoformat(text)
    if text != day.isoformat():
        raise ValueError(f"{text} is not of the form yyyy-MM-dd")
    return day


def instant_of(text: str) -> datetime:
    """An ISO 8601 date-time with ``Z``; ValueError for anything else."""
    if not text.endswith("Z") or "T" not in text:
        raise ValueError(f"{text} is not an ISO 8601 date-time ending in Z")
    return datetime.fromisoformat(text)


def instants_of_days(days: Days) -> tuple[datetime, datetime]:
    """The first and the last instant of a period."""
    return datetime.combine(days[0], time.min, UTC), datetime.combine(days[1], time.max, UTC)
