"""Several processes' permits, kept together by one Redis."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapters.contract import Rate
from gateway.upstream import limits_fleet
from gateway.upstream.limits_shared import SharedLimiter
from tests.patience import PATIENCE
from tests.redis_server import RedisServer
from tests.upstream.accounts import account
from tests.upstream.fleets import LOOK, Processes, Vendor, granted, happened


@pytest.fixture
async def processes(redis_server: RedisServer) -> AsyncIterator[Processes]:
    redis_server.ask("SET", "postroom:limits:born", 1)  # it has known us for long
    async with contextlib.AsyncExitStack() as stack:
        yield Processes(redis_server.url, stack)


async def test_together_they_never_ask_more_at_once_and_all_have_their_turn(processes: Processes) -> None:
    limiters = await processes.start(4, concurrency=3)
    vendor = Vendor()
    asked = [vendor.ask(limiter, write=write) for limiter in limiters for write in (True, False) for _ in range(20)]
    await asyncio.gather(*asked)
    assert (len(vendor.arrivals), vendor.most, vendor.most_writes) == (160, 3, 2)


async def test_together_they_never_ask_more_in_any_window(processes: Processes) -> None:
    rate = Rate(calls=7, seconds=0.4)
    limiters = await processes.start(3, concurrency=20, rate=rate)
    vendor = Vendor()
    asked = (vendor.ask(limiter, seconds=0.02 * n) for limiter, n in itertools.product(limiters, range(8)))
    await asyncio.gather(*asked)
    assert (len(vendor.arrivals), vendor.most_within(rate.seconds)) == (24, 7)


async def test_one_alone_may_use_all_there_is(processes: Processes) -> None:
    one, _ = await processes.start(2, concurrency=6)
    held = [await granted(one) for _ in range(6)]
    assert one.held == 6
    for permit in held:
        one.release(permit)


@pytest.fixture
def only_when_woken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looks again by himself while a test runs."""
    text = limits_fleet._SCRIPT.read_text(encoding="utf-8")
    script = tmp_path / "limits.lua"
    script.write_text(text.replace("LOOK_AGAIN = 500", "LOOK_AGAIN = 3600000"), encoding="utf-8")
    assert "3600000" in script.read_text(encoding="utf-8").partition("LOOK_AGAIN = ")[2]
    monkeypatch.setattr(limits_fleet, "_SCRIPT", script)
    monkeypatch.setattr(limits_fleet, "LONGEST_WAIT", 7200.0)


@pytest.mark.usefixtures("only_when_woken")
@pytest.mark.parametrize("write", [False, True])
async def test_who_waits_is_woken_when_a_permit_comes_back(processes: Processes, write: bool) -> None:
    limiters = await processes.start(3, concurrency=2)
    vendor = Vendor()
    await asyncio.gather(*(vendor.ask(limiter, write=write) for limiter in limiters for _ in range(10)))
    assert len(vendor.arrivals) == 30


async def test_who_waited_first_goes_first_whichever_process_it_is(processes: Processes) -> None:
    one, other = await processes.start(2, concurrency=1)
    held = await granted(one)
    order: list[str] = []

    async def ask(name: str, limiter: SharedLimiter) -> None:
        permit = await granted(limiter)
        order.append(name)
        limiter.release(permit)

    many = [asyncio.create_task(ask("one", one)) for _ in range(10)]
    await happened(lambda: one.queued == 10)
    await asyncio.sleep(LOOK)
    few = [asyncio.create_task(ask("other", other)) for _ in range(2)]
    await asyncio.sleep(LOOK)
    one.release(held)
    await asyncio.gather(*many, *few)
    assert order.index("other") <= 2
    assert [place for place, name in enumerate(order) if name == "other"][1] <= 5


@pytest.mark.usefixtures("only_when_woken")
async def test_nobody_takes_what_was_given_back_before_those_who_wait_for_it(
    redis_server: RedisServer, processes: Processes
) -> None:
    one, other = await processes.start(2, concurrency=1)
    held = await granted(one)

    async def ask(name: str) -> int:
        heard = await processes.fleets[1].ask(other, "take", f"r:{name}", f"{name}:1", 60_000, "")
        return heard.status

    early = await ask("early")
    one.release(held)
    await happened(lambda: not redis_server.ask("EXISTS", "postroom:limits:{b}:reads"))
    assert (early, await ask("late"), await ask("early"), await ask("late")) == (0, 0, 1, 0)


@pytest.mark.usefixtures("only_when_woken")
async def test_a_read_does_not_wait_behind_a_write_that_may_not_go_yet(processes: Processes) -> None:
    one, other = await processes.start(2, concurrency=2)
    held = await granted(one, write=True)
    waiting = asyncio.create_task(granted(one, write=True))
    await asyncio.sleep(LOOK)
    other.release(await granted(other))
    assert not waiting.done()
    one.release(held)
    one.release(await waiting)


async def test_a_permit_of_a_process_that_died_is_free_when_its_lease_is_over(
    redis_server: RedisServer, processes: Processes
) -> None:
    one, other = await processes.start(2, concurrency=1)
    await granted(one)
    fleet = processes.fleets[0]
    for lease in redis_server.ask("ZRANGE", "postroom:limits:{b}:reads", 0, -1):
        assert lease.startswith(fleet.id)
        redis_server.ask("ZADD", "postroom:limits:{b}:reads", "XX", 1, lease)  # its end was long ago
    async with asyncio.timeout(PATIENCE):
        other.release(await granted(other))


@pytest.mark.usefixtures("only_when_woken")
async def test_a_call_that_leaves_the_queue_leaves_nothing_behind(
    redis_server: RedisServer, processes: Processes
) -> None:
    one, other = await processes.start(2, concurrency=1)
    held = await granted(one)
    with pytest.raises(TimeoutError):
        await other.acquire(write=True, seconds=0.05)
    await happened(lambda: not redis_server.ask("EXISTS", "postroom:limits:{b}:queue"))
    one.release(held)
    await happened(lambda: redis_server.keys() == ["postroom:limits:born", "postroom:limits:fleet"])
    await happened(lambda: (other.queued, other.remaining) == (0, 1))


async def test_a_lease_that_comes_for_nobody_any_more_is_given_back(
    processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    (one,) = await processes.start(1, concurrency=1)
    (fleet,) = processes.fleets
    asked: list[str] = []
    ask = fleet.ask

    async def noted(member: limits_fleet.Member, what: str, *arguments: str | float) -> limits_fleet.Heard:
        heard = await ask(member, what, *arguments)
        asked.extend([what] if what != "look" else [])
        return heard

    monkeypatch.setattr(fleet, "ask", noted)
    gone = asyncio.create_task(granted(one))
    for _ in range(3):
        await asyncio.sleep(0)
    gone.cancel()  # Redis is being asked already
    await happened(lambda: asked == ["take", "give"])
    assert (gone.cancelled(), one.remaining) == (True, 1)


async def test_a_permit_that_outlives_its_lease_is_renewed(
    redis_server: RedisServer, processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.upstream.limits_shared.LEASE_MARGIN", 0.1)
    (one,) = await processes.start(1, concurrency=1)
    permit = await one.acquire(write=False, seconds=0.1)
    ((_, first),) = redis_server.ask("ZRANGE", "postroom:limits:{b}:reads", 0, -1, "WITHSCORES")

    def renewed() -> bool:
        ((_, until),) = redis_server.ask("ZRANGE", "postroom:limits:{b}:reads", 0, -1, "WITHSCORES")
        return bool(float(until) > float(first) + 20_000)

    await happened(renewed)
    one.release(permit)
    await happened(lambda: not redis_server.ask("EXISTS", "postroom:limits:{b}:reads"))


async def test_the_budget_shows_how_many_permits_all_of_them_hold(processes: Processes) -> None:
    one, other = await processes.start(2, concurrency=5)
    held = [await granted(one) for _ in range(3)]
    await happened(lambda: (one.remaining, other.remaining, other.queued) == (2, 2, 0))
    for permit in held:
        one.release(permit)
    await happened(lambda: (one.remaining, other.remaining) == (5, 5))
    assert other.resets_at is None


async def test_the_budget_shows_how_much_of_the_rate_all_of_them_used(processes: Processes) -> None:
    one, other = await processes.start(2, concurrency=5, rate=Rate(calls=4, seconds=60))
    held = [await granted(one) for _ in range(3)]
    await happened(lambda: (one.remaining, other.remaining, other.queued) == (1, 1, 0))
    for permit in held:
        one.release(permit)
    await happened(lambda: (one.resets_at, other.resets_at) != (None, None))
    assert (one.remaining, other.remaining) == (1, 1)


# ── What stands in Redis ─────────────────────────────────────────────────────────────────────────────────────────────


async def test_keys_hold_a_digest_of_the_account_and_nothing_secret(
    redis_server: RedisServer, processes: Processes
) -> None:
    (one,) = await processes.start(1, concurrency=2, name=account())
    await granted(one)
    held = " ".join([*redis_server.keys(), *redis_server.ask("ZRANGE", redis_server.keys()[-1], 0, -1)])
    assert ("uk:" in held, "t0psecret" in held, "pepper" in held) == (True, False, False)
