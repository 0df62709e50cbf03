"""How many values a request's variables have: each of them is looked at, whatever becomes of it."""

from collections.abc import Mapping
from typing import Any

__all__ = ["values_in"]


def values_in(variables: Mapping[str, Any] | None) -> int:
    """The items of all lists and the members of all objects, however deep: of JSON, each looked at once."""
    if not variables:
        return 0
    count = len(variables)
    waiting = [one for one in variables.values() if isinstance(one, list | dict)]
    while waiting:
        several = waiting.pop()
        count += len(several)
        items = several.values() if isinstance(several, dict) else several
        waiting.extend(one for one in items if isinstance(one, list | dict))
    return count
