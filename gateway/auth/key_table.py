"""Where API keys are kept: in the ledger's database, which every gateway process has already."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, select, update

from gateway.auth.api_keys import ApiKey
from gateway.dispatch.database import Database
from gateway.dispatch.tables import api_keys
from gateway.principals import Scope

__all__ = ["KeyTable"]

_SCOPES = frozenset(Scope)
"""Those that this release knows: a newer one may have written others, which allow nothing here."""

_ALL = select(api_keys).order_by(api_keys.c.created_at, api_keys.c.id)


class KeyTable:
    """The keys. Every method raises `gateway.dispatch.ledger.LedgerUnavailableError` when the database is away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> Sequence[ApiKey]:
        """Every key that was ever made, oldest first."""
        return await self._database.read(lambda c: [_key(row) for row in c.execute(_ALL)])

    async def add(self, key: ApiKey) -> None:
        """Keeps a new key."""

        def add(connection: Connection) -> None:
            connection.execute(api_keys.insert(), _row(key))

        await self._database.write(add)

    async def revoke(self, key_id: str, *, at: datetime) -> ApiKey | None:
        """Ends a key, if there is one of this id; one that was revoked before stays so."""

        def revoke(connection: Connection) -> ApiKey | None:
            of_id = api_keys.c.id == key_id
            connection.execute(update(api_keys).where(of_id, api_keys.c.revoked_at.is_(None)).values(revoked_at=at))
            row = connection.execute(select(api_keys).where(of_id)).one_or_none()
            return None if row is None else _key(row)

        return await self._database.write(revoke)


def _row(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "digest": key.digest,
        "scopes": msgspec.json.encode(sorted(key.scopes)).decode(),
        "backends": None if key.backends is None else msgspec.json.encode(sorted(key.backends)).decode(),
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
    }


def _key(row: Any) -> ApiKey:
    return ApiKey(
        id=row.id,
        name=row.name,
        digest=row.digest,
        scopes=_SCOPES.intersection(msgspec.json.decode(row.scopes, type=list[str])),
        backends=None if row.backends is None else msgspec.json.decode(row.backends, type=frozenset[str]),
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
    )
