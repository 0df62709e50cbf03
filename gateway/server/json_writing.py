"""JSON as answers hold it."""

import json
from typing import Any

import orjson

__all__ = ["to_json"]


def to_json(data: Any) -> bytes:
    """JSON in one line. A vendor's integer beyond 64 bits, which `raw` may hold, is beyond orjson too."""
    try:
        return orjson.dumps(data)
    except TypeError:
        return json.dumps(data, allow_nan=False, separators=(",", ":")).encode("utf-8")
