"""Pages of customers' own lists: which of them are read together, each from a place of its own."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from adapters.contract import ListRequest

if TYPE_CHECKING:
    from gateway.loaders import PageKey

__all__ = ["OwnPageKey", "own_list_of", "own_page_of", "positions_of", "rounds_of"]

OwnPageKey = str | tuple[str, str]
"""A customer's native id, for its own list from the beginning, or the id and the position to go on from."""


def own_list_of(key: "PageKey") -> tuple[str, str, ListRequest]:
    """All that the pages of many customers are read together by."""
    request = key.request
    return key.part, key.backend, request if request.position is None else replace(request, position=None)


def own_page_of(key: "PageKey") -> OwnPageKey:
    """Whose list, and from where."""
    assert key.customer_id is not None  # noqa: S101 - of a customer's own list
    return key.customer_id if key.request.position is None else (key.customer_id, key.request.position)


def rounds_of(keys: Sequence[OwnPageKey]) -> list[dict[str, OwnPageKey]]:
    """The keys by customer, each customer once in a round."""
    rounds: list[dict[str, OwnPageKey]] = []
    times: dict[str, int] = defaultdict(int)
    for key in keys:
        customer_id = key if isinstance(key, str) else key[0]
        if times[customer_id] == len(rounds):
            rounds.append({})
        rounds[times[customer_id]][customer_id] = key
        times[customer_id] += 1
    return rounds


def positions_of(turn: Mapping[str, OwnPageKey]) -> dict[str, str]:
    """By customer, the positions of those whose lists go on."""
    return {key[0]: key[1] for key in turn.values() if not isinstance(key, str)}
