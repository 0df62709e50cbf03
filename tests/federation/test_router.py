"""Queries across three subgraphs, through @apollo/gateway: customers are joined both ways, by id and by code."""

from typing import Any

import pytest

from tests.end_to_end.stage import id_of
from tests.node import answer_of

ZEPHYR = id_of("Customer", "kashflow", 10001)
NOBODY = id_of("Customer", "kashflow", 99999)

OPERATIONS: dict[str, dict[str, Any]] = {
    "by id": {
        "query": "query ($of: [ID!]!) { accounts(customers: $of) { nodes { manager customer { name orderCount } } } }",
        "variables": {"of": [ZEPHYR, NOBODY, id_of("Customer", "kashflow", 10003)]},
    },
    "by code": {
        "query": "query ($of: [BuyerInput!]!) { orders(buyers: $of) { number buyer { name manager } } }",
        "variables": {
            "of": [
                {"backendKey": "kashflow", "code": "10001"},
                {"backendKey": "smallinvoice", "code": "10001"},
                {"backendKey": "nowhere", "code": "10001"},
                {"backendKey": "sage-intacct", "code": "10001"},
            ]
        },
    },
    "outwards": {
        "query": '{ customers(backends: ["kashflow"], first: 2) { nodes { name manager orderCount } '
        "pageInfo { hasNextPage } } }"
    },
    "a wrong @oneOf": {"query": '{ customer(by: {id: "x", code: {backend: "kashflow", code: "1"}}) { name } }'},
    "a wrong id": {
        "query": "query ($ids: [ID!]!) { accounts(customers: $ids) { nodes { customer { name } } } }",
        "variables": {"ids": ["17", ZEPHYR]},
    },
}


@pytest.fixture(scope="module")
def routed(endpoint: str) -> Any:
    """What the router answered, and what it asked Postroom, by operation."""
    answers = answer_of("router.mjs", endpoint, given=list(OPERATIONS.values()))
    return dict(zip(OPERATIONS, answers, strict=True))


def test_another_subgraph_refers_to_customers_by_id(routed: Any) -> None:
    answer = routed["by id"]

    assert answer["errors"] == []
    assert answer["data"]["accounts"]["nodes"] == [
        {"manager": f"Manager of {ZEPHYR}", "customer": {"name": "Zephyr Furniture Ltd", "orderCount": 10001}},
        {"manager": f"Manager of {NOBODY}", "customer": None},
        {
            "manager": f"Manager of {id_of('Customer', 'kashflow', 10003)}",
            "customer": {"name": "Dune Bakery Ltd", "orderCount": 10003},
        },
    ]


def test_another_subgraph_refers_to_customers_by_code(routed: Any) -> None:
    orders = routed["by code"]["data"]["orders"]

    assert [order["buyer"] and order["buyer"]["name"] for order in orders] == [
        "Zephyr Furniture Ltd",
        None,
        None,
        "Zephyr Furniture Ltd",
    ]
    assert orders[0]["buyer"]["manager"] == f"Manager of {ZEPHYR}"


def test_all_of_a_list_is_asked_for_at_once(routed: Any) -> None:
    (asked,) = routed["by code"]["asked"]

    assert [one["backendKey"] for one in asked["variables"]["representations"]] == [
        "kashflow",
        "smallinvoice",
        "nowhere",
        "sage-intacct",
    ]


def test_an_entitys_error_arrives_in_its_place_with_its_code(routed: Any) -> None:
    assert [(error["path"], error["extensions"]["code"]) for error in routed["by code"]["errors"]] == [
        (["orders", 1, "buyer"], "UNSUPPORTED")
    ]


def test_other_subgraphs_add_to_our_customers_by_the_keys_that_we_hand_out(routed: Any) -> None:
    answer = routed["outwards"]

    assert answer["errors"] == []
    assert answer["data"]["customers"] == {
        "nodes": [
            {"name": "Zephyr Furniture Ltd", "manager": f"Manager of {ZEPHYR}", "orderCount": 10001},
            {
                "name": "Copper Engineering AG",
                "manager": f"Manager of {id_of('Customer', 'kashflow', 10002)}",
                "orderCount": 10002,
            },
        ],
        "pageInfo": {"hasNextPage": True},
    }


def test_one_of_is_checked_here_where_the_router_does_not_know_it(routed: Any) -> None:
    assert [error["extensions"]["code"] for error in routed["a wrong @oneOf"]["errors"]] == [
        "GRAPHQL_VALIDATION_FAILED"
    ]


def test_a_reference_that_is_no_id_of_ours_fails_alone(routed: Any) -> None:
    answer = routed["a wrong id"]

    assert [node["customer"] for node in answer["data"]["accounts"]["nodes"]] == [
        {"name": None},
        {"name": "Zephyr Furniture Ltd"},
    ]
    assert [(error["path"], error["extensions"]["code"]) for error in answer["errors"]] == [
        (["accounts", "nodes", 0, "customer"], "INVALID_INPUT")
    ]
