"""How much a vendor bears, as data."""

from msgspec import Struct

__all__ = ["Limits", "Rate"]


class Rate(Struct, frozen=True, kw_only=True):
    """At most so many ``calls`` in any ``seconds``."""

    calls: int
    seconds: float


class Limits(Struct, frozen=True, kw_only=True):
    """What a vendor bears, and what we ask of it at most. Sources are in the vendor's README.

    ``page_size`` is the most rows asked for at once; ``scan_budget`` the most rows read to fill one page of an answer;
    ``concurrency`` the most calls at once; ``rate`` how many over time, where the vendor says that; ``statement_batch``
    the most customers in one statement call.
    """

    page_size: int
    concurrency: int
    scan_budget: int = 10_000
    statement_batch: int = 1
    rate: Rate | None = None
