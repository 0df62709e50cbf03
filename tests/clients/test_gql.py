"""Python's gql: queries over httpx, subscriptions over websockets, and documents checked against the schema."""

from pathlib import Path
from typing import Any

import pytest
from gql import Client, gql
from gql.transport.exceptions import TransportQueryError
from gql.transport.httpx import HTTPXAsyncTransport
from gql.transport.websockets import WebsocketsTransport
from graphql import GraphQLError

from tests.clients.conftest import Endpoint
from tests.end_to_end.stage import id_of
from tests.patience import PATIENCE
from tests.readme import block

ROOT = Path(__file__).parents[2]
PROGRESS = (ROOT / "examples" / "progress.graphql").read_text(encoding="utf-8")
LETTER = id_of("Letter", "smallinvoice", 33906)

CUSTOMERS = gql(
    """
    query Customers($after: String) {
      customers(backends: ["kashflow"], first: 3, after: $after) {
        nodes { code }
        pageInfo { hasNextPage endCursor }
      }
    }
    """
)


def over_http(endpoint: Endpoint, **options: Any) -> Client:
    transport = HTTPXAsyncTransport(url=endpoint.url, trust_env=False, timeout=PATIENCE)
    return Client(transport=transport, **options)


async def test_pages_follow_one_another_without_repeats(endpoint: Endpoint) -> None:
    codes: list[str] = []
    after = None
    async with over_http(endpoint) as session:
        for _ in range(3):
            CUSTOMERS.variable_values = {"after": after}
            customers = (await session.execute(CUSTOMERS))["customers"]
            codes += [one["code"] for one in customers["nodes"]]
            after = customers["pageInfo"]["endCursor"]

    assert codes == [str(code) for code in range(10001, 10010)]


def test_the_readmes_program_finds_customers(endpoint: Endpoint) -> None:
    program = block("python").replace("http://127.0.0.1:8000/graphql", endpoint.url)
    names: dict[str, Any] = {}
    exec(program, names)  # noqa: S102 - as a reader of the README does

    assert [one["name"] for one in names["found"]["customers"]["nodes"]][:1] == ["Zephyr Furniture Ltd"]
    assert names["found"]["customers"]["problems"] == []


async def test_an_error_arrives_with_its_code(endpoint: Endpoint) -> None:
    async with over_http(endpoint) as session:
        with pytest.raises(TransportQueryError) as raised:
            await session.execute(gql("{ customers(first: 0) { nodes { id } } }"))

    (error,) = raised.value.errors or []
    assert (error["path"], error["extensions"]["code"]) == (["customers"], "INVALID_INPUT")


async def test_a_mutation_answers_the_record_as_it_is_then(endpoint: Endpoint) -> None:
    rename = gql(
        """
        mutation Rename($input: UpdateLetterInput!) {
          updateLetter(input: $input) { letter { id title } problems { code } }
        }
        """
    )
    rename.variable_values = {"input": {"id": LETTER, "title": "Renamed by a client"}}
    async with over_http(endpoint) as session:
        answered = await session.execute(rename)

    assert answered["updateLetter"] == {"letter": {"id": LETTER, "title": "Renamed by a client"}, "problems": []}


async def test_the_schema_that_it_fetches_refuses_what_the_endpoint_would(endpoint: Endpoint) -> None:
    async with over_http(endpoint, fetch_schema_from_transport=True) as session:
        with pytest.raises(GraphQLError, match="Cannot query field 'nothing' on type 'Query'"):
            await session.execute(gql("{ nothing }"))


async def test_a_subscription_ends_when_all_is_settled(endpoint: Endpoint) -> None:
    progress = gql(PROGRESS)
    progress.variable_values = {"dispatch": endpoint.dispatch()}
    transport = WebsocketsTransport(url=endpoint.url.replace("http", "ws"))
    async with Client(transport=transport) as session:
        results = [result["dispatchProgress"] async for result in session.subscribe(progress)]

    assert (results[-1]["state"], results[-1]["counts"]["accepted"]) == ("SUCCEEDED", 2)
