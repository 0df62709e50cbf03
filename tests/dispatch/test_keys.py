"""Idempotency keys of writes that are no sends, and the processes that say they are alive."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from gateway.dispatch.ledger import IdempotencyConflictError, Ledger, TakenKey
from tests.dispatch.asking import LATER, LEASE, NOW, WRITE, begun

UNTIL = LEASE.until
OURS, RUNNING = TakenKey(ours=True), TakenKey(ours=False, until=UNTIL)


async def test_a_key_is_taken_once_and_keeps_the_answer(ledger: Ledger) -> None:
    assert await ledger.begin_write(WRITE, at=NOW, until=UNTIL) == OURS
    assert await ledger.begin_write(WRITE, at=LATER, until=LATER) == RUNNING
    await ledger.end_write(WRITE, b"\x00answer\xff")
    answered = TakenKey(ours=False, answer=b"\x00answer\xff", until=UNTIL)
    assert await ledger.begin_write(WRITE, at=LATER, until=LATER) == answered


async def test_a_key_with_another_input_is_a_conflict(ledger: Ledger) -> None:
    await ledger.begin_write(WRITE, at=NOW, until=UNTIL)
    with pytest.raises(IdempotencyConflictError):
        await ledger.begin_write(replace(WRITE, input_hash="other"), at=NOW, until=UNTIL)


async def test_a_write_that_was_not_done_frees_its_key(ledger: Ledger) -> None:
    await ledger.begin_write(WRITE, at=NOW, until=UNTIL)
    await ledger.end_write(WRITE, None)
    assert await ledger.begin_write(replace(WRITE, input_hash="other"), at=NOW, until=UNTIL) == OURS


@pytest.mark.parametrize("other", [{"principal": "bob"}, {"mutation": "updateCustomer"}, {"key": "l"}])
async def test_keys_are_apart_by_principal_mutation_and_key(other: dict[str, str], ledger: Ledger) -> None:
    another = replace(WRITE, input_hash="other", **other)
    await ledger.begin_write(WRITE, at=NOW, until=UNTIL)
    assert await ledger.begin_write(another, at=NOW, until=UNTIL) == OURS
    await ledger.end_write(another, b"done")
    await ledger.end_write(another, None)
    assert await ledger.begin_write(WRITE, at=NOW, until=UNTIL) == RUNNING


async def test_keys_are_forgotten_by_when_they_were_taken(ledger: Ledger) -> None:
    await ledger.begin_write(WRITE, at=NOW, until=UNTIL)
    await begun(ledger, "a", idempotency_key="k", at=LATER)
    assert await ledger.forget_keys(before=NOW) == 0
    assert await ledger.forget_keys(before=LATER) == 1
    assert await ledger.begin_write(replace(WRITE, input_hash="other"), at=LATER, until=LATER) == OURS
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
