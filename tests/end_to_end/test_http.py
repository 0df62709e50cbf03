"""GraphQL over HTTP: who gets an answer, who gets a page, and who is refused."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from adapters.sandbox_server import SandboxServer
from tests.end_to_end.stage import configured, served
from tests.patience import PATIENCE


@pytest.fixture(scope="module")
def url(company: SandboxServer) -> Iterator[str]:
    with served(configured(company)) as url:
        yield url


def get(url: str, **members: Any) -> httpx.Response:
    return httpx.get(url, trust_env=False, timeout=PATIENCE, **members)


def post(url: str, **members: Any) -> httpx.Response:
    return httpx.post(url, trust_env=False, timeout=PATIENCE, **members)


def test_a_query_is_posted_as_json(url: str) -> None:
    answer = post(f"{url}/graphql", json={"query": "{ backends { key } }"})

    assert answer.status_code == 200
    assert answer.json() == {
        "data": {
            "backends": [
                {"key": "billing-platform"},
                {"key": "kashflow"},
                {"key": "sage-intacct"},
                {"key": "smallinvoice"},
            ]
        }
    }


def test_variables_and_the_operations_name_are_heeded(url: str) -> None:
    query = "query One($n: Int!) { customers(first: $n) { nodes { id } } } query Two { backends { key } }"
    answer = post(f"{url}/graphql", json={"query": query, "operationName": "One", "variables": {"n": 3}})

    assert len(answer.json()["data"]["customers"]["nodes"]) == 3


def test_a_query_may_be_asked_by_get(url: str) -> None:
    answer = get(f"{url}/graphql", params={"query": "{ __typename }"}, headers={"Accept": "application/json"})

    assert (answer.status_code, answer.json()) == (200, {"data": {"__typename": "Query"}})


def test_a_browser_gets_the_explorer(url: str) -> None:
    answer = get(f"{url}/graphql", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert "graphiql" in answer.text.lower()


def test_a_mutation_by_get_is_refused_and_sends_nothing(url: str, company: SandboxServer) -> None:
    before = [dict(sandbox.state.effects) for sandbox in company.sandboxes.values()]
    mutation = (
        'mutation { createMessage(input: {backend: "sage-intacct", code: "X", text: "Y"}) { problems { code } } }'
    )
    answer = get(f"{url}/graphql", params={"query": mutation}, headers={"Accept": "application/json"})

    assert answer.status_code == 405
    assert before == [dict(sandbox.state.effects) for sandbox in company.sandboxes.values()]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'"x"', b'{"query": 1}', b"\xff\xfe", b'{"query": "{ a", "variables": 3}']
)
def test_what_is_no_request_is_refused_as_the_callers_mistake(url: str, body: bytes) -> None:
    answer = post(f"{url}/graphql", content=body, headers={"Content-Type": "application/json"})

    assert answer.status_code == 400
    assert [error["extensions"] for error in answer.json()["errors"]] == [{"code": "BAD_REQUEST"}]


def test_a_document_that_does_not_fit_the_schema_is_told_so(url: str) -> None:
    answer = post(f"{url}/graphql", json={"query": "{ nothing }"})

    (error,) = answer.json()["errors"]
    assert error["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"


def test_text_that_no_encoding_holds_is_the_callers_mistake(url: str) -> None:
    body = (
        b'{"query": "query ($c: String!) { customer(by: {code: {backend: \\"sage-intacct\\", code: $c}}) { id } }",'
        b' "variables": {"c": "\\ud800"}}'
    )
    answer = post(f"{url}/graphql", content=body, headers={"Content-Type": "application/json"})

    (error,) = answer.json()["errors"]
    assert answer.status_code == 400
    assert error == {
        "message": "The body is no GraphQL request: it escapes half of a surrogate pair.",
        "extensions": {"code": "BAD_REQUEST"},
    }


def test_health_is_told(url: str) -> None:
    ready = get(f"{url}/readyz").json()

    assert get(f"{url}/healthz").json() == {"status": "alive"}
    assert ready["backends"].keys() == {"billing-platform", "kashflow", "sage-intacct", "smallinvoice"}
