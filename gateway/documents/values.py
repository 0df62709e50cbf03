"""How many values a request's variables have: each of them is looked at, whatever becomes of it."""

from collections.abc import Mapping
from typing import Any, Final

__all__ = ["values_in"]

_SEVERAL: Final = frozenset((dict, list))


def values_in(variables: Mapping[str, Any] | None) -> int:
    """The items of all lists and the members of all objects, however deep: of JSON, each looked at once."""
    if not variables:
        return 0
    count = len(variables)
    waiting = [one for one in variables.values() if type(one) in _SEVERAL]
    while waiting:
        several = waiting.pop()
        count += len(several)
        items = several.values() if type(several) is dict else several
        waiting += [one for one in items if type(one) in _SEVERAL]
    return count
