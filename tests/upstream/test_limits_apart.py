"""Redis goes, and comes back: no outage, and never more than the limits."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import pytest
import structlog
from structlog.testing import capture_logs

from adapters.contract import Rate
from gateway.upstream import redis_client
from gateway.upstream.limits import Permit
from gateway.upstream.limits_fleet import Apart, Heard, Member
from gateway.upstream.limits_shared import SharedLimiter
from tests.redis_server import RedisServer
from tests.upstream.fleets import LOOK, SETTLING, Processes, Vendor, granted, happened


@pytest.fixture
async def processes(redis_server: RedisServer) -> AsyncIterator[Processes]:
    redis_server.ask("SET", "postroom:limits:born", 1)  # it has known us for long
    async with contextlib.AsyncExitStack() as stack:
        yield Processes(redis_server.url, stack)


@pytest.fixture
def soon_away(redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that hangs is taken for away before anybody loses patience."""
    monkeypatch.setattr(redis_client, "REDIS_SECONDS", 2.0)


@pytest.mark.usefixtures("soon_away")
@pytest.mark.parametrize("end", [RedisServer.kill, RedisServer.hang])
async def test_when_redis_goes_each_keeps_to_its_share_and_says_so_once(
    redis_server: RedisServer, processes: Processes, end: Callable[[RedisServer], None]
) -> None:
    structlog.reset_defaults()
    with capture_logs() as said:
        one, other = await processes.start(2, concurrency=8)
        before = Vendor()
        await asyncio.gather(*(before.ask(one, seconds=0.05) for _ in range(30)))
        end(redis_server)
        vendor = Vendor()
        asked = [vendor.ask(one, write=n % 2 == 0) for n in range(40)] + [vendor.ask(other) for _ in range(40)]
        await asyncio.gather(*asked)
    warnings = [line["processes"] for line in said if line["log_level"] == "warning"]
    assert (before.most, vendor.most, len(vendor.arrivals), warnings) == (8, 8, 80, [2, 2])


async def test_a_share_is_among_as_many_as_there_are_even_where_fewer_were_expected(
    redis_server: RedisServer, processes: Processes
) -> None:
    limiters = await processes.start(4, concurrency=8, expected=1)
    await happened(lambda: all(fleet.processes == 4 for fleet in processes.fleets))
    redis_server.kill()
    vendor = Vendor()
    await asyncio.gather(*(vendor.ask(limiter, seconds=0.02) for limiter in limiters for _ in range(20)))
    assert (vendor.most, len(vendor.arrivals)) == (8, 80)


async def test_what_is_under_way_when_redis_goes_counts_against_all(
    redis_server: RedisServer, processes: Processes
) -> None:
    greedy, *others = await processes.start(4, concurrency=8)
    vendor = Vendor()
    early = [asyncio.create_task(vendor.ask(greedy, seconds=SETTLING * 0.8)) for _ in range(8)]
    await happened(lambda: vendor.inside == 8)
    redis_server.kill()
    await asyncio.gather(*(vendor.ask(limiter) for limiter in (greedy, *others) for _ in range(20)), *early)
    assert (vendor.most, len(vendor.arrivals)) == (8, 88)


@pytest.mark.parametrize("rate", [None, Rate(calls=12, seconds=0.25)])
async def test_while_redis_comes_and_goes_they_never_ask_more(
    redis_server: RedisServer, processes: Processes, rate: Rate | None
) -> None:
    limiters = await processes.start(3, concurrency=6, rate=rate)
    vendor, busy = Vendor(), True

    async def keep_asking(limiter: SharedLimiter) -> None:
        while busy:
            await vendor.ask(limiter, write=len(vendor.arrivals) % 3 == 0, seconds=0.02)

    asking = [asyncio.create_task(keep_asking(limiter)) for limiter in limiters for _ in range(6)]
    for _ in range(2):
        await asyncio.sleep(0.2)
        redis_server.kill()
        await processes.are(together=False)
        count = len(vendor.arrivals)
        await happened(lambda count=count: len(vendor.arrivals) > count + 10)  # type: ignore[misc]
        redis_server.start()
        await processes.are(together=True)
    busy = False
    await asyncio.gather(*asking)
    assert vendor.most <= 6
    assert rate is None or vendor.most_within(rate.seconds) <= rate.calls


@pytest.mark.usefixtures("soon_away")
async def test_who_finds_redis_again_claims_its_share_and_gives_the_others_time_to(
    redis_server: RedisServer, processes: Processes
) -> None:
    await processes.start(2, concurrency=4, settling=60.0)
    redis_server.hang()
    await processes.are(together=False)
    redis_server.wake()
    await happened(lambda: redis_server.ask("ZCARD", "postroom:limits:{b}:reads") == 4)
    for _ in range(3):
        await asyncio.sleep(LOOK)
    assert [fleet.together for fleet in processes.fleets] == [False, False]


async def test_a_call_that_ends_while_its_process_comes_back_holds_no_permit_any_more(
    redis_server: RedisServer, processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    (one,) = await processes.start(1, concurrency=1)
    (fleet,) = processes.fleets
    held = await granted(one)
    late = asyncio.create_task(granted(one))
    claim = fleet._claim

    async def claimed(member: Member, *, share: bool) -> Heard:
        heard = await claim(member, share=share)
        if not share:  # Redis has been told, and its answer is on its way
            one.release(held)
        return heard

    monkeypatch.setattr(fleet, "_claim", claimed)
    redis_server.kill()
    await processes.are(together=False)
    redis_server.start()
    await processes.are(together=True)
    permit = await late
    assert redis_server.ask("ZRANGE", "postroom:limits:{b}:reads", 0, -1) == [permit.name]
    one.release(permit)
    await happened(lambda: not redis_server.ask("EXISTS", "postroom:limits:{b}:reads"))


async def test_a_process_that_cannot_come_back_after_all_goes_on_alone(
    processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    (one,) = await processes.start(1, concurrency=1)
    (fleet,) = processes.fleets
    claim, late = fleet._claim, list[asyncio.Task[Permit]]()

    async def unheard(member: Member, *, share: bool) -> Heard:
        if share:
            return await claim(member, share=share)
        if not late:
            late.append(asyncio.create_task(granted(one)))
            await asyncio.sleep(0)
        raise Apart

    monkeypatch.setattr(fleet, "_claim", unheard)
    fleet.part("Redis has lost its memory")
    await happened(lambda: late)
    permit = await late[0]
    assert (permit.held, fleet.together) == (True, False)


async def test_a_redis_that_lost_its_memory_unnoticed_grants_nothing_until_all_know(
    redis_server: RedisServer, processes: Processes
) -> None:
    one, other = await processes.start(2, concurrency=4)
    held = [await granted(one) for _ in range(4)]
    redis_server.ask("FLUSHALL")
    vendor = Vendor()
    late = asyncio.create_task(vendor.ask(other))
    await processes.are(together=False)
    await processes.are(together=True)
    assert (late.done(), redis_server.ask("ZCARD", "postroom:limits:{b}:reads")) == (True, 4)
    for permit in held:
        one.release(permit)
    await happened(lambda: other.remaining == 4)


async def test_a_first_start_waits_for_nothing_and_warns_of_nothing(redis_server: RedisServer) -> None:
    structlog.reset_defaults()
    with capture_logs() as said:
        async with contextlib.AsyncExitStack() as stack:
            processes = Processes(redis_server.url, stack)
            one, _ = await processes.start(2, concurrency=4)
            permits = [await granted(one) for _ in range(2)]
            assert (one.remaining, processes.fleets[0].together) == (0, False)
            await processes.are(together=True)
            assert redis_server.ask("ZCARD", "postroom:limits:{b}:reads") == len(permits)
            for permit in permits:
                one.release(permit)
    assert said == []
