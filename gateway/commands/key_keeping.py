"""``postroom keys create``, ``list`` and ``revoke``."""

import contextlib
import re
import sys
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from gateway.auth.api_keys import ApiKey, new_key
from gateway.auth.key_table import KeyTable
from gateway.commands.configuration import configured
from gateway.commands.failure import CommandFailure
from gateway.commands.output import aligned, say
from gateway.connecting import utc_now
from gateway.dispatch.database import Database
from gateway.dispatch.ledger import LedgerUnavailableError
from gateway.dispatch.migrating import LedgerTooNewError, migrate
from gateway.principals import Scope
from gateway.settings import Settings

__all__ = ["create", "list_", "revoke"]

Flag = Parameter(negative=())
Repeated = Parameter(negative=(), consume_multiple=False)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")


async def create(
    name: str,
    /,
    *,
    scope: Annotated[list[Scope], Repeated],
    backend: Annotated[list[str] | None, Repeated] = None,
    all_backends: Annotated[bool, Flag] = False,
    days: int | None = None,
    config: Path | None = None,
) -> int:
    """Makes a key and writes it to standard output: nobody can show it again.

    Args:
        name: Whose it is, as `requestedBy` and the audit log say. Keys of one name are one caller.
        scope: What it allows; give it once for each: read, write, send, raw, admin.
        backend: A backend that it may use, by key; give it once for each.
        all_backends: It may use every backend, and those that are added later.
        days: It expires after so many days; without this, never.
        config: The configuration that says where keys are kept; postroom.toml in this folder when absent.
    """
    settings = configured(config)
    if _NAME.fullmatch(name) is None:
        raise CommandFailure(f"{name!r} is no name for a key: up to 64 letters, digits and . _ @ -", code=2)
    if days is not None and not 1 <= days <= 36_500:
        raise CommandFailure("--days: must be a whole number from 1 to 36500.", code=2)
    backends = _backends(settings, backend, all_backends=all_backends)
    now = utc_now()
    made = new_key(
        name=name,
        scopes=frozenset(scope),
        backends=backends,
        now=now,
        expires_at=None if days is None else now + timedelta(days=days),
    )
    async with _opened(settings) as table:
        await table.add(made.key)
    say(made.text)
    sys.stderr.write(f"This is the key {made.key.id} of {name}. Keep it now: it is not shown again.\n")
    return 0


async def list_(*, config: Path | None = None) -> int:
    """Lists the keys: id, name, scopes, backends, when they were made, and how they stand.

    Args:
        config: The configuration that says where keys are kept; postroom.toml in this folder when absent.
    """
    async with _opened(configured(config)) as table:
        found = await table.all()
    now = utc_now()
    if found:
        say(aligned([_row(key, now) for key in found], indent=""))
    return 0


async def revoke(id: str, /, *, config: Path | None = None) -> int:
    """Ends a key. Gateways that run refuse it within seconds.

    Args:
        id: The key's id, as `list` prints it: not the key itself.
        config: The configuration that says where keys are kept; postroom.toml in this folder when absent.
    """
    async with _opened(configured(config)) as table:
        key = await table.revoke(id, at=utc_now())
    if key is None:
        raise CommandFailure("There is no key of this id: `postroom keys list` shows the ids.")
    say(f"{key.id} of {key.name} is revoked.")
    return 0


def _backends(settings: Settings, named: list[str] | None, *, all_backends: bool) -> frozenset[str] | None:
    if all_backends == bool(named):
        raise CommandFailure("Say which backends it may use: --backend KEY for each, or --all-backends.", code=2)
    known = {one.key for one in settings.backends}
    for key in named or ():
        if key not in known:
            raise CommandFailure(
                f"There is no backend {key!r} in the configuration: {', '.join(sorted(known))}.", code=2
            )
    return None if all_backends else frozenset(named or ())


def _row(key: ApiKey, now: datetime) -> list[str]:
    if key.revoked_at is not None:
        standing = f"revoked {_day(key.revoked_at)}"
    elif key.expires_at is None:
        standing = "never expires"
    else:
        standing = f"{'expired' if key.expires_at <= now else 'expires'} {_day(key.expires_at)}"
    scopes = ",".join(scope.value for scope in Scope if scope in key.scopes)
    backends = "all" if key.backends is None else ",".join(sorted(key.backends))
    return [key.id, key.name, scopes, backends, _day(key.created_at), standing]


def _day(moment: datetime) -> str:
    return moment.date().isoformat()


@contextlib.asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[KeyTable]:
    """The keys of these settings, in a database that is made and brought up to date where need be."""
    database = Database(settings.ledger.url.get_secret_value())
    try:
        await migrate(database)
        yield KeyTable(database)
    except LedgerUnavailableError as error:
        reason = " ".join(str(error).split())
        message = f"Keys cannot be read or written ({reason}). Check ledger.url, and that its database can be reached."
        raise CommandFailure(message) from None
    except LedgerTooNewError as error:
        raise CommandFailure(f"Keys cannot be read or written: {error}.") from None
    finally:
        await database.close()
