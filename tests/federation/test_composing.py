"""Apollo's and The Guild's composers take the schema, with two subgraphs that know customers by id and by code."""

from pathlib import Path
from typing import Any

import pytest

from gateway.schema.build import build_schema
from gateway.schema.subgraph_sdl import subgraph_sdl
from tests.node import answer_of

COMPOSERS = ("apollo", "guild")


@pytest.fixture(scope="module")
def composed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What each composer made of it."""
    file = tmp_path_factory.mktemp("sdl") / "postroom.graphql"
    file.write_text(subgraph_sdl(build_schema().as_str()), encoding="utf-8")
    return answer_of("compose.mjs", str(file))


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


def test_a_field_that_collides_is_what_the_composer_refuses(tmp_path: Path) -> None:
    file = tmp_path / "postroom.graphql"
    sdl = subgraph_sdl(build_schema().as_str()).replace("type Query {", "type Query {\n  node(id: ID!): Node", 1)
    file.write_text(sdl, encoding="utf-8")
    refused = answer_of("compose.mjs", str(file))

    assert all("node" in " ".join(refused[composer]["errors"]) for composer in COMPOSERS)
