"""Apollo Client: a normalised cache, pagination, parts that come later, subscriptions, errors with their codes."""

from typing import Any

import pytest

from tests.clients.conftest import Endpoint
from tests.node import NPM, answer_of
from tests.readme import block


@pytest.fixture(scope="module")
def told(endpoint: Endpoint) -> Any:
    """What the client made of the endpoint."""
    return answer_of("apollo_client.mjs", endpoint.url, endpoint.inputs())


def test_the_readmes_cache_is_the_one_that_is_tested() -> None:
    assert block("js") == (NPM / "apollo_cache.mjs").read_text(encoding="utf-8")


def test_pages_merge_into_one_list_without_repeats(told: Any) -> None:
    assert told["pages"]["codes"] == [str(code) for code in range(10001, 10010)]
    assert (told["pages"]["pageInfo"]["hasNextPage"], told["pages"]["pageInfo"]["hasPreviousPage"]) == (True, False)


def test_a_fields_error_arrives_with_its_code_beside_the_data(told: Any) -> None:
    assert told["failure"] == {
        "name": "Zephyr Furniture Ltd",
        "letters": None,
        "combined": True,
        "codes": [[["customer", "letters"], "INVALID_INPUT"]],
    }


def test_a_mutation_updates_the_record_that_a_query_shows(told: Any) -> None:
    assert told["update"] == {
        "problems": [],
        "before": "Opening hours over the holidays",
        "shown": ["Opening hours over the holidays", "Renamed by a client"],
    }


def test_what_is_deferred_comes_later(told: Any) -> None:
    assert told["deferred"] == [
        ["streaming", "Zephyr Furniture Ltd", None],
        ["complete", "Zephyr Furniture Ltd", 3],
    ]


def test_a_subscription_ends_when_all_is_settled(told: Any) -> None:
    assert (told["followed"]["state"], told["followed"]["counts"]["accepted"]) == ("SUCCEEDED", 2)


def test_fragments_on_interfaces_are_kept_by_type(told: Any) -> None:
    assert told["types"] == {"found": ["Correspondence", "Letter"], "kept": ["Correspondence", "Letter"]}


def test_a_query_that_was_sent_with_its_hash_is_asked_by_it_from_then_on(told: Any) -> None:
    assert told["persisted"] == {"backends": 4, "tries": [False, True, False]}
