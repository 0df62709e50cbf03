"""Who asks: what they may do, and at which backends."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

__all__ = ["EVERYTHING", "LOCAL", "Principal", "Scope"]


class Scope(StrEnum):
    """What a credential allows, each by itself: none includes another."""

    READ = "read"
    WRITE = "write"
    SEND = "send"
    RAW = "raw"
    ADMIN = "admin"


EVERYTHING = frozenset(Scope)


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who asks. ``backends`` are the keys of those it may use; None for all.

    ``credential`` names what it came with (a key's id, a token's), and is no secret; ``expires`` is that one's end.
    """

    id: str
    backends: frozenset[str] | None = None
    scopes: frozenset[Scope] = EVERYTHING
    credential: str | None = None
    expires: datetime | None = None


LOCAL = Principal(id="local")
"""Whoever reaches a gateway that asks nobody who they are; it listens on loopback only."""
