"""One process tells the metrics of all that answer, and does not wait for one that does not."""

import socket
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from prometheus_client.metrics_core import Metric

from gateway.metrics import Metrics
from gateway.server import siblings
from gateway.server.siblings import answering_siblings, metrics_of_all
from gateway.worker import Worker


@pytest.fixture
def folder() -> Iterator[Path]:
    with TemporaryDirectory(prefix="postroom-") as name:  # short: a socket's path has 107 characters at most
        yield Path(name)


def accepted(count: int) -> Metrics:
    metrics = Metrics()
    metrics.items_became("ACCEPTED", count)
    return metrics


def told(families: list[Metric], name: str) -> dict[str, float]:
    samples = [sample for family in families for sample in family.samples if sample.name == name]
    return {sample.labels.get("worker", ""): sample.value for sample in samples}


async def test_each_of_all_is_told_under_its_number(folder: Path) -> None:
    one, other = accepted(1), accepted(2)
    async with answering_siblings(Worker(0, folder), one), answering_siblings(Worker(1, folder), other):
        for worker, mine in ((Worker(0, folder), one), (Worker(1, folder), other)):
            families = await metrics_of_all(worker, mine)
            assert told(families, "postroom_dispatch_items_total") == {"0": 1, "1": 2}
            assert told(families, "postroom_workers_answering") == {"": 2}


async def test_every_metric_has_its_kind_and_comes_once(folder: Path) -> None:
    one = accepted(1)
    async with answering_siblings(Worker(1, folder), accepted(2)):
        families = await metrics_of_all(Worker(0, folder), one)
    own = {family.name: family.type for family in one.registry.collect()}
    assert {family.name: family.type for family in families} == own | {"postroom_workers_answering": "gauge"}
    assert len(families) == len(own) + 1


async def test_one_that_has_died_is_left_out_until_it_is_replaced(folder: Path) -> None:
    async with answering_siblings(Worker(1, folder), accepted(2)):
        left = Worker(1, folder).socket.rename(folder / "kept")
    left.rename(Worker(1, folder).socket)
    me = Worker(0, folder)
    assert told(await metrics_of_all(me, accepted(1)), "postroom_dispatch_items_total") == {"0": 1}
    async with answering_siblings(Worker(1, folder), accepted(5)):
        assert told(await metrics_of_all(me, accepted(1)), "postroom_dispatch_items_total") == {"0": 1, "1": 5}


async def test_one_that_hangs_is_not_waited_for(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(siblings, "SECONDS", 0.05)
    with socket.socket(socket.AF_UNIX) as hung:
        hung.bind(str(Worker(1, folder).socket))
        hung.listen()
        families = await metrics_of_all(Worker(0, folder), accepted(1))
    assert told(families, "postroom_workers_answering") == {"": 1}


async def test_without_siblings_nothing_listens(folder: Path) -> None:
    async with answering_siblings(None, accepted(1)):
        assert not any(folder.iterdir())  # noqa: ASYNC240 - an empty folder
