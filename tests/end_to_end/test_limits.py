"""However much a query asks, no vendor is asked more at once than it bears; and the budget tells how it stands."""

import asyncio

import pytest

from tests.end_to_end.stage import VENDORS, configured, emulators, staged

MANY = "query ($backend: String!) { customers(first: 8, backends: [$backend]) { nodes { raw } problems { code } } }"
BUDGET = "{ backends { budget { remaining queued resetsAt } } }"


@pytest.mark.parametrize("vendor", VENDORS)
async def test_a_query_asks_no_more_at_once_than_the_vendor_bears(vendor: str) -> None:
    with emulators(vendor) as server:
        async with staged(server, configured(server, **{vendor: {"limits": {"concurrency": 2}}})) as stage:
            key = vendor.replace("_", "-")
            stage.fault(key, kind="latency", seconds=0.02, times=None)
            answers = await asyncio.gather(*(stage.data(MANY, backend=key) for _ in range(4)))
        assert [(len(found["customers"]["nodes"]), found["customers"]["problems"]) for found in answers] == [
            (8, [])
        ] * 4
        assert server.sandboxes[vendor].state.most_at_once == 2


async def test_the_budget_shows_who_waits() -> None:
    with emulators("smallinvoice") as server:
        async with staged(server, configured(server, smallinvoice={"limits": {"concurrency": 1}})) as stage:
            stage.fault("smallinvoice", kind="latency", seconds=0.05, times=None)
            asking = [asyncio.create_task(stage.data(MANY, backend="smallinvoice")) for _ in range(3)]
            shown = []
            while not all(map(asyncio.Task.done, asking)):
                shown.append((await stage.data(BUDGET))["backends"][0]["budget"])
                await asyncio.sleep(0.005)
            await asyncio.gather(*asking)
            after = await stage.data(BUDGET)
    assert {"remaining": 0, "queued": 2, "resetsAt": None} in shown
    assert after["backends"][0]["budget"] == {"remaining": 1, "queued": 0, "resetsAt": None}
