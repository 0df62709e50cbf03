"""How an answer is written out."""

import json
from typing import Any

import httpx
import msgspec
import pytest

from tests.gateway.asking import gateway_over
from tests.gateway.fakes import fake
from tests.gateway.records import customer
from tests.gateway.serving import routes_of, serving


@pytest.mark.parametrize(
    "raw", [{"n": 2**70}, {"n": -(2**70)}, {"n": 2**63}, {"text": "Zürich", "deep": [{"n": 2**70}]}]
)
async def test_raw_holds_integers_of_any_size(raw: dict[str, Any]) -> None:
    record = msgspec.structs.replace(customer("a", "1"), raw=raw)
    async with (
        serving(routes_of(gateway_over(fake("a", customers=[record])))) as address,
        httpx.AsyncClient() as client,
    ):
        answer = await client.post(f"http://{address}/graphql", json={"query": "{ customers { nodes { raw } } }"})
    assert answer.status_code == 200
    assert json.loads(answer.content) == {"data": {"customers": {"nodes": [{"raw": raw}]}}}
