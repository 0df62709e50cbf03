"""A served gateway under a mixed load, for a while: nothing of what it holds grows, and what it sent is in the ledger.

``make soak`` runs it for ten minutes, or for SOAK_MINUTES; among all tests it runs for seconds, enough to see that all
of it is played, and that what was opened is closed again.
"""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.faults.gateway_process import GatewayProcess, gateway
from tests.faults.vendors import Vendors, running_vendors
from tests.patience import PATIENCE
from tests.soak.growth import table
from tests.soak.load import KEYS, READS, Load
from tests.soak.sent import judge_sent
from tests.soak.watching import Watch

SECONDS = 60 * float(os.environ.get("SOAK_MINUTES", "0.2"))
TELLING_SECONDS = 120
"""From here on a line through the second half says something; before, the gateway is still warming up."""

SETTLING_SECONDS = 30
"""What is under way when the load ends has ended then: calls are given 3 seconds, and are tried again."""

REST_SLACK = {"open files": 40, "sockets": 12, "tasks": 4}
"""What may be open at rest that was not at the start: connections kept to four vendors, and of the ledger and its
engine, each of which has up to ten, of two files each."""

pytestmark = pytest.mark.timeout(SECONDS + 300)


@pytest.fixture
def vendors() -> Iterator[Vendors]:
    with running_vendors(*KEYS) as vendors:
        yield vendors


@pytest.fixture
def served(vendors: Vendors, tmp_path: Path) -> Iterator[GatewayProcess]:
    limits = {"concurrency": 6}
    url = f"sqlite:///{tmp_path}/ledger.sqlite3"
    configuration = vendors.write_configuration(tmp_path / "postroom.toml", url, timeout=3, limits=limits)
    with gateway(configuration) as process:
        yield process


@pytest.fixture
def say(request: pytest.FixtureRequest) -> Any:
    """Writes a line to the terminal, also where output is captured."""
    reporter = request.config.pluginmanager.getplugin("terminalreporter")
    return reporter.write_line if reporter is not None else print


async def test_nothing_grows_under_a_mixed_load(
    vendors: Vendors, served: GatewayProcess, tmp_path: Path, say: Any
) -> None:
    found = await asyncio.to_thread(served.ask, '{ letters(first: 200, backends: ["post"]) { nodes { id } } }')
    load = Load(served.url, vendors, [node["id"] for node in found["letters"]["nodes"]])
    async with httpx.AsyncClient(timeout=PATIENCE, trust_env=False) as client:
        watch = Watch(served.pid, served.url, tmp_path, client)
        before = await watch.look()
        watching = asyncio.create_task(watch.watch())
        async with load.running():
            ended, _ = await asyncio.wait([watching], timeout=SECONDS)
            assert not ended, served.log()[-4000:]
        watching.cancel()
        growths = watch.growths()
        if SECONDS >= TELLING_SECONDS:
            say("\n" + "\n".join((*table(growths), told(load))))
        await at_rest(watch, before)
    assert load.broken[:1] == []
    assert {f"read {name}" for name in READS} | {"send", "dry run", "run", "subscription", "left"} <= load.done.keys()
    if SECONDS >= TELLING_SECONDS:
        assert [growth for growth in growths if growth.is_too_much] == []
    served.kill()
    await asyncio.to_thread(judge_sent, vendors, KEYS, f"sqlite:///{tmp_path}/ledger.sqlite3")


def told(load: Load) -> str:
    """What was asked, in one line."""
    counts = ", ".join(f"{name} {count}" for name, count in sorted(load.done.items()))
    return f"{load.done.total()} requests and faults in {SECONDS:.0f} s: {counts}"


async def at_rest(watch: Watch, before: dict[str, float]) -> None:
    """Waits until what was opened for the load is closed."""
    seconds, left = 0, await left_over(watch, before)
    while left and seconds < SETTLING_SECONDS:
        await asyncio.sleep(1)
        seconds, left = seconds + 1, await left_over(watch, before)
    assert left == {}


async def left_over(watch: Watch, before: dict[str, float]) -> dict[str, float]:
    """How much more there is than before, where that is more than may be."""
    now = await watch.look()
    more = {name: now[name] - before[name] for name in REST_SLACK}
    return {name: much for name, much in more.items() if much > REST_SLACK[name]}
