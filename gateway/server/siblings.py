"""The metrics of all processes behind one socket: whichever is asked asks the others, and tells which is whose.

Each process answers on a Unix socket in a folder that only they know. One that has died or hangs is left out, and the
number of those that answered says so.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import msgspec
from msgspec import Struct
from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from gateway.metrics import Metrics
from gateway.worker import Worker

__all__ = ["WORKER", "answering_siblings", "metrics_of_all"]

WORKER = "worker"
"""The label that tells the processes apart: their numbers from 0, which replacements inherit."""

SECONDS = 1.0
"""How long a process may take to tell its metrics; Prometheus waits for ten by default."""

LARGEST = 16 * 1024 * 1024
"""Bytes of one process's metrics; a few hundred kilobytes are usual."""


class _Sample(Struct, frozen=True, array_like=True):
    name: str
    labels: dict[str, str]
    value: float


class _Family(Struct, frozen=True, array_like=True):
    name: str
    documentation: str
    type: str
    samples: list[_Sample]


@contextlib.asynccontextmanager
async def answering_siblings(worker: Worker | None, metrics: Metrics) -> AsyncIterator[None]:
    """Tells siblings this process's metrics while the context is open. There are none where there is no ``worker``."""
    if worker is None:
        yield
        return

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            writer.write(msgspec.msgpack.encode(list(_own(metrics))))
            await writer.drain()
        writer.close()

    worker.socket.unlink(missing_ok=True)  # of the one that this process replaces
    async with await asyncio.start_unix_server(answer, worker.socket):
        yield


async def metrics_of_all(worker: Worker, metrics: Metrics) -> list[Metric]:
    """The metrics of all processes that answer, this one's among them, each labelled with whose it is."""
    others = {path.stem: path for path in sorted(worker.folder.glob("*.sock")) if path != worker.socket}
    told = await asyncio.gather(*map(_asked, others.values()))
    of_each = {str(worker.number): list(_own(metrics))}
    of_each |= {number: families for number, families in zip(others, told, strict=True) if families is not None}
    answering = GaugeMetricFamily("postroom_workers_answering", "Processes whose metrics these are.", len(of_each))
    return [answering, *_merged(of_each)]


def _own(metrics: Metrics) -> Iterable[_Family]:
    for family in metrics.registry.collect():
        samples = [_Sample(sample.name, dict(sample.labels), sample.value) for sample in family.samples]
        yield _Family(family.name, family.documentation, family.type, samples)


async def _asked(socket: Path) -> list[_Family] | None:
    try:
        async with asyncio.timeout(SECONDS):
            reader, writer = await asyncio.open_unix_connection(socket, limit=LARGEST)
            try:
                return msgspec.msgpack.decode(await reader.read(-1), type=list[_Family])
            finally:
                writer.close()
    except (OSError, TimeoutError, msgspec.MsgspecError):
        return None


def _merged(of_each: dict[str, list[_Family]]) -> list[Metric]:
    merged: dict[str, Metric] = {}
    for number, families in sorted(of_each.items()):
        for family in families:
            one = merged.setdefault(family.name, Metric(family.name, family.documentation, family.type))
            for sample in family.samples:
                one.add_sample(sample.name, {WORKER: number, **sample.labels}, sample.value)
    return list(merged.values())
