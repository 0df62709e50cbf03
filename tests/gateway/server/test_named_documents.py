"""Documents that a request names: over HTTP in each way that clients have, and what they fall back on."""

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.app import Gateway
from gateway.documents.automatic import hash_of
from gateway.settings import DocumentSettings, SettingsError
from tests.gateway.asking import gateway_over
from tests.gateway.fakes import fake
from tests.gateway.records import customer
from tests.gateway.server.endpoint import EVENTS, RESPONSE, endpoint, events_of
from tests.gateway.test_dispatch_progress import socket_to

QUERY = "query Names($n: Int!) { customers(first: $n) { nodes { name } } }"
DATA = {"customers": {"nodes": [{"name": "Company 1"}]}}
APOLLO = {"persistedQuery": {"version": 1, "sha256Hash": hash_of(QUERY)}}


def gateway(**documents: Any) -> Gateway:
    """A gateway over one backend with one customer, with these settings of documents."""
    return gateway_over(fake("a", customers=[customer("a", "1")]), changed={"documents": DocumentSettings(**documents)})


def manifest(folder: Path, *bodies: str) -> Path:
    """A manifest of these queries, which are called 1, 2 and so on."""
    operations = [
        {"id": str(place), "name": body.split()[1].split("(")[0], "type": "query", "body": body}
        for place, body in enumerate(bodies, start=1)
    ]
    path = folder / "manifest.json"
    path.write_text(json.dumps({"format": "apollo-persisted-query-manifest", "version": 1, "operations": operations}))
    return path


@pytest.mark.parametrize(("accept", "status"), [("application/json", 200), (RESPONSE, 400)])
async def test_apollos_link_is_told_to_send_the_document_and_need_not_again(accept: str, status: int) -> None:
    body = {"extensions": APOLLO, "variables": {"n": 1}}
    async with endpoint(gateway()) as client:
        answers = [
            await client.post("/graphql", json=body | more, headers={"Accept": accept})
            for more in ({}, {"query": QUERY}, {})
        ]
    assert [answer.status_code for answer in answers] == [status, 200, 200]
    assert [answer.json() for answer in answers] == [
        {"errors": [{"message": "PersistedQueryNotFound", "extensions": {"code": "PERSISTED_QUERY_NOT_FOUND"}}]},
        {"data": DATA},
        {"data": DATA},
    ]


async def test_where_nothing_is_kept_it_is_told_to_stop_asking() -> None:
    async with endpoint(gateway(automatic=False)) as client:
        answer = await client.post("/graphql", json={"extensions": APOLLO, "variables": {"n": 1}})
    assert (answer.status_code, answer.json()["errors"]) == (
        200,
        [{"message": "PersistedQueryNotSupported", "extensions": {"code": "PERSISTED_QUERY_NOT_SUPPORTED"}}],
    )


@pytest.mark.parametrize("accept", ["application/json", RESPONSE])
async def test_a_hash_of_another_document_is_a_400(accept: str) -> None:
    body = {"query": QUERY + " ", "extensions": APOLLO, "variables": {"n": 1}}
    async with endpoint(gateway()) as client:
        answer = await client.post("/graphql", json=body, headers={"Accept": accept})
    message = "The hash is not that of the query (SHA-256 of its UTF-8, hexadecimal)."
    assert (answer.status_code, answer.json()["errors"]) == (
        400,
        [{"message": message, "extensions": {"code": "BAD_REQUEST"}}],
    )


async def test_a_get_names_it_in_its_url() -> None:
    url = {"extensions": json.dumps(APOLLO), "variables": '{"n": 1}'}
    headers = {"X-Postroom": "1"}
    async with endpoint(gateway()) as client:
        answers = [
            await client.get("/graphql", params=url | more, headers=headers) for more in ({}, {"query": QUERY}, {})
        ]
    assert [answer.json().get("data") for answer in answers] == [None, DATA, DATA]


async def test_an_invalid_document_is_not_kept() -> None:
    wrong = "{ nothing }"
    body = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": hash_of(wrong)}}}
    async with endpoint(gateway()) as client:
        codes = [
            (await client.post("/graphql", json=body | more)).json()["errors"][0]["extensions"]["code"]
            for more in ({"query": wrong}, {})
        ]
    assert codes == ["GRAPHQL_VALIDATION_FAILED", "PERSISTED_QUERY_NOT_FOUND"]


@pytest.mark.parametrize(
    "named", [{"documentId": "1"}, {"id": "1"}, {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "1"}}}]
)
@pytest.mark.parametrize("accept", ["application/json", EVENTS])
async def test_a_trusted_document_is_executed_by_its_id(tmp_path: Path, named: dict[str, Any], accept: str) -> None:
    async with endpoint(gateway(manifest=manifest(tmp_path, QUERY), trusted="require")) as client:
        answer = await client.post("/graphql", json=named | {"variables": {"n": 1}}, headers={"Accept": accept})
    content = events_of(answer.text)[0][1] if accept == EVENTS else answer.json()
    assert content == {"data": DATA}


@pytest.mark.parametrize(
    ("trusted", "query", "codes"),
    [
        ("require", QUERY, []),
        ("require", "{ __typename }", ["UNTRUSTED_DOCUMENT"]),
        ("require", "{ __schema { types { name } } }", ["UNTRUSTED_DOCUMENT"]),
        ("allow", "{ __typename }", []),
    ],
)
async def test_only_trusted_documents_are_executed_where_that_is_required(
    tmp_path: Path, trusted: str, query: str, codes: list[str]
) -> None:
    async with endpoint(gateway(manifest=manifest(tmp_path, QUERY), trusted=trusted)) as client:
        answer = await client.post("/graphql", json={"query": query, "variables": {"n": 1}})
    assert [error["extensions"]["code"] for error in answer.json().get("errors", [])] == codes


def test_a_manifest_that_cannot_be_used_stops_the_start_with_all_that_is_wrong(tmp_path: Path) -> None:
    path = manifest(tmp_path, "query A { nothing }", "query B { customers { nodes { nothing } } }")
    with pytest.raises(SettingsError) as caught:
        gateway(manifest=path)
    assert caught.value.problems == (
        f"{path}: operations[0]: '1' (A): Cannot query field 'nothing' on type 'Query'.",
        f"{path}: operations[1]: '2' (B): Cannot query field 'nothing' on type 'Customer'.",
    )


@pytest.mark.parametrize(
    ("settings", "query", "message"),
    [
        ({}, "{ custommers { totalCount } }", "Cannot query field 'custommers' on type 'Query'."),
        (
            {"suggestions": True},
            "{ custommers { totalCount } }",
            "Cannot query field 'custommers' on type 'Query'. Did you mean 'customers' or 'customer'?",
        ),
        (
            {"introspection": False},
            "{ __schema { types { name } } }",
            "GraphQL introspection has been disabled, but the requested query contained the field '__schema'.",
        ),
    ],
)
async def test_what_there_is_beside_what_was_asked_for_is_told_as_the_settings_say(
    settings: dict[str, Any], query: str, message: str
) -> None:
    async with endpoint(gateway(**settings)) as client:
        answer = await client.post("/graphql", json={"query": query})
    assert answer.json()["errors"][0]["message"] == message


WRONG = {"f": {"nam": {}, "status": "ACTIV"}}
FILTERED = "query ($f: CustomerFilter) { customers(filter: $f) { totalCount } }"
FOLLOWED = 'subscription ($s: [ItemState!]) { dispatchProgress(id: "x") { items(states: $s) { totalCount } } }'
MEANT = [" Did you mean 'name'", " Did you mean the enum value 'ACTIVE' or 'INACTIVE'?"]


@pytest.mark.parametrize("suggestions", [False, True])
async def test_variables_are_told_what_is_wrong_and_what_was_meant_as_the_settings_say(suggestions: bool) -> None:
    async with endpoint(gateway(suggestions=suggestions)) as client:
        answer = await client.post("/graphql", json={"query": FILTERED, "variables": WRONG})
    told = "".join(error["message"] for error in answer.json()["errors"])
    assert [one in told for one in MEANT] == [suggestions] * 2


@pytest.mark.parametrize("suggestions", [False, True])
async def test_a_subscription_s_variables_are_told_it_likewise(suggestions: bool) -> None:
    async with socket_to(gateway(suggestions=suggestions)) as socket:
        payload = {"query": FOLLOWED, "variables": {"s": ["ACCEPTD"]}}
        await socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": payload}))
        answered = json.loads(await socket.recv())
    (error,) = answered["payload"]
    assert (answered["type"], error["extensions"]["code"]) == ("error", "GRAPHQL_VALIDATION_FAILED")
    assert ("Did you mean the enum value 'ACCEPTED'?" in error["message"]) is suggestions


async def test_the_name_of_a_type_can_always_be_asked() -> None:
    async with endpoint(gateway(introspection=False)) as client:
        answer = await client.post("/graphql", json={"query": "{ __typename }"})
    assert answer.json() == {"data": {"__typename": "Query"}}


async def test_a_socket_takes_names_too(tmp_path: Path) -> None:
    asked = gateway(manifest=manifest(tmp_path, QUERY))
    async with socket_to(asked) as socket:
        answers = []
        named: list[dict[str, Any]] = [{"documentId": "1"}, {"extensions": APOLLO, "query": QUERY + " "}, {"id": "2"}]
        for place, more in enumerate(named):
            payload = {"variables": {"n": 1}, **more}
            await socket.send(json.dumps({"type": "subscribe", "id": str(place), "payload": payload}))
            answers.append(json.loads(await socket.recv()))
            if answers[-1]["type"] == "next":
                assert json.loads(await socket.recv())["type"] == "complete"
    assert answers[0]["payload"] == {"data": DATA}
    assert [one["payload"][0]["extensions"]["code"] for one in answers[1:]] == [
        "BAD_REQUEST",
        "PERSISTED_QUERY_NOT_FOUND",
    ]
