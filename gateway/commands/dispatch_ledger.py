"""Opens the ledger for a command, with no gateway around it."""

import contextlib
import os
import re
import sys
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

from msgspec.structs import replace
from sqlalchemy import func, select

from gateway.commands.failure import CommandFailure
from gateway.dispatch.database import Database, database_url
from gateway.dispatch.ledger import DispatchQuery, LedgerUnavailableError
from gateway.dispatch.migrating import LedgerTooNewError, LedgerTooOldError, require_current
from gateway.dispatch.records import Dispatch, DispatchItem, ItemState
from gateway.dispatch.sql_ledger import SqlLedger
from gateway.dispatch.tables import dispatches, executors
from gateway.ids import InvalidId, decode, encode
from gateway.schema.node import DISPATCH_SCOPE
from gateway.settings import Settings

__all__ = ["OpenLedger", "dispatches_of", "global_id", "items_of", "opened", "prefix_of"]

FEWEST_CHARACTERS = 4
"""Of a ledger id's 32: fewer would be typed by mistake."""

MOST_NAMED = 5
PAGE = 500
"""Dispatches, and items, that are in memory at once."""


class OpenLedger:
    """The ledger, and what commands alone ask of it."""

    def __init__(self, ledger: SqlLedger, database: Database) -> None:
        self.ledger = ledger
        self._database = database

    async def dispatch(self, given: str) -> Dispatch:
        """The dispatch of an id, or of the beginning of one. Raises `CommandFailure`."""
        prefix = prefix_of(given)
        ids = select(dispatches.c.id).where(dispatches.c.id.startswith(prefix, autoescape=True))
        statement = ids.order_by(dispatches.c.number.desc()).limit(MOST_NAMED + 1)
        found = await self._database.read(lambda c: list(c.execute(statement).scalars()))
        dispatch = await self.ledger.get(only_one(prefix, found), None)
        assert dispatch is not None  # noqa: S101 - nothing is ever deleted
        return dispatch

    async def gateways(self, *, since: datetime) -> int:
        """How many gateways have said since then that they run over this ledger."""
        counting = select(func.count()).select_from(executors).where(executors.c.seen_at >= since)
        return await self._database.read(lambda c: c.execute(counting).scalar_one())


def prefix_of(given: str) -> str:
    """The beginning of a ledger id, which is 32 hexadecimal digits; the GraphQL id stands for a whole one."""
    if re.fullmatch(f"[0-9a-fA-F]{{{FEWEST_CHARACTERS},32}}", given):
        return given.lower()
    with contextlib.suppress(InvalidId):
        ref = decode(given)
        if (ref.type, ref.backend) == ("Dispatch", DISPATCH_SCOPE):
            return ref.native_id
    raise CommandFailure(
        f"{given!r} is no dispatch's id: give at least its first {FEWEST_CHARACTERS} characters, "
        "or the id that GraphQL has.",
        code=2,
    )


def only_one(prefix: str, found: list[str]) -> str:
    """The id that was meant. Raises `CommandFailure` where there is none, or more than one."""
    if not found:
        raise CommandFailure(f"No dispatch's id begins with {prefix}.")
    if len(found) > 1:
        named = ", ".join(found[:MOST_NAMED]) + (", …" if len(found) > MOST_NAMED else "")
        raise CommandFailure(f"Several dispatches' ids begin with {prefix}: {named}.")
    return found[0]


def global_id(ledger_id: str) -> str:
    """The id that GraphQL has for it."""
    return encode("Dispatch", DISPATCH_SCOPE, ledger_id)


@contextlib.asynccontextmanager
async def opened(settings: Settings, *, read_only: bool) -> AsyncIterator[OpenLedger]:
    """The ledger of these settings. It is neither made nor migrated: that is for a gateway's start to do.

    What keeps it from being used is a `CommandFailure`, here and until it is closed.
    """
    url = settings.ledger.url.get_secret_value()
    _require_file(url)
    database = Database(url, read_only=read_only)
    try:
        await require_current(database)
        yield OpenLedger(SqlLedger(database), database)
    except LedgerUnavailableError as error:
        reason = " ".join(str(error).split())
        message = f"The ledger cannot be used ({reason}). Check ledger.url, and that its database can be reached."
        raise CommandFailure(message) from error
    except (LedgerTooOldError, LedgerTooNewError) as error:
        raise CommandFailure(f"The ledger cannot be used: {error}.") from None
    except BrokenPipeError:
        # Whoever read the output has left; Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise CommandFailure("Not everything was read of what was to be written.") from None
    finally:
        await database.close()


def _require_file(configured: str) -> None:
    url = database_url(configured)
    file = url.database
    if url.get_backend_name() == "sqlite" and not (file and Path(file).is_file()):
        raise CommandFailure(
            f"There is no ledger at {file} yet: a gateway's first start makes it. ledger.url says where."
        )


async def dispatches_of(ledger: SqlLedger, query: DispatchQuery) -> AsyncIterator[Dispatch]:
    """All dispatches that match, newest first; ``query`` has no ``first``."""
    before: int | None = None
    while True:
        found = await ledger.find(replace(query, before=before, first=PAGE))
        for dispatch in found:
            yield dispatch
        if len(found) < PAGE:
            return
        before = found[-1].number


async def items_of(
    ledger: SqlLedger, dispatch_id: str, states: frozenset[ItemState] | None
) -> AsyncIterator[DispatchItem]:
    """All items of a dispatch that stand like this, in order."""
    after = 0
    while True:
        found = await ledger.items(dispatch_id, states=states, after=after, first=PAGE)
        for item in found:
            yield item
        if len(found) < PAGE:
            return
        after = found[-1].number
