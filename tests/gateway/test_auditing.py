"""Each write and send leaves a line: who, what, how it ended; and nothing of anybody's."""

import asyncio
import json
from typing import Any

import pytest
import structlog
from graphql import GraphQLInputObjectType, get_named_type
from structlog.testing import LogCapture

from gateway.context import Principal
from gateway.ids import Ref, decode
from gateway.principals import EVERYTHING, Scope
from gateway.schema import auditing
from gateway.schema.auditing import ID_FIELDS
from tests.gateway.asking import answer, data, gateway_over, gid
from tests.gateway.sending import EMAIL, LETTER, STATEMENTS, sender
from tests.gateway.writing import NEW_LETTER, text_of, writer

ANN = Principal(id="key:ann", credential="0123456789ab")


@pytest.fixture
def audit() -> Any:
    """The audit log's lines."""
    capture = LogCapture()
    before = structlog.get_config()["processors"]
    structlog.configure(processors=[capture])
    yield capture.entries
    structlog.configure(processors=before)


def lines(entries: Any) -> list[dict[str, Any]]:
    return [dict(entry) for entry in entries if entry.get("mutation")]


async def test_a_send_says_who_sent_what_under_which_dispatch(audit: Any) -> None:
    gateway = gateway_over(sender())
    sent = (await data(gateway, EMAIL, principal=ANN, input={"document": LETTER}))["sent"]
    (line,) = lines(audit)
    assert line.pop("dispatch") == decode(sent["dispatch"]["id"]).native_id
    assert line == {
        "event": "asked",
        "log_level": "info",
        "principal": "key:ann",
        "key_id": "0123456789ab",
        "mutation": "emailDocument",
        "outcome": "done",
        "state": "SUCCEEDED",
        "backends": ["a"],
        "targets": [LETTER],
        "target_count": 1,
    }


async def test_a_write_says_what_was_made(audit: Any) -> None:
    await data(gateway_over(writer()), text_of("createLetter", None), principal=ANN, input=NEW_LETTER)
    (line,) = lines(audit)
    assert (line["mutation"], line["outcome"], line["targets"]) == ("createLetter", "done", [NEW_LETTER["customer"]])


async def test_what_is_refused_is_said_too_by_its_code(audit: Any) -> None:
    principal = Principal(id="bob", scopes=EVERYTHING - {Scope.SEND})
    await data(gateway_over(sender()), EMAIL, principal=principal, input={"document": LETTER})
    (line,) = lines(audit)
    assert (line["principal"], line["outcome"], line["problems"]) == ("bob", "problems", ["FORBIDDEN"])


async def test_a_plan_is_no_send(audit: Any) -> None:
    await data(gateway_over(sender()), EMAIL, principal=ANN, input={"document": LETTER, "dryRun": True})
    assert [line["outcome"] for line in lines(audit)] == ["planned"]


async def test_a_read_leaves_no_line(audit: Any) -> None:
    await data(gateway_over(sender()), "{ customers { nodes { id } } }", principal=ANN)
    assert lines(audit) == []


async def test_a_run_shows_some_ids_and_counts_all(audit: Any) -> None:
    customers = [gid("Customer", "a", str(n)) for n in range(30)]
    await data(gateway_over(sender(count=30)), STATEMENTS, principal=ANN, input={"customers": customers})
    (line,) = lines(audit)
    assert (line["targets"], line["target_count"]) == (customers[:20], 30)


async def test_of_a_run_no_more_ids_are_looked_at_than_shown(audit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[str] = []

    def noting(value: str) -> Ref:
        looked_at.append(value)
        return decode(value)

    monkeypatch.setattr(auditing, "decode", noting)
    query = "mutation($input: EmailStatementsInput!) { emailStatements(input: $input) { plan { itemCount } } }"
    customers = [gid("Customer", "ab"[n % 2 if n > 25 else 0], str(n)) for n in range(60)]
    gateway = gateway_over(sender(count=60), sender("b", count=60))
    await data(gateway, query, principal=ANN, input={"customers": customers, "dryRun": True})
    (line,) = lines(audit)
    assert (line["backends"], line["target_count"], looked_at) == (["a", "b"], 60, customers[:20])


async def test_what_is_no_id_of_ours_is_counted_and_not_shown(audit: Any) -> None:
    given = ["zoe@example.com", gid("Customer", "a", "1")]
    await data(gateway_over(sender()), STATEMENTS, principal=ANN, input={"customers": given})
    (line,) = lines(audit)
    assert (line["targets"], line["target_count"], line["problems"]) == (given[1:], 2, ["NOT_FOUND"])


async def test_whoever_leaves_leaves_a_line(audit: Any) -> None:
    a = sender()
    gate = a.behaviour.hold("perform")
    task = asyncio.create_task(answer(gateway_over(a), EMAIL, principal=ANN, input={"document": LETTER}))
    await gate.begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    gate.release.set()
    assert [line["outcome"] for line in lines(audit)] == ["left"]


SECRETS = {
    "recipients": [{"email": "zoe@example.com", "name": "Zoë Secret"}],
    "subject": "About your debts",
    "body": "Dear Zoë",
    "idempotencyKey": "k-very-private",
}


async def test_nothing_of_what_was_sent_to_whom_is_in_a_line(audit: Any) -> None:
    await data(gateway_over(sender()), EMAIL, principal=ANN, input={"document": LETTER, **SECRETS})
    await data(gateway_over(sender()), EMAIL, principal=ANN, input={"document": "zoe@example.com", **SECRETS})
    text = json.dumps(lines(audit), default=str, ensure_ascii=False)
    words = ["zoe@example.com", "Zoë", "debts", "Dear", "k-very-private"]
    assert (len(lines(audit)), [word for word in words if word in text]) == (2, [])


def test_every_field_that_holds_ids_is_known_to_the_log() -> None:
    schema = gateway_over().schema._schema
    assert schema.mutation_type is not None
    found = set()
    for field in schema.mutation_type.fields.values():
        for name, argument in field.args.items():
            kind = get_named_type(argument.type)
            members = kind.fields.items() if isinstance(kind, GraphQLInputObjectType) else [(name, argument)]
            found |= {name for name, member in members if get_named_type(member.type).name == "ID"}
    assert {_snake(name) for name in found} == ID_FIELDS


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
