"""What Apollo's subgraph compatibility suite asks, as far as it can be asked of a schema that is not its own.

The suite (github.com/apollographql/apollo-federation-subgraph-compatibility, `packages/compatibility/src/tests`) tests
libraries through one schema of products and users. Its questions are asked here of ours:

- `introspection`, `service`, `spec` (_Service, _Entity, _Any), `link`, `key` (single, multiple and repeatable),
  `shareable`, and `requires`, where the required field is ours and who requires it another subgraph.

These do not apply:

- `spec` (FieldSet, link__Purpose): types of directives that only the SDL has; ours are imported by @link, and composers
  know them.
- `key` (composite): no key of ours has a field in a field.
- `external`, `provides`, `override`, `interfaceObject`: we add nothing to other subgraphs' types.
- `inaccessible`, `composeDirective`: every field is for everybody who may ask it, and no directive is our own.
- `ftv1`: traces of Apollo's own format; ours are OpenTelemetry's.

The versions of `link` end at 2.7 in the suite, which is older than 2.9.
"""

from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from graphql import build_client_schema, get_introspection_query, strip_ignored_characters

from gateway.schema.entity_keys import ENTITY_KEYS
from tests.end_to_end.stage import id_of
from tests.node import answer_of
from tests.patience import PATIENCE


def ask(endpoint: str, query: str, **variables: Any) -> Any:
    """The data of an answer without errors."""
    body = {"query": query, "variables": variables}
    answer: Mapping[str, Any] = httpx.post(endpoint, json=body, trust_env=False, timeout=PATIENCE).json()
    assert "errors" not in answer
    return answer["data"]


@pytest.fixture(scope="module")
def sdl(endpoint: str) -> str:
    """The subgraph's SDL, without what a parser ignores."""
    return strip_ignored_characters(ask(endpoint, "query { _service { sdl } }")["_service"]["sdl"])


def test_introspection(endpoint: str) -> None:
    schema = build_client_schema(ask(endpoint, get_introspection_query()))

    assert schema.query_type is not None
    assert str(schema.query_type.fields["_entities"].type) == "[_Entity]!"
    assert str(schema.query_type.fields["_entities"].args["representations"].type) == "[_Any!]!"


def test_spec_service(endpoint: str) -> None:
    query = '{ __type(name: "_Service") { kind fields { name type { kind ofType { name kind } } } } }'

    assert ask(endpoint, query)["__type"] == {
        "kind": "OBJECT",
        "fields": [{"name": "sdl", "type": {"kind": "NON_NULL", "ofType": {"name": "String", "kind": "SCALAR"}}}],
    }


def test_spec_entity(endpoint: str) -> None:
    query = '{ __type(name: "_Entity") { kind possibleTypes { name } } }'
    expected = {"kind": "UNION", "possibleTypes": [{"name": name} for name in ENTITY_KEYS]}

    assert ask(endpoint, query)["__type"] == expected


def test_spec_any(endpoint: str) -> None:
    assert ask(endpoint, '{ __type(name: "_Any") { kind } }')["__type"] == {"kind": "SCALAR"}


def test_link(sdl: str) -> None:
    assert sdl.count("@link(") == 1
    assert sdl.startswith('extend schema@link(url:"https://specs.apollo.dev/federation/v2.9" import:["@cost" "@key"')


def test_key_single(endpoint: str, sdl: str) -> None:
    letter = id_of("Letter", "smallinvoice", 33906)
    query = "query ($of: [_Any!]!) { _entities(representations: $of) { ... on Letter { id title } } }"

    assert 'type Letter implements Document&Node@key(fields:"id"){' in sdl
    assert ask(endpoint, query, of=[{"__typename": "Letter", "id": letter}]) == {
        "_entities": [{"id": letter, "title": "Opening hours over the holidays"}]
    }


def test_key_multiple_and_repeatable(endpoint: str, sdl: str) -> None:
    customer = id_of("Customer", "kashflow", 10001)
    of = [
        {"__typename": "Customer", "id": customer},
        {"__typename": "Customer", "backendKey": "kashflow", "nativeId": "10001"},
        {"__typename": "Customer", "backendKey": "kashflow", "code": "10001"},
    ]
    query = "query ($of: [_Any!]!) { _entities(representations: $of) { ... on Customer { id name } } }"
    keys = '@key(fields:"id")@key(fields:"backendKey nativeId")@key(fields:"backendKey code")'

    assert f"type Customer implements Node{keys}{{" in sdl
    assert ask(endpoint, query, of=of) == {"_entities": [{"id": customer, "name": "Zephyr Furniture Ltd"}] * 3}


def test_shareable(endpoint: str, sdl: str) -> None:
    paged = "{ pageInfo { hasNextPage } }"
    query = f'{{ customers(backends: ["kashflow"], first: 1) {paged} accounts(customers: []) {paged} }}'
    (answer,) = answer_of("router.mjs", endpoint, given=[{"query": query}])

    assert "type PageInfo@shareable{" in sdl
    assert answer["data"] == {
        "customers": {"pageInfo": {"hasNextPage": True}},
        "accounts": {"pageInfo": {"hasNextPage": False}},
    }


def test_requires(endpoint: str) -> None:
    operation = {
        "query": "query ($of: [ID!]!) { accounts(customers: $of) { nodes { customer { greeting } } } }",
        "variables": {"of": [id_of("Customer", "kashflow", 10001)]},
    }
    (answer,) = answer_of("router.mjs", endpoint, given=[operation])

    assert answer["errors"] == []
    assert answer["data"]["accounts"]["nodes"] == [{"customer": {"greeting": "Dear Zephyr Furniture Ltd"}}]
