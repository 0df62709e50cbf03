"""What the log tells besides what was asked for, which is told of each write and send."""

from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["troubles"]


def troubles(logs: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The lines that somebody should look at."""
    return [entry for entry in logs if entry["log_level"] != "info"]
