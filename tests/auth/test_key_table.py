"""Keys are kept in the ledger's database, whichever that is, without their secrets."""

from msgspec.structs import replace
from sqlalchemy import text

from gateway.auth.api_keys import parse_key
from gateway.auth.key_table import KeyTable
from gateway.dispatch.database import Database
from gateway.principals import Scope
from tests.auth.table import NOW, made


async def on(url: str) -> tuple[KeyTable, Database]:
    database = Database(url)
    return KeyTable(database), database


async def test_keys_come_back_as_they_were_added(ledger_url: str) -> None:
    table, database = await on(ledger_url)
    keys = [made("ann", days=3, backends=frozenset(("a", "b"))).key, made("bob").key]
    for key in keys:
        await table.add(key)
    assert sorted(await table.all(), key=lambda key: key.name) == keys
    await database.close()


async def test_a_revoked_key_stays_revoked_since_then(ledger_url: str) -> None:
    table, database = await on(ledger_url)
    key = made().key
    await table.add(key)
    revoked = [await table.revoke(key.id, at=at) for at in (NOW, NOW.replace(year=2027))]
    assert revoked == [replace(key, revoked_at=NOW)] * 2
    assert await table.revoke("0" * 12, at=NOW) is None
    await database.close()


async def test_no_secret_is_in_the_database(sqlite_url: str) -> None:
    table, database = await on(sqlite_url)
    new = made()
    await table.add(new.key)
    rows = await database.read(lambda c: repr(c.execute(text("SELECT * FROM api_keys")).all()))
    parsed = parse_key(new.text)
    assert parsed is not None
    assert (new.key.id in rows, parsed[1] in rows, new.text in rows) == (True, False, False)
    await database.close()


async def test_a_scope_that_this_release_does_not_know_allows_nothing(sqlite_url: str) -> None:
    table, database = await on(sqlite_url)
    await table.add(made().key)
    renaming = text("""UPDATE api_keys SET scopes = '["read","rule"]'""")
    await database.write(lambda c: c.execute(renaming).rowcount)
    assert [key.scopes for key in await table.all()] == [frozenset((Scope.READ,))]
    await database.close()
