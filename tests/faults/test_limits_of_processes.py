"""Four gateways, one vendor, one Redis: the vendor itself counts what it is asked."""

import contextlib
import json
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.faults.gateway_process import GatewayProcess, gateway
from tests.faults.vendors import EMAILS, Vendors, letter_ids, running_vendors
from tests.faults.waiting import until
from tests.redis_server import RedisServer

KEY = "letters-a"
PROCESSES = 4
READS = "{ customers(first: 25) { nodes { correspondence(first: 1) { nodes { id } } } problems { message } } }"


@pytest.fixture
def vendors() -> Iterator[Vendors]:
    with running_vendors(KEY) as vendors:
        yield vendors


@pytest.fixture
def start(vendors: Vendors, redis_server: RedisServer, tmp_path: Path) -> Iterator[Callable[..., list[GatewayProcess]]]:
    """Starts gateways, each with a ledger of its own, that share the limits given."""
    redis_server.ask("SET", "postroom:limits:born", 1)  # it has known us for long
    with contextlib.ExitStack() as stack:

        def started(count: int, *, timeout: float = 30, **limits: Any) -> list[GatewayProcess]:
            text = f"\n[redis]\nurl = {json.dumps(redis_server.url)}\nexpected_processes = {count}\n"
            processes = []
            for number in range(count):
                ledger = f"sqlite:///{tmp_path}/ledger-{number}.sqlite3"
                file = vendors.write_configuration(tmp_path / f"{number}.toml", ledger, timeout=timeout, limits=limits)
                file.write_text(file.read_text() + text)
                processes.append(stack.enter_context(gateway(file, ready=False)))
            return [process.listens() for process in processes]

        yield started


def asked(processes: list[GatewayProcess], times: int, pool: ThreadPoolExecutor) -> list[Future[Any]]:
    """The same question to each, several times at once."""
    return [pool.submit(process.ask, READS) for _ in range(times) for process in processes]


def complete(answers: list[Future[Any]]) -> bool:
    """Whether every answer is whole."""
    found = [answer.result()["customers"] for answer in answers]
    return all(one["problems"] == [] and len(one["nodes"]) == 25 for one in found)


def test_four_processes_ask_no_more_than_the_vendor_bears(
    vendors: Vendors, start: Callable[..., list[GatewayProcess]]
) -> None:
    processes = start(PROCESSES, concurrency=8, rate="{ calls = 40, seconds = 4 }")  # a window that all machines fill
    vendors.slow(0.1, "*")
    with ThreadPoolExecutor(max_workers=32) as pool:
        sends = [
            pool.submit(process.send, "emailDocuments", {"documents": [one]})
            for process, one in zip(processes, letter_ids([KEY], PROCESSES), strict=True)
        ]
        assert complete(asked(processes, 1, pool))
        assert [send.result()["problems"] for send in sends] == [[]] * PROCESSES
    until(lambda: vendors.sent() == PROCESSES, "all that was to be sent")
    assert vendors.load(KEY, within=4) == (8, 40)


def test_a_killed_holders_permits_are_free_after_their_lease(
    vendors: Vendors, redis_server: RedisServer, start: Callable[..., list[GatewayProcess]]
) -> None:
    holder, other = start(2, timeout=1.5, concurrency=1)
    vendors.slow(1.0, "GET *")
    with ThreadPoolExecutor() as pool:
        lost = pool.submit(holder.ask, READS)
        until(lambda: redis_server.ask("KEYS", "*:reads"), "a lease")
        holder.kill()
        with pytest.raises(httpx.TransportError):
            lost.result()
    vendors.heal()
    one = "{ customers(first: 1) { nodes { code } problems { code } } }"
    first = other.ask(one)["customers"]
    assert (first["nodes"], [problem["code"] for problem in first["problems"]]) == ([], ["TIMEOUT"])
    until(lambda: other.ask(one)["customers"]["problems"] == [], "a turn", seconds=30)


def test_redis_dies_and_comes_back_and_nobody_notices_but_the_log(
    vendors: Vendors, redis_server: RedisServer, start: Callable[..., list[GatewayProcess]]
) -> None:
    processes = start(PROCESSES, concurrency=8)
    vendors.slow(0.03, "*")
    with ThreadPoolExecutor(max_workers=32) as pool:
        early = asked(processes, 1, pool)
        until(lambda: vendors.load(KEY, within=1)[0] == 8, "calls")
        redis_server.kill()
        during = asked(processes, 1, pool)
        assert complete([*early, *during])
        redis_server.start()
        again = "are kept with the other processes again"
        late = asked(processes, 1, pool)
        until(lambda: all(again in process.log() for process in processes), "their meeting")
        assert complete([*late, *asked(processes[:1], 2, pool)])
        until(lambda: vendors.unanswered(EMAILS) == 0, "an end")
    gone = "limits are no longer kept"
    assert [process.log().count(gone) for process in processes] == [1] * PROCESSES
    assert vendors.load(KEY, within=1)[0] == 8
