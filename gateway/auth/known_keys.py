"""The API keys as one process knows them: all of them, in memory, read again every few seconds.

There are a few, they are small, and to hold all costs less than to look each up: a request costs a digest, and a key
that nobody made costs the database nothing.
"""

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from gateway.auth.api_keys import ApiKey, parse_key
from gateway.auth.key_table import KeyTable
from gateway.auth.refusals import InvalidCredentialError
from gateway.auth.rereading import Pace, Reread
from gateway.dispatch.ledger import LedgerUnavailableError
from gateway.principals import Principal

__all__ = ["KEYS_PACE", "KnownKeys"]

KEYS_PACE: Final = Pace(every=5.0, floor=1.0)
"""Within 5 seconds every process refuses a revoked key, and within 1 it takes a new one: a read of a small table."""

_UNKNOWN = "The key is not known here."


class KnownKeys:
    """Knows who asks by their API key.

    While the database is away the keys that were read last stay good, to their own end, and no other is taken: an
    outage of the database locks nobody out, and lets nobody in. A revocation cannot be written then either.
    """

    def __init__(
        self, table: KeyTable, clock: Callable[[], datetime], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._table = table
        self._clock = clock
        self._keys = Reread("API keys", self._read, KEYS_PACE, (LedgerUnavailableError,), monotonic)

    async def verify(self, text: str) -> Principal:
        """Who asks with this key. Raises `InvalidCredentialError`, and `UndecidedError` for one that may be new."""
        parsed = parse_key(text)
        if parsed is None:
            raise InvalidCredentialError(_UNKNOWN)
        key_id, secret = parsed
        key = await self._keys.find(key_id)
        if key is None or not key.holds(secret):
            raise InvalidCredentialError(_UNKNOWN)
        return key.principal(self._clock())

    async def renewed(self, principal: Principal) -> Principal:
        """A principal as it stands now. Raises as `verify` does, also where its key has ended since."""
        key = await self._keys.find(principal.credential or "")
        if key is None:
            raise InvalidCredentialError(_UNKNOWN)
        return key.principal(self._clock())

    async def aclose(self) -> None:
        """Ends what is under way."""
        await self._keys.aclose()

    async def _read(self) -> Mapping[str, ApiKey]:
        return {key.id: key for key in await self._table.all()}
