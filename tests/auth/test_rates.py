"""So many a minute for each name, in one process and in several."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.auth.rates import MINUTE, LocalRates
from gateway.auth.rates_shared import SharedRates
from gateway.upstream.redis_client import redis_client
from tests.redis_server import RedisServer


class Watch:
    """A stop watch that is moved."""

    def __init__(self) -> None:
        self.now = 50.0

    def __call__(self) -> float:
        return self.now


async def test_a_full_bucket_holds_a_minutes_worth() -> None:
    rates = LocalRates(6, Watch())
    assert [await rates.take("ann") for _ in range(7)] == [0, 0, 0, 0, 0, 0, pytest.approx(10)]


async def test_after_the_wait_there_is_one_more_and_no_other() -> None:
    watch = Watch()
    rates = LocalRates(6, watch)
    for _ in range(6):
        await rates.take("ann")
    watch.now += await rates.take("ann")
    assert [await rates.take("ann"), await rates.take("ann")] == [0, pytest.approx(10)]


async def test_each_name_has_its_own() -> None:
    rates = LocalRates(1, Watch())
    assert [await rates.take(name) for name in ("ann", "bob", "ann")] == [0, 0, pytest.approx(60)]


@given(st.integers(1, 50), st.lists(st.floats(0, 30), min_size=1, max_size=80))
async def test_no_more_than_two_minutes_worth_goes_in_any_minute(per_minute: int, pauses: list[float]) -> None:
    watch = Watch()
    rates = LocalRates(per_minute, watch)
    taken: list[float] = []
    for pause in pauses:
        watch.now += pause
        if await rates.take("ann") == 0:
            taken.append(watch.now)
    for begin in taken:
        assert sum(begin <= at < begin + MINUTE for at in taken) <= 2 * per_minute


async def test_processes_share_one_bucket_through_redis(redis_server: RedisServer) -> None:
    async with redis_client(redis_server.url) as one, redis_client(redis_server.url) as other:
        processes = [SharedRates(6, 2, client) for client in (one, other)]
        waits = [await processes[n % 2].take("ann") for n in range(7)]
    assert [wait > 0 for wait in waits] == [False] * 6 + [True]
    assert 9 < waits[-1] <= 10


async def test_without_redis_each_process_has_its_share(redis_server: RedisServer) -> None:
    async with redis_client(redis_server.url) as client:
        rates = SharedRates(6, 2, client)
        redis_server.kill()
        assert [await rates.take("ann") > 0 for _ in range(4)] == [False, False, False, True]
