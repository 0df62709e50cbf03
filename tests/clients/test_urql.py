"""urql: what it accepts, its normalised cache, pagination, parts that come later, and subscriptions over fetch."""

from typing import Any

import pytest

from tests.clients.conftest import Endpoint
from tests.node import answer_of


@pytest.fixture(scope="module")
def told(endpoint: Endpoint) -> Any:
    """What the client made of the endpoint."""
    return answer_of("urql.mjs", endpoint.url, endpoint.inputs())


def test_its_list_of_types_gets_a_result_and_no_stream(told: Any) -> None:
    accepted = [one.strip() for one in told["pages"]["first"]["accept"].split(",")]

    assert {"application/json", "text/event-stream", "multipart/mixed"} <= set(accepted)
    assert told["pages"]["first"]["type"] == "application/graphql-response+json; charset=utf-8"


def test_pages_merge_into_one_list_without_repeats(told: Any) -> None:
    assert told["pages"]["codes"] == [str(code) for code in range(10001, 10010)]


def test_a_fields_error_arrives_with_its_code_beside_the_data(told: Any) -> None:
    assert told["failure"] == {
        "name": "Zephyr Furniture Ltd",
        "letters": None,
        "codes": [[["customer", "letters"], "INVALID_INPUT"]],
    }


def test_a_mutation_updates_the_record_that_a_query_shows(told: Any) -> None:
    assert told["update"] == ["Opening hours over the holidays", "Renamed by a client"]


def test_what_is_deferred_comes_later(told: Any) -> None:
    assert told["deferred"] == {
        "states": [[True, "Zephyr Furniture Ltd", None, None], [False, "Zephyr Furniture Ltd", 3, None]],
        "type": "text/event-stream",
    }


def test_a_subscription_ends_when_all_is_settled(told: Any) -> None:
    assert told["followed"] == {"last": ["SUCCEEDED", 2], "type": "text/event-stream"}
