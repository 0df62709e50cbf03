"""The clients that applications use for subscriptions, graphql-ws and graphql-sse, against the served gateway."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from adapters.sandbox_server import SandboxServer
from tests.end_to_end.stage import configured, emulators, served
from tests.node import run_script
from tests.patience import PATIENCE

SOCKET, EVENTS = "ws", "sse"
QUERY = "{ backends { key } }"
DEFERRED = "{ __typename ... @defer { backends { key } } }"
PROGRESS = "subscription($id: ID!) { dispatchProgress(id: $id) { state } }"
SEND = """mutation($document: ID!) {
  emailDocument(input: {
    document: $document, recipients: [{email: "a@example.com"}], subject: "A letter", body: "Attached.", resend: true
  }) { dispatch { id state } problems { code message } }
}"""
LETTERS = "{ documents(first: 1) { nodes { id } } }"
ANSWER = {"data": {"backends": [{"key": "smallinvoice"}]}}


@pytest.fixture(scope="module")
def emulated() -> Iterator[SandboxServer]:
    with emulators("smallinvoice") as server:
        yield server


@pytest.fixture(scope="module")
def url(emulated: SandboxServer) -> Iterator[str]:
    with served(configured(emulated)) as url:
        yield f"{url}/graphql"


def followed(client: str, url: str, *operations: dict[str, Any], **options: Any) -> list[dict[str, Any]]:
    """What each operation came to."""
    done = run_script("subscribing.mjs", client, url, json.dumps({"operations": operations, **options}))
    assert (done.returncode, done.stderr) == (0, "")
    return [json.loads(line) for line in done.stdout.splitlines()]


def data(url: str, query: str, **variables: Any) -> Any:
    body = {"query": query, "variables": variables}
    answer = httpx.post(url, json=body, trust_env=False, timeout=PATIENCE).json()
    assert "errors" not in answer, answer
    return answer["data"]


@pytest.mark.parametrize("client", [SOCKET, EVENTS])
def test_a_query_is_answered(client: str, url: str) -> None:
    assert followed(client, url, {"query": QUERY}) == [{"results": [ANSWER], "ended": "complete"}]


@pytest.mark.parametrize("client", [SOCKET, EVENTS])
def test_a_mutation_is_executed_and_followed(client: str, url: str) -> None:
    document = data(url, LETTERS)["documents"]["nodes"][0]["id"]
    (sent,) = followed(client, url, {"query": SEND, "variables": {"document": document}})
    (result,) = sent["results"]
    dispatch = result["data"]["emailDocument"]["dispatch"]
    (progress,) = followed(client, url, {"query": PROGRESS, "variables": {"id": dispatch["id"]}})
    assert dispatch["state"] == "SUCCEEDED"
    assert progress == {"results": [{"data": {"dispatchProgress": {"state": "SUCCEEDED"}}}], "ended": "complete"}


@pytest.mark.parametrize("client", [SOCKET, EVENTS])
def test_parts_come_one_after_another(client: str, url: str) -> None:
    (told,) = followed(client, url, {"query": DEFERRED})
    first, last = told["results"]
    assert (first["data"], first["hasNext"]) == ({"__typename": "Query"}, True)
    assert (last["incremental"], last["hasNext"]) == ([{"id": "0", **ANSWER}], False)
    assert told["ended"] == "complete"


def test_an_operation_that_is_wrong_is_an_error_of_the_socket_client_and_the_next_one_is_answered(url: str) -> None:
    wrong, invalid, right = followed(SOCKET, url, {"query": "{"}, {"query": "{ nothing }"}, {"query": QUERY})
    codes = [[error["extensions"]["code"] for error in one["errors"]] for one in (wrong, invalid)]
    assert codes == [["GRAPHQL_VALIDATION_FAILED"]] * 2
    assert [wrong["results"], invalid["results"]] == [[], []]
    assert right == {"results": [ANSWER], "ended": "complete"}


def test_an_operation_that_is_wrong_is_a_result_of_the_event_client(url: str) -> None:
    wrong, right = followed(EVENTS, url, {"query": "{ nothing }"}, {"query": QUERY})
    (result,) = wrong["results"]
    assert (list(result), wrong["ended"]) == (["errors"], "complete")
    assert right == {"results": [ANSWER], "ended": "complete"}


URQL = (
    "application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed"
)


def test_urql_gets_its_queries_answered_whole(url: str) -> None:
    answer = httpx.post(url, json={"query": QUERY}, headers={"Accept": URQL}, trust_env=False, timeout=PATIENCE)
    expected = (200, "application/graphql-response+json; charset=utf-8", ANSWER)
    assert (answer.status_code, answer.headers["content-type"], answer.json()) == expected


@pytest.mark.parametrize("query", [DEFERRED, 'subscription { dispatchProgress(id: "none") { state } }'])
def test_urql_gets_events_for_what_comes_in_parts(query: str, url: str) -> None:
    answer = httpx.post(url, json={"query": query}, headers={"Accept": URQL}, trust_env=False, timeout=PATIENCE)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert "\r" not in answer.text
    assert answer.text.endswith("event: complete\ndata: \n\n")
