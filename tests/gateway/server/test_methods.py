"""What each method may ask for, and who may ask by GET."""

import json

import pytest

from tests.gateway.asking import gateway_over
from tests.gateway.fakes import fake
from tests.gateway.server.endpoint import EVENTS, RESPONSE, endpoint

QUERY = {"query": "{ __typename }"}
CREATE = 'mutation { createMessage(input: {backend: "a", code: "X", text: "Y"}) { problems { code } } }'
FOLLOW = 'subscription { dispatchProgress(id: "x") { id } }'


async def test_a_get_asks_with_its_url() -> None:
    given = {
        "query": "query A($name: String!) { __type(name: $name) { name } } query B { __typename }",
        "operationName": "A",
        "variables": json.dumps({"name": "Customer"}),
        "extensions": "{}",
    }
    async with endpoint() as client:
        answer = await client.get("/graphql", params=given)
    assert (answer.status_code, answer.json()) == (200, {"data": {"__type": {"name": "Customer"}}})


async def test_a_head_is_a_get_without_its_body() -> None:
    async with endpoint() as client:
        got, headed = await client.get("/graphql", params=QUERY), await client.head("/graphql", params=QUERY)
    assert (headed.status_code, headed.content) == (200, b"")
    for name in ("content-type", "content-length", "vary"):
        assert headed.headers[name] == got.headers[name]


@pytest.mark.parametrize("accept", ["application/json", RESPONSE, EVENTS])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_mutation_is_posted_or_nothing_is_done(method: str, accept: str) -> None:
    a = fake("a", messages=[], writes=True)
    async with endpoint(gateway_over(a)) as client:
        answer = await client.request(method, "/graphql", params={"query": CREATE}, headers={"Accept": accept})
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert (a.behaviour.prepared, a.behaviour.calls) == ([], [])


async def test_a_head_cannot_follow_anything() -> None:
    async with endpoint() as client:
        answer = await client.head("/graphql", params={"query": FOLLOW}, headers={"Accept": EVENTS})
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_other_methods_ask_for_nothing(method: str) -> None:
    async with endpoint() as client:
        answer = await client.request(method, "/graphql", params=QUERY)
    assert (answer.status_code, answer.headers["allow"]) == (405, "HEAD, GET, POST")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Content-Type": "text/plain"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Content-Type": "application/json"}, 200),
        ({"Sec-Fetch-Site": "cross-site", "X-Postroom": "1"}, 200),
        ({"Sec-Fetch-Site": "cross-site", "Apollo-Require-Preflight": "true"}, 200),
    ],
)
async def test_a_page_of_another_site_reads_nothing_by_get(headers: dict[str, str], status: int) -> None:
    async with endpoint() as client:
        answer = await client.get("/graphql", params=QUERY, headers=headers)
    assert answer.status_code == status
    assert ("data" in answer.json()) == (status == 200)


@pytest.mark.parametrize(
    "content_type",
    [
        *(None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"),
        *("application/graphql", "application/json; charset=utf-16", "application/jsonx", "text/json"),
    ],
)
async def test_a_post_is_json_or_nothing_is_done(content_type: str | None) -> None:
    a = fake("a", messages=[], writes=True)
    headers = {} if content_type is None else {"Content-Type": content_type}
    async with endpoint(gateway_over(a)) as client:
        answer = await client.post("/graphql", content=json.dumps({"query": CREATE}), headers=headers)
    assert (answer.status_code, answer.headers["accept-post"]) == (415, "application/json")
    assert (a.behaviour.prepared, a.behaviour.calls) == ([], [])


@pytest.mark.parametrize(
    "content_type", ["application/json", "Application/JSON;charset=UTF-8", 'application/json; charset="utf-8"']
)
async def test_json_may_say_that_it_is_utf_8(content_type: str) -> None:
    async with endpoint() as client:
        answer = await client.post("/graphql", content=json.dumps(QUERY), headers={"Content-Type": content_type})
    assert (answer.status_code, answer.json()) == (200, {"data": {"__typename": "Query"}})
