"""JSON as answers hold it."""

import json
from datetime import date
from typing import Any

import orjson

__all__ = ["to_json"]


def to_json(data: Any) -> bytes:
    """JSON in one line, days as ISO 8601 has them.

    A vendor's integer beyond 64 bits, which `raw` may hold, is beyond orjson.
    """
    try:
        return orjson.dumps(data)
    except TypeError:
        return json.dumps(data, allow_nan=False, separators=(",", ":"), default=_day).encode("utf-8")


def _day(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is no JSON.")
