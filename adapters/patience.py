"""How long an answer asks for patience, and whether it hides that its vendor is out of order."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

__all__ = ["no_hidden_outage", "retry_after"]

_SECONDS = re.compile(r"[0-9]{1,9}")


def retry_after(headers: httpx.Headers) -> float | None:
    """The seconds that ``Retry-After`` asks for, itself in seconds or an HTTP date (RFC 9110, section 10.2.3).

    A date is read against the answer's own ``Date``, where it has one: the vendor's clock may differ from ours.
    """
    said = headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(said):
        return float(said)
    then = _moment(said)
    if then is None:
        return None
    now = _moment(headers.get("date", "")) or datetime.now(UTC)
    return max(0.0, (then - now).total_seconds())


def no_hidden_outage(status: int, body: bytes) -> bool:  # noqa: ARG001 - the contract's signature
    """Of a vendor whose statuses say what they are."""
    return False


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
