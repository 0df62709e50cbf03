"""What is refused before anything is sent or written down."""

from typing import Any

import pytest

from adapters.contract import OutcomeState
from tests.gateway.asking import data, gateway_over, gid
from tests.gateway.fakes import fake
from tests.gateway.records import customer
from tests.gateway.sending import DELIVER, EMAIL, LETTER, POST, STATEMENTS, sender, sent

DONE, UNDONE, UNKNOWN = OutcomeState.DONE, OutcomeState.UNDONE, OutcomeState.UNKNOWN

TARGETS: list[tuple[str, dict[str, Any]]] = [
    (EMAIL, {"document": LETTER}),
    (DELIVER, {"document": LETTER}),
    (POST, {"document": LETTER, "speed": "PRIORITY"}),
    (STATEMENTS, {"customers": [gid("Customer", "a", "1")]}),
]


@pytest.mark.parametrize(("query", "target"), TARGETS)
@pytest.mark.parametrize("key", ["", "k" * 256, "a\0b", "\ud800", "b\udfff"])
async def test_a_key_that_is_none_is_refused(query: str, target: dict[str, Any], key: str) -> None:
    a = sender()
    gateway = gateway_over(a)
    payload = await sent(gateway, query, **target, idempotencyKey=key)
    problems = [(one["code"], one["path"]) for one in payload["problems"]]
    assert (problems, payload["dispatch"]) == ([("INVALID_INPUT", ["idempotencyKey"])], None)
    assert (await data(gateway, "{ dispatches { nodes { id } } }"))["dispatches"]["nodes"] == []


WRONG: list[tuple[str, dict[str, Any], str, list[str]]] = [
    (EMAIL, {"document": gid("Customer", "a", "1")}, "NOT_FOUND", ["document"]),
    (EMAIL, {"document": "nonsense"}, "NOT_FOUND", ["document"]),
    (EMAIL, {"document": gid("Letter", "a", "../l1")}, "NOT_FOUND", ["document"]),
    (EMAIL, {"document": LETTER, "statusAfter": {"vendorStatus": ""}}, "INVALID_INPUT", ["vendorStatus"]),
    (STATEMENTS, {}, "INVALID_INPUT", ["customers"]),
    (STATEMENTS, {"customers": []}, "INVALID_INPUT", ["customers"]),
    (STATEMENTS, {"customers": [gid("Customer", "a", "1")], "backend": "a"}, "INVALID_INPUT", ["customers"]),
    (STATEMENTS, {"customers": [gid("Customer", "a", "1")], "filter": {}}, "INVALID_INPUT", ["filter"]),
    (STATEMENTS, {"customers": [gid("Customer", "a", "1"), LETTER]}, "NOT_FOUND", ["customers"]),
    (STATEMENTS, {"backend": "nowhere"}, "INVALID_INPUT", ["backend"]),
    (STATEMENTS, {"backend": "a", "filter": {"name": None}}, "INVALID_INPUT", ["filter", "name"]),
]


@pytest.mark.parametrize(("query", "members", "code", "path"), WRONG)
async def test_a_mistake_is_a_problem_and_nothing_is_sent(
    query: str, members: dict[str, Any], code: str, path: list[str]
) -> None:
    a = sender()
    payload = await sent(gateway_over(a), query, **members)
    assert ([(one["code"], one["path"]) for one in payload["problems"]], payload["dispatch"]) == ([(code, path)], None)
    assert a.behaviour.of("perform") == []


async def test_one_backend_that_cannot_send_keeps_all_from_being_sent() -> None:
    a, b = sender("a"), fake("b", customers=[customer("b", "1")])
    ids = [gid("Customer", "a", "1"), gid("Customer", "b", "1")]
    payload = await sent(gateway_over(a, b), STATEMENTS, customers=ids)
    assert [(one["code"], one["backend"]) for one in payload["problems"]] == [("UNSUPPORTED", "b")]
    assert a.behaviour.of("perform") == []
