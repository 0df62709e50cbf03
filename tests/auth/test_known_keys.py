"""What a process knows of keys: changes count within seconds, and an outage of the database changes nothing."""

import asyncio

import pytest
from msgspec.structs import replace

from gateway.auth.known_keys import KEYS_PACE
from gateway.auth.refusals import InvalidCredentialError, UndecidedError
from gateway.principals import Principal, Scope
from tests.auth.table import NOW, Clocks, Table, known, made


async def test_a_key_is_who_it_says_with_what_it_allows() -> None:
    new = made("ann", backends=frozenset("a"))
    assert await known(Table(new.key), Clocks()).verify(new.text) == Principal(
        id="key:ann", backends=frozenset("a"), scopes=frozenset((Scope.READ,)), credential=new.key.id
    )


async def test_a_key_with_another_secret_is_told_apart_from_no_key_by_nobody() -> None:
    new, other = made(), made()
    keys = known(Table(new.key), Clocks())
    reasons = []
    for text in (other.text, f"postroom_{new.key.id}_{other.text[-43:]}", "nonsense", ""):
        with pytest.raises(InvalidCredentialError) as caught:
            await keys.verify(text)
        reasons.append(caught.value.reason)
    assert set(reasons) == {"The key is not known here."}


async def test_many_requests_read_the_table_once() -> None:
    new = made()
    table = Table(new.key)
    keys = known(table, Clocks())
    await asyncio.gather(*(keys.verify(new.text) for _ in range(50)))
    await keys.verify(new.text)
    assert table.reads == 1


async def test_a_revoked_key_is_refused_within_the_pace() -> None:
    new, clocks = made(), Clocks()
    table = Table(new.key)
    keys = known(table, clocks)
    principal = await keys.verify(new.text)
    table.keys = [replace(new.key, revoked_at=NOW)]
    clocks.passed += KEYS_PACE.every
    with pytest.raises(InvalidCredentialError, match="revoked"):
        await keys.verify(new.text)
    with pytest.raises(InvalidCredentialError, match="revoked"):
        await keys.renewed(principal)


async def test_a_key_expires_by_the_clock_alone() -> None:
    new, clocks = made(days=1), Clocks()
    keys = known(Table(new.key), clocks)
    await keys.verify(new.text)
    clocks.passed += 86_400
    with pytest.raises(InvalidCredentialError, match="expired"):
        await keys.verify(new.text)


async def test_a_new_key_is_taken_as_soon_as_the_floor_allows() -> None:
    table, clocks = Table(), Clocks()
    keys = known(table, clocks)
    with pytest.raises(InvalidCredentialError):
        await keys.verify(made().text)
    new = made()
    table.keys = [new.key]
    clocks.passed += KEYS_PACE.floor
    assert (await keys.verify(new.text)).credential == new.key.id


async def test_unknown_keys_do_not_read_the_table_more_often_than_the_floor() -> None:
    table = Table()
    keys = known(table, Clocks())
    for _ in range(100):
        with pytest.raises(InvalidCredentialError):
            await keys.verify(made().text)
    assert table.reads == 1


async def test_while_the_database_is_away_known_keys_are_good_and_others_undecided() -> None:
    new, clocks = made(), Clocks()
    table = Table(new.key)
    keys = known(table, clocks)
    await keys.verify(new.text)
    table.away = True
    clocks.passed += 3_600
    assert (await keys.verify(new.text)).credential == new.key.id
    with pytest.raises(UndecidedError):
        await keys.verify(made().text)


async def test_a_database_that_hangs_keeps_known_keys_waiting_once() -> None:
    new, clocks = made(), Clocks()
    table = Table(new.key)
    keys = known(table, clocks)
    await keys.verify(new.text)
    table.answering.clear()
    clocks.passed += KEYS_PACE.every
    first = asyncio.create_task(keys.verify(new.text))
    assert (await first).credential == new.key.id
    clocks.passed += 60
    assert (await keys.verify(new.text)).credential == new.key.id  # no wait: the reading is past all patience
    with pytest.raises(UndecidedError):
        await keys.verify(made().text)
    assert table.reads == 2
    table.answering.set()
    await keys.aclose()


async def test_one_who_leaves_takes_the_reading_from_nobody() -> None:
    new = made()
    table = Table(new.key)
    table.answering.clear()
    keys = known(table, Clocks())
    leaving, staying = (asyncio.create_task(keys.verify(new.text)) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    table.answering.set()
    assert (await staying).credential == new.key.id
    assert table.reads == 1
