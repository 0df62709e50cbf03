"""What a gateway's process holds, as the kernel and its own metrics tell."""

import asyncio
import contextlib
import time
from pathlib import Path

import httpx

from tests.soak.growth import BOUNDS, Growth, growth_of

__all__ = ["Watch"]

KIB = 1024


class Watch:
    """Samples of one process, a second apart. ``ledger`` is the folder of its database in SQLite."""

    def __init__(self, pid: int, url: str, ledger: Path, client: httpx.AsyncClient) -> None:
        self._process = Path(f"/proc/{pid}")
        self._url = url
        self._ledger = ledger
        self._client = client
        self._begun = time.monotonic()
        self.samples: dict[str, list[tuple[float, float]]] = {name: [] for name in BOUNDS}

    async def watch(self) -> None:
        """Samples until it is cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(1)

    async def look(self) -> dict[str, float]:
        """One sample of everything."""
        metrics = await self._metrics()
        items = sum(value for name, value in metrics.items() if name.startswith("postroom_dispatch_items_total"))
        targets = self._open_files()
        seen = {
            "memory": self._status("VmRSS") / KIB,
            "open files": float(len(targets)),
            "sockets": float(sum(target.startswith("socket:") for target in targets)),
            "tasks": metrics["postroom_event_loop_tasks"],
            "threads": self._status("Threads"),
        }
        if items:
            seen["ledger an item"] = self._ledger_bytes() / KIB / items
        now = time.monotonic() - self._begun
        for name, value in seen.items():
            self.samples[name].append((now, value))
        return seen

    def growths(self) -> list[Growth]:
        """What each measure did in the second half."""
        return [growth_of(name, samples) for name, samples in self.samples.items()]

    async def _metrics(self) -> dict[str, float]:
        text = (await self._client.get(f"{self._url}/metrics")).text
        rows = (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
        return {name: float(value) for name, value in rows}

    def _open_files(self) -> list[str]:
        targets = []
        for link in (self._process / "fd").iterdir():
            with contextlib.suppress(FileNotFoundError):
                targets.append(str(link.readlink()))
        return targets

    def _status(self, name: str) -> float:
        lines = (self._process / "status").read_text().splitlines()
        return float(next(line.split()[1] for line in lines if line.startswith(f"{name}:")))

    def _ledger_bytes(self) -> int:
        size = 0
        for file in self._ledger.glob("*.sqlite3*"):
            with contextlib.suppress(FileNotFoundError):  # a journal, which comes and goes
                size += file.stat().st_size
        return size
