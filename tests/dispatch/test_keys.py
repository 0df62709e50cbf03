"""Idempotency keys of writes that are no sends, and the processes that say they are alive."""

from datetime import timedelta

import pytest

from gateway.dispatch.ledger import IdempotencyConflictError, Ledger
from tests.dispatch.asking import LATER, NOW, begun

KEY = ("alice", "createCustomer", "k")


async def test_a_key_is_taken_once_and_keeps_the_answer(ledger: Ledger) -> None:
    assert await ledger.begin_write(*KEY, "input", at=NOW) == (True, None)
    assert await ledger.begin_write(*KEY, "input", at=LATER) == (False, None)
    await ledger.end_write(*KEY, b"\x00answer\xff")
    assert await ledger.begin_write(*KEY, "input", at=LATER) == (False, b"\x00answer\xff")


async def test_a_key_with_another_input_is_a_conflict(ledger: Ledger) -> None:
    await ledger.begin_write(*KEY, "input", at=NOW)
    with pytest.raises(IdempotencyConflictError):
        await ledger.begin_write(*KEY, "other", at=NOW)


async def test_a_write_that_was_not_done_frees_its_key(ledger: Ledger) -> None:
    await ledger.begin_write(*KEY, "input", at=NOW)
    await ledger.end_write(*KEY, None)
    assert await ledger.begin_write(*KEY, "other", at=NOW) == (True, None)


@pytest.mark.parametrize("other", [("bob", *KEY[1:]), ("alice", "updateCustomer", "k"), (*KEY[:2], "l")])
async def test_keys_are_apart_by_principal_mutation_and_key(other: tuple[str, str, str], ledger: Ledger) -> None:
    await ledger.begin_write(*KEY, "input", at=NOW)
    assert await ledger.begin_write(*other, "other", at=NOW) == (True, None)
    await ledger.end_write(*other, b"done")
    await ledger.end_write(*other, None)
    assert await ledger.begin_write(*KEY, "input", at=NOW) == (False, None)


async def test_keys_are_forgotten_by_when_they_were_taken(ledger: Ledger) -> None:
    await ledger.begin_write(*KEY, "input", at=NOW)
    await begun(ledger, "a", idempotency_key="k", at=LATER)
    assert await ledger.forget_keys(before=NOW) == 0
    assert await ledger.forget_keys(before=LATER) == 1
    assert await ledger.begin_write(*KEY, "other", at=LATER) == (True, None)
    assert (await begun(ledger, "a", idempotency_key="k")).replayed is True
    assert await ledger.forget_keys(before=LATER + timedelta(days=1)) == 2
    assert (await begun(ledger, "a", idempotency_key="k")).replayed is False


async def test_a_process_that_is_silent_is_told_dead_once(ledger: Ledger) -> None:
    await ledger.beat("one", now=NOW)
    await ledger.beat("two", now=NOW)
    await ledger.beat("two", now=LATER)
    assert await ledger.take_dead(before=NOW) == []
    assert await ledger.take_dead(before=LATER) == ["one"]
    assert await ledger.take_dead(before=LATER) == []
    await ledger.beat("one", now=NOW)
    assert await ledger.take_dead(before=LATER) == ["one"]


async def test_a_process_that_is_silent_is_told_until_somebody_takes_it(ledger: Ledger) -> None:
    await ledger.beat("one", now=NOW)
    await ledger.beat("two", now=NOW)
    await ledger.beat("two", now=LATER)
    assert await ledger.silent(before=NOW) == []
    assert await ledger.silent(before=LATER) == ["one"]
    assert await ledger.silent(before=LATER) == ["one"]
    assert sorted(await ledger.silent(before=LATER + timedelta(microseconds=1))) == ["one", "two"]
    await ledger.take_dead(before=LATER)
    assert await ledger.silent(before=LATER) == []
