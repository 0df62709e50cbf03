"""Relay: its compiler takes the exported schema, and what it compiled pages through it."""

from pathlib import Path
from typing import Any

import pytest

from tests.clients.conftest import Endpoint
from tests.node import answer_of

SCHEMA = Path(__file__).parents[2] / "schema.graphql"


@pytest.fixture(scope="module")
def told(endpoint: Endpoint, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What the compiled queries made of the endpoint."""
    return answer_of("relay.mjs", str(SCHEMA), str(tmp_path_factory.mktemp("relay")), endpoint.url)


def test_a_connection_at_the_top_grows_by_pages(told: Any) -> None:
    assert told["sizes"] == [2, 4, 6]
    assert len(set(told["codes"])) == 6


def test_a_connection_of_a_record_grows_by_pages_that_are_asked_by_the_records_id(told: Any) -> None:
    before, after = told["letters"]["before"], told["letters"]["after"]

    assert (len(before), len(after)) == (1, 3)
    assert after[: len(before)] == before
