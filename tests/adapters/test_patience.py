"""How long an answer asks for patience."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from adapters.patience import retry_after

NOON = "Tue, 30 Jun 2026 12:00:00 GMT"
PAST_NOON = "Tue, 30 Jun 2026 12:01:30 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": " 120 "}, 120.0),
        ({"retry-after": "1.5"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "9" * 10}, None),
        ({"retry-after": "\u0663"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": PAST_NOON, "date": NOON}, 90.0),
        ({"retry-after": PAST_NOON, "date": "Tue, 30 Jun 2026 12:00:00 -0000"}, 90.0),
        ({"retry-after": NOON, "date": PAST_NOON}, 0.0),
        ({"retry-after": "Wed, 31 Foo 2026 12:00:00 GMT"}, None),
    ],
)
def test_patience_is_asked_for_in_seconds_or_until_a_moment(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(httpx.Headers(headers, encoding="utf-8")) == seconds


def test_a_moment_without_the_answers_own_date_is_read_by_our_clock() -> None:
    in_an_hour = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    seconds = retry_after(httpx.Headers({"retry-after": in_an_hour}))
    assert seconds is not None
    assert 3500 < seconds <= 3600
