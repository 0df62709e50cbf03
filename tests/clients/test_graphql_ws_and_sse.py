"""graphql-ws and graphql-sse: each follows a run to its end, is told of an error by its code, and may ask queries."""

from typing import Any

import pytest

from gateway.ids import encode
from tests.clients.conftest import Endpoint
from tests.node import answer_of

CLIENTS = ("graphql-ws", "graphql-sse")


@pytest.fixture(scope="module")
def told(endpoint: Endpoint) -> Any:
    """What each client made of the endpoint."""
    return answer_of("sockets.mjs", endpoint.url, endpoint.inputs(missing=encode("Dispatch", "-", "0" * 32)))


@pytest.mark.parametrize("client", CLIENTS)
def test_a_subscription_ends_when_all_is_settled(told: Any, client: str) -> None:
    assert told[client]["followed"] == {"state": "SUCCEEDED", "codes": []}


@pytest.mark.parametrize("client", CLIENTS)
def test_a_failed_subscription_ends_with_the_errors_code(told: Any, client: str) -> None:
    assert told[client]["missing"] == {"state": None, "codes": ["NOT_FOUND"]}


@pytest.mark.parametrize("client", CLIENTS)
def test_a_query_is_one_result(told: Any, client: str) -> None:
    assert told[client]["query"] == [4]
