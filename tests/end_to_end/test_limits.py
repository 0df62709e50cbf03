"""However much a query asks, no vendor is asked more at once than it bears; and the budget tells how it stands."""

import asyncio

import pytest

from tests.end_to_end.stage import VENDORS, Stage, configured, emulators, staged
from tests.patience import PATIENCE

SOME = "query ($backend: String!) { customers(first: 6, backends: [$backend]) { nodes { id } } }"
ONE = "query ($id: ID!) { customer(by: {id: $id}) { id raw } }"
BUDGET = "{ backends { budget { remaining queued resetsAt } } }"


async def some_ids(stage: Stage, backend: str) -> list[str]:
    """Customers, each of which is a question of its own: the same one asked twice would be one call."""
    found = await stage.data(SOME, backend=backend)
    return [node["id"] for node in found["customers"]["nodes"]]


@pytest.mark.parametrize("vendor", VENDORS)
async def test_queries_ask_no_more_at_once_than_the_vendor_bears(vendor: str) -> None:
    with emulators(vendor) as server:
        async with staged(server, configured(server, **{vendor: {"limits": {"concurrency": 2}}})) as stage:
            key = vendor.replace("_", "-")
            ids = await some_ids(stage, key)
            stage.fault(key, kind="latency", seconds=0.02, times=None)
            answers = await asyncio.gather(*(stage.data(ONE, id=one) for one in ids))
        assert [found["customer"]["id"] for found in answers] == ids
        assert server.sandboxes[vendor].state.most_at_once == 2


async def test_the_budget_shows_who_waits() -> None:
    with emulators("smallinvoice") as server:
        async with staged(server, configured(server, smallinvoice={"limits": {"concurrency": 1}})) as stage:
            ids = await some_ids(stage, "smallinvoice")
            stage.fault("smallinvoice", kind="hold", times=None)
            asking = [asyncio.create_task(stage.data(ONE, id=one)) for one in ids[:3]]
            full = {"remaining": 0, "queued": 2, "resetsAt": None}
            async with asyncio.timeout(PATIENCE):
                while (await stage.data(BUDGET))["backends"][0]["budget"] != full:  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(0)
            stage.clear_faults()
            await asyncio.gather(*asking)
            after = await stage.data(BUDGET)
    assert after["backends"][0]["budget"] == {"remaining": 1, "queued": 0, "resetsAt": None}
