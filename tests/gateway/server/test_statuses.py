"""The status says whether something was executed: always, but under application/json only of what was no request."""

from typing import Any

import pytest

from adapters.errors import Unavailable
from gateway.app import Gateway
from gateway.public_codes import PUBLIC_CODES
from tests.gateway.asking import gateway_over, gid
from tests.gateway.fakes import fake
from tests.gateway.records import customer
from tests.gateway.server.endpoint import RESPONSE, endpoint, posted

NAME = "query($id: ID!) { customer(by: {id: $id}) { name } }"
REQUEST_ERRORS: list[tuple[str, dict[str, Any], str | None]] = [
    ("{", {}, None),
    ("{ nothing }", {}, None),
    (NAME, {}, None),
    (NAME, {"id": None}, None),
    ("query A { __typename } query B { __typename }", {}, None),
    ("query A { __typename }", {}, "B"),
    ("fragment F on Query { __typename }", {}, None),
    ("{" + "a{" * 10_000, {}, None),
    ("{ customers(first: " + "9" * 10_000 + ") { nodes { id } } }", {}, None),
    ('{ customer(by: {code: {backend: "a", code: "\\ud800"}}) { id } }', {}, None),
]


@pytest.mark.parametrize(("accept", "status"), [(RESPONSE, 400), ("application/json", 200)])
@pytest.mark.parametrize(("query", "variables", "name"), REQUEST_ERRORS)
async def test_what_cannot_be_executed_has_errors_and_no_data(
    query: str, variables: dict[str, Any], name: str | None, accept: str, status: int
) -> None:
    async with endpoint() as client:
        answer = await posted(client, query, accept, name, **variables)
    assert (answer.status_code, answer.json().keys()) == (status, {"errors"})
    assert {error["extensions"]["code"] for error in answer.json()["errors"]} == {"GRAPHQL_VALIDATION_FAILED"}


async def test_several_operations_are_executed_by_name() -> None:
    async with endpoint() as client:
        answer = await posted(client, "query A { a: __typename } query B { b: __typename }", RESPONSE, "B")
    assert (answer.status_code, answer.json()) == (200, {"data": {"b": "Query"}})


async def test_one_operation_needs_no_name_whatever_words_it_uses() -> None:
    query = '{ __type(name: "query mutation subscription") { name } }'
    async with endpoint() as client:
        answer = await posted(client, query, RESPONSE)
    assert (answer.status_code, answer.json()) == (200, {"data": {"__type": None}})


def down() -> Gateway:
    a = fake("a", customers=[customer("a", "1")])
    a.behaviour.lasting["customers.by_key"] = Unavailable("Down.", backend="a")
    return gateway_over(a)


@pytest.mark.parametrize("accept", [RESPONSE, "application/json"])
async def test_data_in_part_is_200(accept: str) -> None:
    async with endpoint(down()) as client:
        answer = await posted(client, NAME, accept, id=gid("Customer", "a", "1"))
    (error,) = answer.json()["errors"]
    assert (answer.status_code, answer.json()["data"]) == (200, {"customer": None})
    assert (error["extensions"]["code"], error["path"]) == ("UNAVAILABLE", ["customer"])


@pytest.mark.parametrize("accept", [RESPONSE, "application/json"])
async def test_a_failure_that_leaves_no_data_was_executed_all_the_same(accept: str) -> None:
    async with endpoint() as client:
        answer = await posted(client, '{ customers(backends: ["nowhere"]) { nodes { id } } }', accept)
    assert (answer.status_code, answer.json()["data"]) == (200, None)
    assert answer.json()["errors"][0]["path"] == ["customers"]


async def test_an_unknown_exception_before_any_field_is_500_and_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("token=hunter2")

    monkeypatch.setattr("gateway.engine.executor.Run", broken)
    async with endpoint() as client:
        answer = await posted(client, "{ __typename }")
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (500, "INTERNAL")
    assert "hunter2" not in answer.text


def test_the_public_codes_are_these() -> None:
    assert {str(code) for code in PUBLIC_CODES} == {
        *("INVALID_INPUT", "NOT_FOUND", "NOT_READY", "UNSUPPORTED", "CONFLICT", "ALREADY_SENT", "INACTIVE"),
        *("IDEMPOTENCY_CONFLICT", "SCAN_LIMIT", "FORBIDDEN", "BACKEND_CREDENTIALS", "RATE_LIMITED", "UNAVAILABLE"),
        *("TIMEOUT", "REJECTED", "MALFORMED_RESPONSE", "OUTCOME_UNKNOWN", "FILE_NOT_AVAILABLE"),
        *("BAD_REQUEST", "UNAUTHENTICATED", "GRAPHQL_VALIDATION_FAILED", "INTERNAL", "DOCUMENT_LIMIT", "COST_LIMIT"),
        *("UNTRUSTED_DOCUMENT", "PERSISTED_QUERY_NOT_FOUND", "PERSISTED_QUERY_NOT_SUPPORTED"),
    }
