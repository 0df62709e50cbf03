"""Several processes behind one listening socket: started, replaced when they die, and told to go when we are.

uvicorn's own supervisor starts processes afresh and hands them a configuration to unpickle; ours are forked, since what
they serve is made of settings that were read already, and secrets are not written down again to be passed on.
"""

import contextlib
import multiprocessing
import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from pathlib import Path
from typing import Any

import structlog
from msgspec import Struct

from gateway.commands.failure import CommandFailure
from gateway.commands.serving import settle_memory
from gateway.worker import Worker

__all__ = ["run_workers"]

log = structlog.get_logger("postroom.workers")

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0
"""Seconds before one is started again that died before it could serve; doubled each time."""

STOPPING = frozenset({signal.SIGINT, signal.SIGTERM})

Serve = Callable[[Callable[[], None], Worker], None]
"""Serves as one of several, until it is told to stop; calls what it is given when it listens."""


class _Worker(Struct, eq=False):
    process: ForkProcess
    readiness: Connection
    number: int
    ready: bool = False


class _Workers:
    def __init__(self, count: int, serve: Serve, folder: Path) -> None:
        self._count = count
        self._serve = serve
        self._folder = folder
        self._workers: list[_Worker] = []
        self._fork = multiprocessing.get_context("fork")
        self._lifeline = os.pipe()
        self._pause = FIRST_PAUSE

    def start(self, pause: float = 0.0) -> None:
        """Forks one. No signal comes in between: one that nobody knows of would be told nothing."""
        number = min(set(range(self._count)) - {worker.number for worker in self._workers})
        here, there = self._fork.Pipe(duplex=False)
        before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
        try:
            process = self._fork.Process(target=self._work, args=(there, Worker(number, self._folder), before, pause))
            process.start()
            self._workers.append(_Worker(process, here, number))
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        there.close()

    def _work(self, readiness: Connection, worker: Worker, mask: set[Any], pause: float) -> None:
        alive, held_by_us = self._lifeline
        os.close(held_by_us)
        threading.Thread(target=_end_with_parent, args=(alive,), daemon=True).start()
        with contextlib.suppress(KeyboardInterrupt):  # told to stop, and stopped in order
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            time.sleep(pause)
            self._serve(lambda: readiness.send(None), worker)

    def watch(self, announce: Callable[[], None]) -> None:
        """Starts the first, the others once it listens, and from then on whatever died."""
        self.start()
        while True:
            of: dict[Any, _Worker] = {one.process.sentinel: one for one in self._workers}
            of |= {one.readiness: one for one in self._workers if not one.ready}
            for source in wait(list(of)):
                worker = of[source]
                if worker not in self._workers:
                    continue  # of the same moment as its end
                if source is worker.readiness and self._is_ready(worker):
                    self._pause = FIRST_PAUSE
                    if len(self._workers) < self._count:
                        self._start_others()
                        announce()
                elif source == worker.process.sentinel:
                    self._replace(worker)

    def _is_ready(self, worker: _Worker) -> bool:
        with contextlib.suppress(EOFError):
            worker.readiness.recv()
            worker.ready = True
        return worker.ready

    def _start_others(self) -> None:
        # Not all at once from the beginning: the first brings the database up to date.
        while len(self._workers) < self._count:
            self.start()

    def _replace(self, dead: _Worker) -> None:
        dead.process.join()
        dead.readiness.close()
        self._workers.remove(dead)
        if len(self._workers) < self._count - 1:
            raise CommandFailure("The gateway cannot start; what kept it from that is said above.")
        pause = 0.0
        if not dead.ready:
            pause, self._pause = self._pause, min(LONGEST_PAUSE, self._pause * 2)
        log.warning("a worker ended, and is replaced", exit_code=dead.process.exitcode, seconds=pause)
        self.start(pause)

    def stop(self) -> None:
        """Tells all to go, and waits until they have settled what they were doing."""
        for number in STOPPING:
            signal.signal(number, signal.SIG_IGN)  # who wants it quicker kills us, and all go with us
        for worker in self._workers:
            worker.process.terminate()
        for worker in self._workers:
            worker.process.join()


def run_workers(count: int, serve: Serve, announce: Callable[[], None]) -> None:
    """Serves with so many processes until told to stop (KeyboardInterrupt); ``announce`` is called when they listen.

    Raises `CommandFailure` when the first cannot start.
    """
    settle_memory()  # before the first fork: what a collector looks at it writes to, and that is shared no longer
    with tempfile.TemporaryDirectory(prefix="postroom-") as folder:  # short: a socket's path has 107 characters at most
        workers = _Workers(count, serve, Path(folder))
        try:
            workers.watch(announce)
        finally:
            workers.stop()


def _end_with_parent(alive: int) -> None:
    """Ends this process as a signal would, when the other end of the pipe is closed: its parent was killed."""
    os.read(alive, 1)
    os.kill(os.getpid(), signal.SIGTERM)
