"""Apollo's and The Guild's composers take the schema, with two subgraphs that know customers by id and by code."""

import re
from typing import Any

import pytest

from gateway.schema.build import build_schema
from gateway.schema.entity_keys import ENTITY_KEYS
from gateway.schema.subgraph_directives import said_of_fields
from gateway.schema.subgraph_sdl import subgraph_sdl
from tests.node import answer_of
from tests.readme import README, block

COMPOSERS = ("apollo", "guild")


def sdl_of(*, router_checks: bool) -> str:
    schema = build_schema()
    return subgraph_sdl(schema.as_str(), said_of_fields(schema.core, router_checks_scopes=router_checks))


@pytest.fixture(scope="module", params=[False, True], ids=["scopes checked here", "scopes checked by the router too"])
def router_checks(request: pytest.FixtureRequest) -> bool:
    """Whether the router is told of scopes."""
    return bool(request.param)


@pytest.fixture(scope="module")
def composed(router_checks: bool) -> Any:
    """What each composer made of it."""
    return answer_of("compose.mjs", given={"sdls": {"postroom": sdl_of(router_checks=router_checks)}})


@pytest.mark.parametrize("composer", COMPOSERS)
def test_it_composes_without_errors_or_hints(composed: Any, composer: str) -> None:
    assert (composed[composer]["errors"], composed[composer].get("hints")) == ([], [])


@pytest.mark.parametrize("composer", COMPOSERS)
def test_a_customer_has_the_fields_of_all_three(composed: Any, composer: str) -> None:
    assert {"name", "counterparts", "manager", "orderCount"} <= set(composed[composer]["customer"])


@pytest.mark.parametrize("composer", COMPOSERS)
def test_the_other_relay_subgraphs_node_is_its_own(composed: Any, composer: str) -> None:
    queries = composed[composer]["queries"]

    assert {"accounts", "customers", "node", "orders"} <= set(queries)
    assert {"nodes", "_entities", "_service"} & set(queries) == set()


@pytest.mark.parametrize("composer", COMPOSERS)
def test_tags_costs_and_scopes_reach_the_supergraph(composed: Any, router_checks: bool, composer: str) -> None:
    applied = composed[composer]["directives"]

    assert min(applied["tag"], applied["cost"], applied["listSize"]) > 10
    assert (applied["requiresScopes"] > 50) is router_checks


def test_a_field_that_collides_is_what_the_composers_refuse() -> None:
    sdl = sdl_of(router_checks=False).replace("type Query {", "type Query {\n  node(id: ID!): Node", 1)
    refused = answer_of("compose.mjs", given={"sdls": {"postroom": sdl}})

    assert all("node" in " ".join(refused[composer]["errors"]) for composer in COMPOSERS)


def test_the_readmes_subgraph_composes_and_its_query_can_be_asked() -> None:
    given = {
        "sdls": {"postroom": sdl_of(router_checks=False), "shop": block("graphql", 1)},
        "query": block("graphql", 2),
    }
    made = answer_of("compose.mjs", given=given)

    assert {name: (made[name]["errors"], made[name]["queryErrors"]) for name in COMPOSERS} == {
        name: ([], []) for name in COMPOSERS
    }


def test_the_readmes_keys_are_the_schemas() -> None:
    rows = re.findall(r"^\| (`[A-Z].*?) \| (`.*`) \|$", README, re.MULTILINE)
    told = {
        name: tuple(tuple(re.findall("`(.*?)`", key)) for key in keys.split(";"))
        for names, keys in rows
        for name in re.findall("`(.*?)`", names)
        if name in ENTITY_KEYS
    }
    assert told == ENTITY_KEYS
