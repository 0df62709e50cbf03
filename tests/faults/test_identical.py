"""Two identical mutations at once."""

import contextlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from tests.faults.conftest import Judge, store_of
from tests.faults.gateway_process import GatewayProcess, gateway
from tests.faults.vendors import EMAILS, Vendors, letter_ids, running_vendors

ROUNDS = 10


@pytest.fixture(params=["sqlite-1", pytest.param("postgresql-1", marks=pytest.mark.whole), "postgresql-2"])
def processes(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Vendors, str, list[GatewayProcess]]]:
    store, _, count = request.param.partition("-")
    url: str = request.getfixturevalue(f"{store}_url")
    with contextlib.ExitStack() as stack:
        vendors = stack.enter_context(running_vendors("letters"))
        limits = {"concurrency": 8}
        configuration = vendors.write_configuration(tmp_path / "postroom.toml", url, timeout=10, limits=limits)
        vendors.slow(0.05, EMAILS)
        yield vendors, url, [stack.enter_context(gateway(configuration)) for _ in range(int(count))]


def both(processes: Sequence[GatewayProcess], mutation: str, given: dict[str, Any]) -> list[Any]:
    """The payloads of the same mutation twice at once, at the first process and at the last."""
    barrier = Barrier(2)

    def ask(process: GatewayProcess) -> Any:
        barrier.wait()
        return process.send(mutation, given)

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(ask, (processes[0], processes[-1])))


def test_identical_mutations_at_once_send_once(
    processes: tuple[Vendors, str, list[GatewayProcess]], judge: Judge
) -> None:
    vendors, url, gateways = processes
    documents = letter_ids(["letters"], 2 * ROUNDS + 20)
    for number in range(ROUNDS):
        answers = both(gateways, "emailDocument", {"document": documents.pop(), "idempotencyKey": f"key {number}"})
        assert sorted(answer["replayed"] for answer in answers) == [False, True], answers
        assert len({answer["dispatch"]["id"] for answer in answers}) == 1
    for _ in range(ROUNDS):
        answers = both(gateways, "emailDocument", {"document": documents.pop()})
        refusals = sorted([problem["code"] for problem in answer["problems"]] for answer in answers)
        assert refusals == [[], ["ALREADY_SENT"]], answers
    runs = both(gateways, "emailDocuments", {"documents": documents})
    for run in runs:
        gateways[0].ends(run["dispatch"]["id"])
    counts = [gateways[-1].dispatch(run["dispatch"]["id"])["counts"] for run in runs]
    assert sorted(count["skipped"] for count in counts) == [0, len(documents)]
    judge(f"identical mutations at once; {store_of(url)}, processes: {len(gateways)}", url, vendors)
