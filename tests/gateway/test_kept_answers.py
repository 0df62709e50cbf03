"""What is kept of a write under its idempotency key."""

import json
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import select, update

from adapters.contract import Outcome, OutcomeState
from adapters.errors import Unavailable
from gateway.app import Gateway
from gateway.dispatch.sql_ledger import SqlLedger
from gateway.dispatch.tables import keys
from tests.gateway.asking import data, gateway_over
from tests.gateway.records import letter
from tests.gateway.writing import LETTER, text_of, writer

GIVEN = {"id": LETTER, "title": "Private", "idempotencyKey": "k"}


async def asked(gateway: Gateway) -> Any:
    return (await data(gateway, text_of("updateLetter"), input=GIVEN))["updateLetter"]


async def kept(gateway: Gateway) -> bytes:
    ledger = gateway.sending.ledger
    assert isinstance(ledger, SqlLedger)
    with ledger._database.transaction(writing=False) as connection:
        answer = (connection.execute(select(keys.c.answer))).scalar_one()
    return bytes(answer)


async def overwrite(gateway: Gateway, answer: bytes) -> None:
    ledger = gateway.sending.ledger
    assert isinstance(ledger, SqlLedger)
    with ledger._database.transaction(writing=True) as connection:
        connection.execute(update(keys).values(answer=answer))


async def test_the_outcome_is_kept_and_neither_the_record_nor_the_input() -> None:
    a = writer()
    gateway = gateway_over(a)
    record = replace(letter("a", "l1"), title="Private")
    a.behaviour.outcomes.append(
        [Outcome(state=OutcomeState.DONE, message="Saved.", native_id="l1", record=record)],
    )
    await asked(gateway)
    assert json.loads(await kept(gateway)) == {
        "version": 1,
        "state": "DONE",
        "native_id": "l1",
        "message": "Saved.",
        "problems": [],
    }


async def test_the_vendors_words_and_code_are_kept_with_the_problem() -> None:
    a = writer()
    gateway = gateway_over(a)
    error = Unavailable("Down.", backend="a", vendor_code="E1")
    a.behaviour.outcomes.append([Outcome(state=OutcomeState.UNKNOWN, message="Down.", error=error)])
    await asked(gateway)
    found = json.loads(await kept(gateway))
    (problem,) = found.pop("problems")
    assert found == {"version": 1, "state": "UNKNOWN", "native_id": None, "message": "Down."}
    assert (problem["code"], problem["message"], problem["vendor_code"]) == (
        "OUTCOME_UNKNOWN",
        "It may have been done: Down.",
        "E1",
    )


async def test_what_a_first_release_kept_is_read() -> None:
    gateway = gateway_over(writer())
    await asked(gateway)
    await overwrite(gateway, b'{"version":1,"state":"DONE","native_id":"l1","message":null,"problems":[],"more":1}')
    assert await asked(gateway) == {"letter": {"id": LETTER}, "problems": []}


@pytest.mark.parametrize(
    "answer",
    [
        b"\xff",
        b"{}",
        b'{"version":2,"state":"DONE","native_id":"l1","problems":[]}',
        b'{"version":1,"state":"HALF DONE"}',
        b'{"version":1,"state":"UNKNOWN","problems":[{"code":"NEW","message":"x"}]}',
    ],
)
async def test_what_another_release_kept_in_another_way_is_unknown_and_never_written_again(answer: bytes) -> None:
    a = writer()
    gateway = gateway_over(a)
    await asked(gateway)
    await overwrite(gateway, answer)
    payload = await asked(gateway)
    assert ([one["code"] for one in payload["problems"]], payload["letter"]) == (["OUTCOME_UNKNOWN"], None)
    assert len(a.behaviour.of("perform")) == 1
